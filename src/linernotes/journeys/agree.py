"""Agree: rules of division, terms, advances and exchange rates from tables; what a model's maker pays for training.

Conventions
-----------
A table is a CSV with a header, in UTF-8; columns in any order, those not known are refused, so that a misspelt one is
not passed over. Amounts are in units with a point (``12.50``), parts exact: ``1/3``, ``15%``, ``0.8``. A table is
taken whole, or, where a line is faulty, not at all: every fault is told.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from linernotes.errors import ConflictError, FormatError, IdentifierError, InputError, NotFoundError
from linernotes.model import ANY_USE, Advance, ExchangeRate, RightType, RoyaltyRule, Terms, UsageLine
from linernotes.model.usage import ReportSum, UsageReport
from linernotes.money import LIMIT_MICRO, divide
from linernotes.rights import territories
from linernotes.rights.royalties import SIDE_OF, check_rules, training_parts
from linernotes.store.royalties import content_hash
from linernotes.workspace import Workspace

__all__ = ["add_advances", "add_rates", "add_training", "amount_micro", "set_rules", "set_terms"]

Record = TypeVar("Record")
Row = Mapping[str, str]

_RIGHTS = tuple(right.value for right in SIDE_OF)


def set_rules(workspace: Workspace, table: Path) -> list[RoyaltyRule]:
    """Let these rules hold from now on: ``use_type, territory, from, to`` and a column for each right's part."""
    rules = _read(table, ("use_type", "territory", "from", "to", *_RIGHTS), ("use_type",), _rule)
    check_rules(rules)
    workspace.agreements.set_rules(rules)
    return rules


def set_terms(workspace: Workspace, table: Path) -> list[Terms]:
    """Enter terms of payment, a line for each ``party``."""
    columns = (
        *("party", "currency", "group", "withholding", "minimum", "iban", "bic"),
        *("reserve", "reserve_periods", "recoup_from"),
    )

    def terms(row: Row) -> Terms:
        withholding = _part(row.get("withholding") or "0")
        if not 0 <= withholding <= 1:
            raise FormatError(f"withholding {row['withholding']!r}: not a part between 0 and 1")
        reserve, periods = _part(row.get("reserve") or "0"), row.get("reserve_periods") or "0"
        if not 0 <= reserve < 1:
            raise FormatError(f"reserve {row['reserve']!r}: not a part, from 0 to less than 1")
        if not re.fullmatch(r"[0-9]{1,3}", periods) or (reserve and not int(periods)):
            raise FormatError(f"reserve_periods {periods!r}: for how many months is the reserve kept? 1 to 999")
        if strange := set(rights := row.get("recoup_from", "").split()) - set(_RIGHTS):
            message = (
                f"recoup_from {row['recoup_from']!r}: {', '.join(sorted(strange))} is none of {', '.join(_RIGHTS)}"
            )
            raise FormatError(message)
        return Terms(
            party_id=workspace.claims.party(row["party"]),
            currency=_currency(row["currency"]) if row.get("currency") else None,
            group=row.get("group") or None,
            withholding=withholding,
            minimum_micro=amount_micro(row.get("minimum") or "0"),
            iban=row.get("iban", "").replace(" ", "").upper() or None,
            bic=row.get("bic", "").replace(" ", "").upper() or None,
            reserve=reserve,
            reserve_periods=int(periods),
            recoup_from=tuple(right for right in SIDE_OF if right in rights),
        )

    agreed = _read(table, columns, ("party",), terms)
    if len({each.party_id for each in agreed}) < len(agreed):
        raise FormatError(f"{table}: a party stands there twice; give each one line", code="terms")
    workspace.agreements.set_terms(agreed)
    return agreed


def add_advances(workspace: Workspace, table: Path) -> int:
    """Enter advances, ``id, party, currency, amount, paid_on``; return how many were new."""

    def advance(row: Row) -> Advance:
        amount = amount_micro(row["amount"])
        if amount <= 0:
            raise FormatError(f"amount {row['amount']!r}: an advance is more than nothing")
        party_id = workspace.claims.party(row["party"])
        return Advance(row["id"], party_id, _currency(row["currency"]), amount, _day(row["paid_on"]))

    columns = ("id", "party", "currency", "amount", "paid_on")
    return workspace.agreements.add_advances(_read(table, columns, columns, advance))


def add_rates(workspace: Workspace, table: Path) -> int:
    """Enter exchange rates, ``base, quote, on, rate, source``; return how many were new."""

    def rate(row: Row) -> ExchangeRate:
        value = _part(row["rate"])
        if value <= 0:
            raise FormatError(f"rate {row['rate']!r}: more than nothing")
        base, quote = _currency(row["base"]), _currency(row["quote"])
        return ExchangeRate(base, quote, _day(row["on"]), value, row.get("source", ""))

    columns = ("base", "quote", "on", "rate", "source")
    return workspace.agreements.add_rates(_read(table, columns, columns[:4], rate))


