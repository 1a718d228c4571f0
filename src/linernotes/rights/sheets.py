"""Split sheets: who gets which share of a work or recording, provisional until everybody concerned has accepted.

Conventions
-----------
A sheet is its steps in order; a step is never changed. A counter-proposal makes a new version, and only what was said
to the newest version counts. Concerned is whoever stands on any version, and whoever holds one of these rights in the
catalogue when the sheet is opened: nobody can be left out by being left off.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from linernotes.errors import ConflictError, InvariantError, NotFoundError, ParameterError
from linernotes.model import RightType, Role, Share

__all__ = [
    "Sheet",
    "SheetLine",
    "SheetState",
    "SheetStep",
    "SheetVerb",
    "accept",
    "counter",
    "is_provisional",
    "propose",
    "replay",
    "shares",
    "terms_sha256",
    "withdraw",
]

_LINES_MAX = 500
_VERSIONS_MAX = 200


class SheetVerb(StrEnum):
    """What a party can do with a sheet."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    COUNTER = "counter"
    WITHDRAW = "withdraw"


class SheetState(StrEnum):
    """Where a sheet stands; while it is provisional the money for its shares is held."""

    PROVISIONAL = "provisional"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, order=True)
class SheetLine:
    """One party's share of one right; the party may be an alias, which is then the name that is shown."""

    party_id: str
    role: Role
    right_type: RightType
    fraction: Fraction


