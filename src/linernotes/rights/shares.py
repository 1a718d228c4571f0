"""Do the shares of a right add up, on every day and everywhere? What is missing, who claims the same, what held when.

Conventions
-----------
Shares of one right in one subject are looked at day by day and country by country; days between which nothing changes
and countries with the same holders are told as one finding. A share holds from ``valid_from`` to the day before
``valid_to``. Days before the first share of a right and after the last are nobody's statement, and no finding; a day or
a country between them that nobody holds is. Nothing is ever corrected here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from linernotes.model import RightType, Share
from linernotes.rights import territories

__all__ = ["WORK_RIGHTS", "Fault", "Finding", "as_of", "check", "combined", "explain", "succeed"]

_Span = tuple[date | None, date | None]
WORK_RIGHTS = (RightType.MECHANICAL, RightType.PERFORMANCE, RightType.SYNCHRONISATION)
"""The rights in a work that its writers and publishers divide."""


class Fault(StrEnum):
    """What can be wrong: less than the whole is held, more than the whole, or one party says two things at once."""

    MISSING = "missing"
    CONFLICT = "conflict"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the shares of a right do not add to one: ``total`` is what is held, ``holders`` by whom."""

    fault: Fault
    subject_id: str
    right_type: RightType
    territory: str
    valid_from: date | None
    valid_to: date | None
    total: Fraction
    holders: Sequence[tuple[str, Fraction]] = ()


def as_of(shares: Iterable[Share], on: date) -> list[Share]:
    """Return the shares that hold on a day."""
    return [share for share in shares if _holds(share, on)]


def _holds(share: Share, on: date) -> bool:
    return (share.valid_from is None or share.valid_from <= on) and (share.valid_to is None or on < share.valid_to)


def combined(shares: Iterable[Share]) -> list[Share]:
    """Add up what is said of one party in several roles, so that each right, place and time has one share a party.

    More than the whole stays several shares, for :func:`check` to tell.
    """
    whole: dict[tuple[object, ...], Share] = {}
    for share in shares:
        key = (share.subject_id, share.party_id, share.right_type, share.territory, share.valid_from, share.valid_to)
        known = whole.get(key)
        if known is None:
            whole[key] = share
        elif known.fraction + share.fraction <= 1:
            whole[key] = replace(known, fraction=known.fraction + share.fraction)
        else:
            whole[*key, len(whole)] = share
    return list(whole.values())


def check(subject_id: str, shares: Iterable[Share], *, expected: Collection[RightType] = ()) -> list[Finding]:
    """Say where the shares of a subject do not add to exactly one, right by right.

    Parameters
    ----------
    shares : those of other subjects are left aside
    expected : rights that somebody must hold; one that nobody does is missing whole

    Returns
    -------
    findings, in order of right, time and territory; none where all is well
    """
    by_right: dict[RightType, list[Share]] = defaultdict(list)
    for share in shares:
        if share.subject_id == subject_id:
            by_right[share.right_type].append(share)
    found = []
    for right in RightType:
        if right in by_right:
            found += _check_right(subject_id, right, by_right[right])
        elif right in expected:
            found.append(Finding(Fault.MISSING, subject_id, right, territories.WORLD, None, None, Fraction(0)))
    return found


def _check_right(subject_id: str, right: RightType, shares: Sequence[Share]) -> list[Finding]:
    everywhere = all(share.territory == territories.WORLD for share in shares)
    always = all(share.valid_from is None and share.valid_to is None for share in shares)
    if everywhere and always:  # the usual case, and a catalogue has a million of it
        return _judge(subject_id, right, territories.WORLD, (None, None), shares)
    found: list[Finding] = []
    for start, stop in _spans(shares):
        there = [share for share in shares if _holds_through(share, start, stop)]
        for place, held in _places(there):
            found += _judge(subject_id, right, place, (start, stop), held)
    return _joined(found)


def _spans(shares: Sequence[Share]) -> list[_Span]:
    """Cut time where anything changes, from the first day that a share holds to the last."""
    days = sorted({day for share in shares for day in (share.valid_from, share.valid_to) if day is not None})
    spans: list[_Span] = list(pairwise(days))
    if any(share.valid_from is None for share in shares):
        spans.insert(0, (None, days[0] if days else None))
    if any(share.valid_to is None for share in shares) and days:
        spans.append((days[-1], None))
    return spans


