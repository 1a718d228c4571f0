"""Values in requests that JSON has no type for."""

from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from linernotes.api.problems import HttpProblem

__all__ = ["Day", "Exact", "Month", "Why", "exact", "jsonable"]

Month = Annotated[str, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])]
Day = Annotated[date | None, Query(description="as it was on that day")]
Exact = Annotated[
    str, Field(pattern=r"^[0-9]{1,18}(/[0-9]{1,18}|\.[0-9]{1,18})?$", max_length=40, examples=["1/2", "0.25"])
]
"""An exact number: a fraction or a decimal."""
Why = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S", examples=["we agreed on this"])]


def exact(text: str | None, where: str) -> Fraction | None:
    """Read an exact number; HttpProblem 422 where it is none."""
    if text is None:
        return None
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise HttpProblem(422, "invalid", f"{where}: {text!r} is not a number such as 1/2 or 0.25") from None


def jsonable(value: Any) -> Any:
    """Return records' fields as JSON's types: days and moments as ISO 8601, fractions as text."""
    if isinstance(value, dict):
        return {str(name): jsonable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Fraction) else value