def add_training(
    workspace: Workspace,
    table: Path,
    *,
    release: str,
    period: str,
    currency: str,
    amount: str,
    informativeness_ppm: int,
    at: datetime,
) -> tuple[str, int]:
    """Divide what a model release pays for training among the recordings in ``table``, as usage of the period.

    ``table`` has ``isrc`` and ``attribution``, whole numbers of any scale. Returns the report's id and its lines.

    Raises NotFoundError if a recording is not in the catalogue; FormatError for faulty lines; ConflictError if the
    period is closed
    """
    rows = _read(table, ("isrc", "attribution"), ("isrc", "attribution"), _attribution)
    weights = dict(rows)
    if len(weights) < len(rows) or not weights:
        raise FormatError(f"{table}: it needs recordings, each once", code="training")
    known = workspace.royalties.known_isrcs(list(weights))
    if missing := sorted(set(weights) - known):
        raise NotFoundError(f"{table}: {', '.join(missing[:3])} not in the catalogue ({len(missing)} in all)")
    closed = workspace.books.closed_periods()
    if closed and period <= closed[-1]:
        raise ConflictError(f"{period} is closed; give the pool to a later period", code="period_closed")
    parts = training_parts(weights, informativeness_ppm=informativeness_ppm)
    order = sorted(parts)
    total = amount_micro(amount)
    amounts = divide(total, [parts[isrc] for isrc in order])
    pool = [release, period, currency, total, informativeness_ppm, sorted(weights.items())]
    report_id = content_hash(pool)
    lines = [
        UsageLine(
            *(report_id, number, period, "ZZ", _currency(currency), micro, weights[isrc], isrc, None),
            *("", "", release, RightType.TRAINING.value, f"w={Fraction(informativeness_ppm, 1_000_000)}"),
        )
        for number, (isrc, micro) in enumerate(zip(order, amounts, strict=True), 1)
    ]
    workspace.royalties.add_report(report_id, period, lines)
    landed = ReportSum(_currency(currency), total, total)
    told_at = at.isoformat(timespec="seconds")
    workspace.usage.enter(
        UsageReport(report_id, "training pool", release, told_at, [period], len(lines), 0, 0, [], [landed]), []
    )
    return report_id, len(lines)


def amount_micro(text: str) -> int:
    """Read an amount in units, ``12.50``, as a whole number of 10⁻⁶; FormatError where it is none, or finer."""
    try:
        value = Fraction(text.strip().replace("_", "")) * 1_000_000
    except (ValueError, ZeroDivisionError):
        raise FormatError(f"amount {text!r}: not a number such as 12.50") from None
    if value.denominator != 1:
        raise FormatError(f"amount {text!r}: finer than a millionth")
    if abs(value) >= LIMIT_MICRO:
        raise FormatError(f"amount {text!r}: more than the books can hold")
    return value.numerator


# ── tables ───────────────────────────────────────────────────────────────────


def _read(table: Path, columns: Sequence[str], needed: Sequence[str], make: Callable[[Row], Record]) -> list[Record]:
    """Read a table line by line; FormatError with every fault where there is one."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{table}: not a CSV in UTF-8 ({error})") from error
    reader = csv.reader(io.StringIO(text))
    header = [name.strip().lower() for name in next(reader, [])]
    if strange := [name for name in header if name not in columns] + [name for name in needed if name not in header]:
        raise FormatError(f"{table}: columns are {', '.join(columns)}; look at {', '.join(strange)}", code="columns")
    found, faults = [], []
    for cells in reader:
        where = f"{table}:{reader.line_num}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            faults.append(f"{where}: {len(cells)} cells under {len(header)} columns")
            continue
        try:
            found.append(make(dict(zip(header, (cell.strip() for cell in cells), strict=True))))
        except (InputError, IdentifierError, NotFoundError, ConflictError) as error:
            faults.append(f"{where}: {error}")
    if faults:
        raise FormatError("\n".join(["nothing was entered:", *faults]), code="table")
    return found


def _rule(row: Row) -> RoyaltyRule:
    parts = {right: _part(row[right.value]) for right in SIDE_OF if row.get(right.value)}
    start, stop = (_day(row[name]) if row.get(name) else None for name in ("from", "to"))
    place = territories.territory(row.get("territory") or territories.WORLD)
    return RoyaltyRule(row["use_type"] or ANY_USE, parts, place, start, stop)


def _attribution(row: Row) -> tuple[str, int]:
    if not row["attribution"].isdigit():
        raise FormatError(f"attribution {row['attribution']!r}: not a whole number of 0 or more")
    return row["isrc"].replace("-", "").upper(), int(row["attribution"])


def _part(text: str) -> Fraction:
    try:
        return Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise FormatError(f"{text!r}: not a number such as 1/3, 15% or 0.8") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FormatError(f"{text!r}: not a day such as 2026-01-31") from None


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise FormatError(f"currency {text!r}: not a code of ISO 4217, such as EUR")
    return text.upper()
