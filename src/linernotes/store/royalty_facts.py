"""What a royalty run has to know, out of the catalogue and the claims: tables of whole numbers in DuckDB.

Conventions
-----------
Things, parties and claims are numbered in order of id (by bytes). Shares of one thing are parts of one ``share_whole``,
claims on it of one ``claim_whole``: the least common denominators, so that every sum is one of whole numbers. Days
without a bound are the year 1's first and the year 9999's last. ``NOBODY`` stands for no party.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Integer, Table, func, select

from linernotes.model import ANY_USE, Action, RightType, RoyaltyRule, Side
from linernotes.store.schema import claims, parties, recordings, shares

__all__ = ["CLAIM_WHOLE_MAX", "NOBODY", "RIGHTS", "SHARE_WHOLE_MAX", "TABLES", "Law", "load", "party_rows", "write"]

NOBODY = 2_147_483_647
"""The number of no party; after all others, so that a tie goes to a party."""
SHARE_WHOLE_MAX = 1_000_000_000
"""A thing whose shares have no common denominator up to this cannot be divided in 64 bits: its money is held."""
CLAIM_WHOLE_MAX = 100_000
RIGHTS = tuple(RightType)
"""Rights by number."""
TABLES = ("things", "shares", "claims", "parties", "places", "changes", "rules", "rule_parts", "named_uses", "reasons")

_RULE_WHOLE = 10_000
_WORLD = "2136"
_OF_RECORDING = (RightType.MASTER, RightType.TRAINING)

_RAW = {
    "parties": "id VARCHAR, payee_id VARCHAR",
    "recordings": "id VARCHAR, isrc VARCHAR, sha256 VARCHAR, work_id VARCHAR",
    "shares": "subject_id VARCHAR, party_id VARCHAR, right_type VARCHAR, numerator BIGINT, denominator BIGINT,"
    " territory VARCHAR, valid_from DATE, valid_to DATE",
    "claims": "id VARCHAR, upload_sha256 VARCHAR, party_id VARCHAR, side VARCHAR, numerator BIGINT,"
    " denominator BIGINT, country VARCHAR, is_due BOOLEAN",
    "places": "code VARCHAR, country VARCHAR",
    "rules": "rule_no INTEGER, use_type VARCHAR, is_general BOOLEAN, territory VARCHAR, is_world BOOLEAN,"
    " size INTEGER, valid_from DATE, valid_to DATE",
    "rule_parts": "rule_no INTEGER, right_no INTEGER, side VARCHAR, parts BIGINT, whole BIGINT",
}
_READ = "auto_detect=false, header=false, delim=',', quote='\"', escape='\"'"  # an empty text is NULL, quoted or not
_BLOCK_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Law:
    """What the rules say that the store applies: handed in, for the store knows no rules itself.

    ``in_territories`` gives (territory, country) for each country in territories other than the world; ``size`` counts
    the countries in one.
    """

    rules: Sequence[RoyaltyRule]
    side_of: Mapping[RightType, Side]
    due_states: Collection[str]
    held_states: Collection[str]
    in_territories: Callable[[Sequence[str]], list[tuple[str, str]]]
    size: Callable[[str], int]


def write(connection: Connection, law: Law, folder: Path) -> tuple[str, str]:
    """Write what is known to CSV files in ``folder``; return the SHA-256 of all of it, and of the rules in it."""
    codes = set(connection.scalars(select(shares.c.territory).distinct()))
    texts = {
        "parties": _text(party_rows(connection)),
        "recordings": _table_text(connection, recordings, _names("recordings")),
        "shares": _table_text(connection, shares, _names("shares")),
        "claims": _text(_claim_rows(connection, law)),
        "rules": _text(_rule_rows(law)),
        "rule_parts": _text(_rule_part_rows(law)),
        "places": _text(law.in_territories(sorted(codes | {rule.territory for rule in law.rules}))),
    }
    digest, of_rules = hashlib.sha256(), hashlib.sha256()
    for name in sorted(texts):
        path = folder / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8", buffering=1 << 20) as file:
            file.writelines(texts[name])
        with path.open("rb") as written:
            mark = f"{name}\n".encode() + hashlib.file_digest(written, "sha256").digest()
        digest.update(mark)
        if name in ("rules", "rule_parts"):
            of_rules.update(mark)
    return digest.hexdigest(), of_rules.hexdigest()


def _names(table: str) -> list[str]:
    return [column.split()[0] for column in _RAW[table].split(", ")]


class _Echo:
    """A file for the CSV writer that gives back what it is given."""

    @staticmethod
    def write(text: str) -> str:
        return text


def _text(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield rows as CSV: what is no number is quoted, and empty where there is nothing."""
    return map(csv.writer(_Echo, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerow, rows)


def _table_text(connection: Connection, table: Table, names: Sequence[str]) -> Iterator[str]:
    """Yield a table in the order of its key, as :func:`_text` does.

    SQLite writes the text itself, block by block, as JSON, which is what it writes fastest. Between the brackets that
    is CSV to the letter, as long as nothing in it had to be escaped.
    """
    (key,) = (column.name for column in table.primary_key)
    if connection.dialect.name != "sqlite":
        yield from _text(connection.execute(select(*(table.c[name] for name in names)).order_by(table.c[key])))
        return
    values = ", ".join(name if isinstance(table.c[name].type, Integer) else f"ifnull({name}, '')" for name in names)
    rows = f"SELECT group_concat(json_array({values}), char(10)) FROM {table.name} WHERE {key} >= ?"
    next_key = f"SELECT {key} FROM {table.name} WHERE {key} >= ? ORDER BY {key} LIMIT 1 OFFSET {_BLOCK_ROWS}"
    start = connection.scalar(select(func.min(table.c[key])))
    while start is not None:
        end = connection.exec_driver_sql(next_key, (start,)).scalar()
        block = (rows, (start,)) if end is None else (f"{rows} AND {key} < ?", (start, end))
        text: str = connection.exec_driver_sql(*block).scalar_one()
        if "\\" in text:
            yield from _text(map(json.loads, text.split("\n")))
        else:
            yield text[1:-1].replace("]\n[", "\n") + "\n"
        start = end


def party_rows(connection: Connection) -> list[tuple[str, str]]:
    """Return each party and who is paid for it: the end of its aliases; a circle of them is paid each by itself."""
    alias = {row.id: row.alias_of for row in connection.execute(select(parties.c.id, parties.c.alias_of))}
    rows = []
    for party_id in sorted(alias):
        seen, payee = {party_id}, party_id
        while (other := alias.get(payee)) is not None and other not in seen:
            seen.add(other)
            payee = other
        rows.append((party_id, payee if other is None else party_id))
    return rows


def _claim_rows(connection: Connection, law: Law) -> Iterable[tuple[object, ...]]:
    """Yield what each claim asks for: everywhere, or, where it makes exceptions, country by country."""
    query = select(claims.c.content, claims.c.state).where(claims.c.state.in_([*law.due_states, *law.held_states]))
    for row in connection.execute(query.order_by(claims.c.id)):
        content = json.loads(row.content)
        head = content["id"], content["upload_sha256"], content["party_id"]
        is_due = row.state in law.due_states
        for country, rule in _asking(content, law):
            if rule["action"] == Action.SHARE and rule["share"] is not None and rule["side"] is not None:
                share = Fraction(rule["share"])
                yield *head, rule["side"], share.numerator, share.denominator, country, is_due


def _asking(content: Mapping[str, Any], law: Law) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if not content["exceptions"]:
        return [("", content)]
    everywhere: dict[str, Mapping[str, Any]] = {country: content for _, country in law.in_territories([f"{_WORLD}-AQ"])}
    everywhere["AQ"] = content
    for exception in content[
        "exceptions"
    ]:  # from the widest to the narrowest, so that the last word is the narrowest's
        for _, country in law.in_territories([exception["territory"]]):
            everywhere[country] = exception
    return everywhere.items()


def _rule_rows(law: Law) -> list[tuple[object, ...]]:
    return [
        (
            *(number, rule.use_type, rule.use_type == ANY_USE, rule.territory, rule.territory == _WORLD),
            *(law.size(rule.territory), rule.valid_from or "0001-01-01", rule.valid_to or "9999-12-31"),
        )
        for number, rule in enumerate(law.rules)
    ]


def _rule_part_rows(law: Law) -> list[tuple[object, ...]]:
    return [
        (number, RIGHTS.index(right), law.side_of[right].value, int(part * _RULE_WHOLE), _RULE_WHOLE)
        for number, rule in enumerate(law.rules)
        for right, part in sorted(rule.parts.items())
        if part
    ]


# ── into DuckDB ──────────────────────────────────────────────────────────────


def load(engine: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make :data:`TABLES` from the files that :func:`write` wrote."""
    for name, columns in _RAW.items():
        typed = ", ".join(f"'{column.split()[0]}': '{column.split()[1]}'" for column in columns.split(", "))
        target = name if name in ("places", "rules", "rule_parts") else f"raw_{name}"
        engine.execute(
            f"CREATE TABLE {target} AS SELECT * FROM read_csv(?, {_READ}, columns={{{typed}}})",
            [str(folder / f"{name}.csv")],
        )
    rights = ", ".join(f"('{right.value}', {number}, {right in _OF_RECORDING})" for number, right in enumerate(RIGHTS))
    engine.execute(f"CREATE TABLE rights AS FROM (VALUES {rights}) AS r(right_type, right_no, of_recording)")
    facts = resources.files("linernotes.store").joinpath("royalty_sql", "00_facts.sql").read_text("utf-8")
    engine.execute(facts)