@dataclass(frozen=True, slots=True)
class SheetStep:
    """One step: who did what to which version, when, why and by which way (``link`` or ``command``).

    ``lines`` and ``begins_on`` are what PROPOSE and COUNTER put forward; ``holders``, ``subject_id`` and ``territory``
    come with PROPOSE alone.
    """

    sheet_id: str
    verb: SheetVerb
    party_id: str
    version: int
    at: datetime
    way: str
    why: str = ""
    lines: Sequence[SheetLine] = ()
    begins_on: date | None = None
    subject_id: str = ""
    territory: str = ""
    holders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the steps add up to. ``concerned``: all who must accept; ``accepted``: who accepted this version."""

    id: str
    subject_id: str
    territory: str
    opened_by: str
    version: int
    proposed_by: str
    lines: Sequence[SheetLine]
    begins_on: date
    concerned: frozenset[str]
    accepted: frozenset[str]
    state: SheetState
    steps: Sequence[SheetStep]

    @property
    def waiting_for(self) -> list[str]:
        """The parties who have not accepted this version, in order of id."""
        return sorted(self.concerned - self.accepted)


# ── steps ────────────────────────────────────────────────────────────────────


def propose(
    *,
    sheet_id: str,
    subject_id: str,
    lines: Sequence[SheetLine],
    begins_on: date,
    party_id: str,
    at: datetime,
    way: str,
    territory: str = "2136",
    holders: Collection[str] = (),
    why: str = "",
) -> SheetStep:
    """Open a sheet; whoever proposes and is concerned has accepted.

    Raises ParameterError if the shares of a right do not add up to exactly 1, or a line stands there twice.
    """
    return SheetStep(
        sheet_id=sheet_id,
        verb=SheetVerb.PROPOSE,
        party_id=party_id,
        version=1,
        at=at,
        way=way,
        why=why,
        lines=_checked(lines),
        begins_on=begins_on,
        subject_id=subject_id,
        territory=territory,
        holders=tuple(sorted(holders)),
    )


def accept(sheet: Sheet, *, party_id: str, version: int, at: datetime, way: str, why: str = "") -> SheetStep | None:
    """Accept the newest version; None where the party has done so already.

    Raises ConflictError if the sheet is closed or another version is meant; NotFoundError if it is not the party's.
    """
    if sheet.state is SheetState.AGREED and party_id in sheet.accepted and version == sheet.version:
        return None
    _require_open(sheet, version)
    _require_concerned(sheet, party_id)
    if party_id in sheet.accepted:
        return None
    return SheetStep(sheet.id, SheetVerb.ACCEPT, party_id, version, at, way, why)


def counter(
    sheet: Sheet,
    *,
    party_id: str,
    version: int,
    lines: Sequence[SheetLine],
    at: datetime,
    way: str,
    begins_on: date | None = None,
    why: str = "",
) -> SheetStep:
    """Put forward other shares; what others accepted before no longer counts.

    Raises ConflictError, NotFoundError as :func:`accept` does; ParameterError as :func:`propose` does.
    """
    _require_open(sheet, version)
    _require_concerned(sheet, party_id)
    if sheet.version >= _VERSIONS_MAX:
        raise ConflictError(f"sheet {sheet.id} has {_VERSIONS_MAX} versions: withdraw it and open another")
    day = begins_on or sheet.begins_on
    checked = _checked(lines)
    if (checked, day) == (tuple(sheet.lines), sheet.begins_on):
        raise ConflictError(f"these are the shares of version {sheet.version}: accept it instead")
    return SheetStep(sheet.id, SheetVerb.COUNTER, party_id, version + 1, at, way, why, checked, day)


def withdraw(sheet: Sheet, *, party_id: str, version: int, at: datetime, way: str, why: str = "") -> SheetStep:
    """Take back: from whoever opened the sheet it ends it; from another party, only what that party accepted.

    Raises ConflictError if the sheet is closed, another version is meant, or the party has accepted nothing.
    """
    _require_open(sheet, version)
    if party_id != sheet.opened_by:
        _require_concerned(sheet, party_id)
        if party_id not in sheet.accepted:
            raise ConflictError(
                f"{party_id} has not accepted version {version} of sheet {sheet.id}: nothing to take back"
            )
    return SheetStep(sheet.id, SheetVerb.WITHDRAW, party_id, version, at, way, why)


def _require_open(sheet: Sheet, version: int) -> None:
    if sheet.state is not SheetState.PROVISIONAL:
        raise ConflictError(
            f"sheet {sheet.id} is {sheet.state.value}: open another for new shares", code="sheet_closed"
        )
    if version != sheet.version:
        message = f"sheet {sheet.id} is at version {sheet.version}, not {version}: look at the new shares first"
        raise ConflictError(message, code="sheet_changed")


def _require_concerned(sheet: Sheet, party_id: str) -> None:
    if party_id not in sheet.concerned:
        raise NotFoundError(f"{party_id} is not on sheet {sheet.id}", code="not_on_sheet")


def _checked(lines: Sequence[SheetLine]) -> tuple[SheetLine, ...]:
    if not 0 < len(lines) <= _LINES_MAX:
        raise ParameterError(f"a sheet with {len(lines)} lines: give 1 to {_LINES_MAX}")
    sums: dict[RightType, Fraction] = {}
    seen = set()
    for line in lines:
        if not 0 < line.fraction <= 1:
            raise ParameterError(f"{line.party_id}: {line.fraction} is not a share: more than 0 and at most 1")
        if (line.party_id, line.right_type) in seen:
            raise ParameterError(f"{line.party_id} has two shares of {line.right_type.value}: give one")
        seen.add((line.party_id, line.right_type))
        sums[line.right_type] = sums.get(line.right_type, Fraction(0)) + line.fraction
    for right, total in sums.items():
        if total != 1:
            gap = f"{1 - total} is missing" if total < 1 else f"{total - 1} too much"
            message = f"the shares of {right.value} add up to {total}, not 1: {gap}"
            raise ParameterError(message, code="shares")
    return tuple(sorted(lines))


# ── what they add up to ──────────────────────────────────────────────────────


def replay(steps: Iterable[SheetStep]) -> Sheet:
    """Return the sheet that these steps, oldest first, make.

    Raises InvariantError if they do not follow from each other.
    """
    sheet: Sheet | None = None
    for step in steps:
        if sheet is None:
            sheet = _opened(step)
        else:
            newer = step.version == sheet.version + (step.verb is SheetVerb.COUNTER)
            if step.verb is SheetVerb.PROPOSE or not newer or sheet.state is not SheetState.PROVISIONAL:
                raise InvariantError(f"sheet {sheet.id}: {step.verb.value} at version {step.version} cannot follow")
            sheet = _after(sheet, step)
        sheet = _settled(replace(sheet, steps=(*sheet.steps, step)))
    if sheet is None:
        raise InvariantError("a sheet without steps")
    return sheet


def _opened(step: SheetStep) -> Sheet:
    if step.verb is not SheetVerb.PROPOSE or step.version != 1 or step.begins_on is None:
        raise InvariantError(f"sheet {step.sheet_id} does not begin with a proposal")
    concerned = frozenset(step.holders) | {line.party_id for line in step.lines}
    return Sheet(
        id=step.sheet_id,
        subject_id=step.subject_id,
        territory=step.territory,
        opened_by=step.party_id,
        version=1,
        proposed_by=step.party_id,
        lines=step.lines,
        begins_on=step.begins_on,
        concerned=concerned,
        accepted=concerned & {step.party_id},
        state=SheetState.PROVISIONAL,
        steps=(),
    )


def _after(sheet: Sheet, step: SheetStep) -> Sheet:
    match step.verb:
        case SheetVerb.ACCEPT:
            return replace(sheet, accepted=sheet.accepted | {step.party_id})
        case SheetVerb.WITHDRAW if step.party_id == sheet.opened_by:
            return replace(sheet, state=SheetState.WITHDRAWN)
        case SheetVerb.WITHDRAW:
            return replace(sheet, accepted=sheet.accepted - {step.party_id})
        case _:
            concerned = sheet.concerned | {line.party_id for line in step.lines}
            return replace(
                sheet,
                version=step.version,
                proposed_by=step.party_id,
                lines=step.lines,
                begins_on=step.begins_on or sheet.begins_on,
                concerned=concerned,
                accepted=concerned & {step.party_id},
            )


def _settled(sheet: Sheet) -> Sheet:
    agreed = sheet.state is SheetState.PROVISIONAL and sheet.concerned <= sheet.accepted
    return replace(sheet, state=SheetState.AGREED) if agreed else sheet


def is_provisional(sheet: Sheet) -> bool:
    """Tell whether the money for this sheet's shares must be held."""
    return sheet.state is SheetState.PROVISIONAL


def shares(sheet: Sheet) -> list[Share]:
    """Return what an agreed sheet enters into the catalogue, from the day it begins.

    Raises ConflictError if it is not agreed.
    """
    if sheet.state is not SheetState.AGREED:
        raise ConflictError(f"sheet {sheet.id} is {sheet.state.value}, waiting for {', '.join(sheet.waiting_for)}")
    return [
        Share(sheet.subject_id, line.party_id, line.right_type, line.fraction, sheet.territory, sheet.begins_on)
        for line in sheet.lines
    ]


def terms_sha256(sheet: Sheet) -> str:
    """Return the digest of what is agreed to in this version: a link, an acceptance and the PDF name it."""
    terms = {
        "sheet": sheet.id,
        "version": sheet.version,
        "subject": sheet.subject_id,
        "territory": sheet.territory,
        "begins_on": sheet.begins_on.isoformat(),
        "lines": [[ln.party_id, ln.role.value, ln.right_type.value, str(ln.fraction)] for ln in sheet.lines],
    }
    return hashlib.sha256(json.dumps(terms, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
