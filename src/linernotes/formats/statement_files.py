"""Statements for machines: a CSV with one line for each line of a statement, and JSON with everything.

Conventions
-----------
Every amount stands twice: as a whole number (``…_micro``, ``…_minor``) and as a decimal of the currency's unit with all
its digits. Shares are fractions. In the CSV a text that a spreadsheet would take for a formula has an apostrophe before
it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from linernotes.formats.amounts import MICRO_DIGITS, fraction, machine
from linernotes.formats.letters import visible
from linernotes.formats.statement import LEAVING, checked, ending
from linernotes.model import Deduction, Statement, StatementLine, UsageLine, Why
from linernotes.money import minor_digits

__all__ = ["COLUMNS", "cell_text", "from_statement", "from_why", "statement_csv"]

COLUMNS = (
    *("party_id", "party_name", "period", "currency", "line_id"),
    *("subject_id", "title", "isrc", "iswc", "right", "source", "territory", "usage_period", "quantity"),
    *("pool_micro", "pool", "share", "amount_micro", "amount", "held", "claim_id", "because"),
)
"""The columns of the CSV, in their order."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def cell_text(text: str) -> str:
    """Return a text for a cell: no control characters, and an apostrophe before what would be a formula."""
    text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def statement_csv(statements: Sequence[Statement]) -> str:
    """Return the lines of statements as CSV: a header, then one line for each, in their order.

    Raises InvariantError if a statement does not add up.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for statement in map(checked, statements):
        head = (statement.party_id, cell_text(statement.party_name), statement.period, statement.currency)
        writer.writerows((*head, *_cells(line)) for line in statement.lines)
    return buffer.getvalue()


def _cells(line: StatementLine) -> tuple[object, ...]:
    return (
        line.id,
        line.subject_id,
        cell_text(line.title),
        line.isrc or "",
        line.iswc or "",
        line.right_type.value,
        cell_text(line.source),
        line.territory,
        line.usage_period,
        line.quantity,
        line.gross_micro,
        machine(line.gross_micro, MICRO_DIGITS),
        fraction(line.share),
        line.amount_micro,
        machine(line.amount_micro, MICRO_DIGITS),
        "yes" if line.held else "no",
        line.claim_id or "",
        cell_text(line.because),
    )


def from_statement(statement: Statement) -> dict[str, Any]:
    """Return a statement as JSON's types; InvariantError if it does not add up."""
    checked(statement)
    digits = minor_digits(statement.currency)
    return {
        "party": {"id": statement.party_id, "name": statement.party_name},
        "period": statement.period,
        "currency": statement.currency,
        "minor_digits": digits,
        **_amount("opening", statement.opening_micro),
        **_amount("earned", statement.earned_micro),
        **_amount("moved", statement.moved_micro),
        **_amount("released", statement.released_micro),
        "deductions": [_deduction(deduction) for deduction in statement.deductions],
        "payable_minor": statement.payable_minor,
        "payable": machine(statement.payable_minor, digits),
        **_amount("closing", statement.closing_micro),
        "lines": [_line(line) for line in statement.lines],
    }


def _amount(name: str, amount_micro: int) -> dict[str, Any]:
    return {f"{name}_micro": amount_micro, name: machine(amount_micro, MICRO_DIGITS)}


def _deduction(deduction: Deduction) -> dict[str, Any]:
    return {
        "kind": deduction.kind.value,
        **_amount("amount", deduction.amount_micro),
        "leaves_account": deduction.kind in LEAVING,
        "because": deduction.because,
    }


def _line(line: StatementLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "subject_id": line.subject_id,
        "title": line.title,
        "isrc": line.isrc,
        "iswc": line.iswc,
        "right": line.right_type.value,
        "source": line.source,
        "territory": line.territory,
        "usage_period": line.usage_period,
        "quantity": line.quantity,
        **_amount("pool", line.gross_micro),
        "share": fraction(line.share),
        **_amount("amount", line.amount_micro),
        "held": line.held,
        "hold_ends": ending(line.claim_id) if line.held else None,
        "claim_id": line.claim_id,
        "because": line.because,
    }


def from_why(why: Why) -> dict[str, Any]:
    """Return where an amount comes from as JSON's types."""
    return {
        "line_id": why.line_id,
        "run_id": why.run_id,
        "subject_id": why.subject_id,
        "party_id": why.party_id,
        "currency": why.currency,
        **_amount("amount", why.amount_micro),
        **_amount("pool", why.pool_micro),
        "share": fraction(why.fraction),
        "steps": list(why.steps),
        "claim_id": why.claim_id,
        "evidence_id": why.evidence_id,
        "usage_count": why.usage_count,
        "usage": [_used(used) for used in why.usage],
    }


def _used(line: UsageLine) -> dict[str, Any]:
    day = None if line.used_on is None else line.used_on.isoformat()
    return asdict(line) | {"used_on": day} | _amount("amount", line.amount_micro)
