"""The wording of a split sheet: what was agreed, by whom, when, and from which day it holds."""

from collections.abc import Mapping
from fractions import Fraction

from linernotes.document import Block, Document, Facts, Items, Section, Table
from linernotes.rights.sheets import Sheet, SheetState, SheetVerb, terms_sha256

__all__ = ["sheet_letter"]

_HEADINGS = {
    SheetState.AGREED: "Agreed by all",
    SheetState.PROVISIONAL: "Not agreed yet: these shares are provisional and the money for them is held",
    SheetState.WITHDRAWN: "Withdrawn: these shares never held",
}
_DONE = {
    SheetVerb.PROPOSE: "proposed",
    SheetVerb.ACCEPT: "accepted",
    SheetVerb.COUNTER: "countered with",
    SheetVerb.WITHDRAW: "withdrew from",
}


def sheet_letter(sheet: Sheet, *, subject: str, names: Mapping[str, str]) -> Document:
    """Word a sheet. ``names`` gives each party the name it is shown under: an alias stays an alias."""
    rows = [
        (names[line.party_id], line.role.value, line.right_type.value, f"{line.fraction} ({_percent(line.fraction)})")
        for line in sheet.lines
    ]
    table = Table(("Name", "Role", "Right", "Share"), rows, widths=(38, 18, 22, 26))
    off = sorted(sheet.concerned - {line.party_id for line in sheet.lines})
    agreement: list[Block] = [_HEADINGS[sheet.state] + "."]
    if off:
        agreement.append(f"Concerned, with no share in this version: {', '.join(names[party] for party in off)}.")
    if sheet.state is SheetState.PROVISIONAL:
        agreement.append(f"Waiting for: {', '.join(names[party] for party in sheet.waiting_for)}.")
    history = Items([
        f"{step.at:%Y-%m-%d %H:%M} UTC: {names[step.party_id]} {_DONE[step.verb]} version {step.version}"
        f" (by {step.way}){f': {step.why}' if step.why else ''}"
        for step in sheet.steps
    ])  # fmt: skip
    facts = Facts([
        ("Of", subject),
        ("Sheet", f"{sheet.id}, version {sheet.version}"),
        ("Territory", "world" if sheet.territory == "2136" else sheet.territory),
        ("From", sheet.begins_on.isoformat()),
        ("Terms", f"SHA-256 {terms_sha256(sheet)}"),
    ])  # fmt: skip
    sections = [Section("Shares", [table]), Section("Agreement", agreement), Section("How it came about", [history])]
    return Document("Split sheet", sheet.id, facts, sections, draft=sheet.state is not SheetState.AGREED)


def _percent(fraction: Fraction) -> str:
    """Write a share in per cent; rounded to hundredths it says so."""
    hundredths = fraction * 10_000
    whole, rest = divmod(round(hundredths), 100)
    number = f"{whole}.{rest:02}".rstrip("0").rstrip(".")
    return f"{'' if hundredths.denominator == 1 else 'about '}{number} %"