def _holds_through(share: Share, start: date | None, stop: date | None) -> bool:
    """Tell whether the share holds in a span inside which nothing changes."""
    begun = share.valid_from is None or (start is not None and share.valid_from <= start)
    not_over = share.valid_to is None or (stop is not None and stop <= share.valid_to)
    return begun and not_over


def _places(shares: Sequence[Share]) -> list[tuple[str, list[Share]]]:
    """Cut the world into territories inside which the same shares hold."""
    where: dict[frozenset[int], set[str]] = defaultdict(set)
    for country in territories.countries(territories.WORLD):
        here = frozenset(
            number for number, share in enumerate(shares) if country in territories.countries(share.territory)
        )
        where[here].add(country)
    return sorted(
        (territories.name(names), [shares[number] for number in sorted(here)]) for here, names in where.items()
    )


def _judge(subject_id: str, right: RightType, place: str, span: _Span, shares: Sequence[Share]) -> list[Finding]:
    start, stop = span
    holders = tuple(sorted((share.party_id, share.fraction) for share in shares))
    total = sum((fraction for _, fraction in holders), Fraction(0))
    found = []
    if total != 1:
        fault = Fault.MISSING if total < 1 else Fault.CONFLICT
        found.append(Finding(fault, subject_id, right, place, start, stop, total, holders))
    if len({party for party, _ in holders}) < len(holders):
        found.append(Finding(Fault.OVERLAP, subject_id, right, place, start, stop, total, holders))
    return found


def _joined(found: Sequence[Finding]) -> list[Finding]:
    """Tell as one what goes on unchanged from one span to the next."""
    joined: list[Finding] = []
    for finding in found:
        for number, before in enumerate(joined):
            if before.valid_to == finding.valid_from and replace(before, valid_to=finding.valid_to) == replace(
                finding, valid_from=before.valid_from
            ):
                joined[number] = replace(before, valid_to=finding.valid_to)
                break
        else:
            joined.append(finding)
    return joined


def succeed(
    held: Iterable[Share], stated: Iterable[Share], *, on: date
) -> tuple[list[tuple[Share, Share]], list[Share]]:
    """Say what a new statement, true from a day on, does to what is held.

    What is held then of the same subjects and rights, in territories that the statement speaks of, ends on that day,
    unless the statement repeats it; elsewhere it goes on. What held before stays true of its time.

    Returns
    -------
    the shares that end, each as it was and as it becomes, and the shares that begin
    """
    new = [replace(share, valid_from=on) if _began_before(share, on) else share for share in stated]
    spoken: dict[tuple[str, RightType], set[str]] = defaultdict(set)
    for share in new:
        spoken[share.subject_id, share.right_type].update(territories.countries(share.territory))
    said = {_content(share) for share in new}
    ended, begun, kept = [], [], set()
    for share in held:
        said_of = spoken[share.subject_id, share.right_type] & territories.countries(share.territory)
        if not _holds(share, on) or not said_of:
            continue
        if _content(share) in said:
            kept.add(_content(share))
            continue
        ended.append((share, replace(share, valid_to=on)))
        if elsewhere := territories.countries(share.territory) - said_of:
            begun.append(replace(share, valid_from=on, territory=territories.name(elsewhere)))
    return ended, [*begun, *(share for share in new if _content(share) not in kept)]


def _began_before(share: Share, on: date) -> bool:
    return share.valid_from is None or share.valid_from < on


def _content(share: Share) -> tuple[object, ...]:
    return share.subject_id, share.party_id, share.right_type, share.fraction, share.territory, share.valid_to


def explain(finding: Finding, *, name: str, names: dict[str, str]) -> str:
    """Say a finding in a sentence; ``name`` is the subject's, ``names`` the parties' by id."""
    where = "" if finding.territory == territories.WORLD else f" in {finding.territory}"
    when = (f" from {finding.valid_from}" if finding.valid_from else "") + (
        f" until {finding.valid_to}" if finding.valid_to else ""
    )
    who = " and ".join(f"{names.get(party, party)} {fraction}" for party, fraction in finding.holders)
    what = f"{name}: {finding.right_type.value}{where}{when}"
    if finding.fault is Fault.OVERLAP:
        return f"{what}: one party is named twice for the same days: {who}; end one of the two, or leave one out"
    if finding.fault is Fault.CONFLICT:
        return f"{what}: {who} add up to {finding.total}, {finding.total - 1} too much; they must settle it"
    if not finding.holders:
        return f"{what}: nobody's share is known, 1 is missing"
    return f"{what}: {who} add up to {finding.total}, {1 - finding.total} is missing"
