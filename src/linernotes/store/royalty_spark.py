"""The royalty run on Spark: the same statements, carried over by sqlglot, for usage that one machine cannot hold.

Conventions
-----------
Facts and usage are Parquet files; what comes out is what DuckDB makes of them, to the micro-unit and in the same order.
Where DuckDB goes to 128-bit whole numbers Spark takes ``DECIMAL(38, 0)``: the products stay below 10³⁸.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linernotes.errors import UnavailableError
from linernotes.store.royalty_statements import STEPS, statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["carried_over", "divide"]


def carried_over(step: str) -> str:
    """Return one of the statements as Spark reads it; UnavailableError where sqlglot is missing."""
    try:
        import sqlglot  # noqa: PLC0415
        from sqlglot import exp  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UnavailableError(f"Spark needs {error.name}: pip install 'linernotes[spark]'") from error

    def widened(node: Any) -> Any:
        if isinstance(node, exp.DataType) and node.this in (exp.DataType.Type.INT128, exp.DataType.Type.BIGDECIMAL):
            return exp.DataType.build("DECIMAL(38, 0)")
        return node

    tree = sqlglot.parse_one(statement(step), read="duckdb")
    return str(tree.transform(widened).sql(dialect="spark"))


def divide(
    session: "SparkSession", facts: Mapping[str, Path], usage: Sequence[Path], *, wanted: Sequence[str]
) -> dict[str, "DataFrame"]:
    """Run the statements on Parquet files, ``facts`` by table; return the tables that are ``wanted``."""
    for name, path in facts.items():
        session.read.parquet(str(path)).createOrReplaceTempView(name)
    session.read.parquet(*map(str, usage)).createOrReplaceTempView("usage")
    found = {}
    for step in STEPS:
        frame = session.sql(carried_over(step))
        if step in ("heaps", "pools", "terms"):  # each is read more than once
            frame = frame.cache()
        frame.createOrReplaceTempView(step)
        if step in wanted:
            found[step] = frame
    return found
