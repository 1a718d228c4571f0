"""What a statement says, before it is put on a page, a screen or into a file.

Conventions
-----------
Amounts are micro-units. The account of a party moves so: opening + earned + moved − what leaves − paid out = closing.
What is paid back, taxed or held leaves the account; what is too small to pay out, or for the minor unit, stays in it.
A statement for which this does not hold is never printed: :func:`checked` refuses it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from linernotes.errors import InvariantError
from linernotes.model import Deduction, DeductionKind, RightType, Statement, StatementLine
from linernotes.money import micro_of_minor

__all__ = [
    "DEDUCTIONS",
    "LEAVING",
    "RIGHTS",
    "Hold",
    "Part",
    "Step",
    "Thing",
    "account",
    "checked",
    "ending",
    "holds",
    "month",
    "owed",
    "place_name",
    "reference",
    "rights",
    "sources",
    "staying",
    "things",
    "top",
]

_WORLD = "2136"  # CISAC TIS

LEAVING = frozenset(set(DeductionKind) - {DeductionKind.BELOW_THRESHOLD, DeductionKind.SUB_MINOR})
"""Deductions that leave the account; the others stay in it, owed. What is held comes back on a line of its own."""

DEDUCTIONS: Mapping[DeductionKind, str] = {
    DeductionKind.RECOUPMENT: "Paid back on an advance",
    DeductionKind.WITHHOLDING: "Tax withheld",
    DeductionKind.BELOW_THRESHOLD: "Kept until it is enough to pay out",
    DeductionKind.SUB_MINOR: "Too small for a coin, carried over",
    DeductionKind.HELD: "Held for now",
    DeductionKind.RESERVED: "Kept in reserve",
}
"""Each kind of deduction, in plain words."""

RIGHTS: Mapping[RightType, str] = {
    RightType.MECHANICAL: "Mechanical",
    RightType.PERFORMANCE: "Performance",
    RightType.SYNCHRONISATION: "Synchronisation",
    RightType.MASTER: "Recording",
    RightType.VOICE: "Voice",
    RightType.TRAINING: "AI training",
}
"""Each right, in plain words."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the account: what it is, why, and by how much the balance moves."""

    label: str
    because: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Part:
    """What several lines brought together; ``of_others``: all that is not told apart."""

    label: str
    amount_micro: int
    n_lines: int
    of_others: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """A work, recording or voice with its lines, the greatest amount first."""

    subject_id: str
    title: str
    isrc: str | None
    iswc: str | None
    amount_micro: int
    lines: Sequence[StatementLine]


@dataclass(frozen=True, slots=True)
class Hold:
    """Lines that are held for the same reason, and what lets go of them."""

    because: str
    ends: str
    amount_micro: int
    lines: Sequence[StatementLine]


def checked(statement: Statement) -> Statement:
    """Return the statement; InvariantError if its lines or its account do not add up."""
    who = f"the statement of {statement.party_id} for {statement.period} in {statement.currency}"
    earned_micro = sum(line.amount_micro for line in statement.lines)
    if earned_micro != statement.earned_micro:
        raise InvariantError(f"{who}: its lines add up to {earned_micro}, it says {statement.earned_micro} micro-units")
    closing_micro = sum(step.amount_micro for step in account(statement))
    if closing_micro != statement.closing_micro:
        raise InvariantError(
            f"{who}: opening + earned + released + moved − deductions − payable is {closing_micro},"
            f" it says {statement.closing_micro} micro-units"
        )
    return statement


def account(statement: Statement) -> Sequence[Step]:
    """Return the rows of the account; they add up to what is owed at its end."""
    n_lines = len(statement.lines)
    moved_micro, released_micro = statement.moved_micro, statement.released_micro
    moved = "from another account of yours" if moved_micro > 0 else "to another account of yours"
    return [
        Step("Opening balance", owed(statement.opening_micro, before=True), statement.opening_micro),
        Step("Earned", f"{n_lines:,} line{'' if n_lines == 1 else 's'}, listed below", statement.earned_micro),
        *([Step("Released", "from reserve, kept long enough", released_micro)] if released_micro else []),
        *([Step("Moved", f"{moved}: another currency, or a name you had", moved_micro)] if moved_micro else []),
        *(
            Step(DEDUCTIONS[deduction.kind], deduction.because, -deduction.amount_micro)
            for deduction in statement.deductions
            if deduction.kind in LEAVING
        ),
        Step("Paid out now", "", -micro_of_minor(statement.payable_minor, statement.currency)),
    ]


def staying(statement: Statement) -> Sequence[Deduction]:
    """Return what was earned or owed, is not paid out now, and stays in the account."""
    return [deduction for deduction in statement.deductions if deduction.kind not in LEAVING]


def sources(lines: Sequence[StatementLine], *, most: int) -> Sequence[Part]:
    """Add up lines by source, the greatest first; past ``most`` the rest are one part."""
    return _first(_parts(lines, lambda line: line.source), most)


def rights(lines: Sequence[StatementLine]) -> Sequence[Part]:
    """Add up lines by right, the greatest first."""
    return _parts(lines, lambda line: RIGHTS[line.right_type])


def top(gathered: Sequence[Thing], *, most: int) -> Sequence[Part]:
    """Return what each thing brought, the greatest first; past ``most`` the rest are one part."""
    return _first([Part(thing.title, thing.amount_micro, len(thing.lines)) for thing in gathered], most)


def _parts(lines: Sequence[StatementLine], label: Callable[[StatementLine], str]) -> Sequence[Part]:
    amounts: dict[str, tuple[int, int]] = {}
    for line in lines:
        amount_micro, n_lines = amounts.get(label(line), (0, 0))
        amounts[label(line)] = (amount_micro + line.amount_micro, n_lines + 1)
    parts = [Part(name, amount_micro, n_lines) for name, (amount_micro, n_lines) in amounts.items()]
    return sorted(parts, key=lambda part: (-part.amount_micro, part.label))


def _first(parts: Sequence[Part], most: int) -> Sequence[Part]:
    if len(parts) <= most:
        return parts
    rest = parts[most - 1 :]
    amount_micro, n_lines = sum(part.amount_micro for part in rest), sum(part.n_lines for part in rest)
    return [*parts[: most - 1], Part(f"{len(rest):,} others", amount_micro, n_lines, of_others=True)]


def things(lines: Sequence[StatementLine]) -> Sequence[Thing]:
    """Gather lines by what was used, the greatest amount first."""
    gathered: dict[str, list[StatementLine]] = {}
    for line in lines:
        gathered.setdefault(line.subject_id, []).append(line)
    found = [
        Thing(
            subject_id,
            own[0].title,
            next((line.isrc for line in own if line.isrc), None),
            next((line.iswc for line in own if line.iswc), None),
            sum(line.amount_micro for line in own),
            sorted(own, key=lambda line: (-line.amount_micro, line.id)),
        )
        for subject_id, own in gathered.items()
    ]
    return sorted(found, key=lambda thing: (-thing.amount_micro, thing.title, thing.subject_id))


def holds(lines: Sequence[StatementLine]) -> Sequence[Hold]:
    """Gather the lines that are held by their reason."""
    gathered: dict[tuple[str, str | None], list[StatementLine]] = {}
    for line in lines:
        if line.held:
            gathered.setdefault((line.because, line.claim_id), []).append(line)
    found = [
        Hold(because, ending(claim_id), sum(line.amount_micro for line in own), own)
        for (because, claim_id), own in gathered.items()
    ]
    return sorted(found, key=lambda hold: (-hold.amount_micro, hold.because))


def ending(claim_id: str | None) -> str:
    """Say what ends a hold."""
    if claim_id is not None:
        return f"It ends when claim {claim_id} is decided or withdrawn, and is then paid to whoever it belongs to."
    return "It ends when the shares in it are agreed by everybody concerned, and is then paid to whoever it belongs to."


def owed(balance_micro: int, *, before: bool = False) -> str:
    """Say in words who owes a balance to whom, at the beginning or at the end."""
    if balance_micro == 0:
        return "nothing was open" if before else "nothing stays open"
    if balance_micro > 0:
        return "owed to you from before" if before else "stays owed to you"
    return "paid too much before" if before else "paid too much; taken off what comes next"


def place_name(territory: str) -> str:
    """Write a territory: its code, and the world in words."""
    return "World" if territory == _WORLD else territory


def month(period: str) -> str:
    """Write a period in words. Check: ``month("2026-10") == "October 2026"``."""
    return f"{date.fromisoformat(f'{period}-01'):%B %Y}"


def reference(statement: Statement) -> str:
    """Return what names a statement: party, period and currency."""
    return f"{statement.party_id} · {statement.period} · {statement.currency}"
