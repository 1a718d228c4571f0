"""Notices: their clocks in a list, and one of them as each of its two sides sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from linernotes.api.notices import SeenNotice
from linernotes.formats.claim_words import STATES
from linernotes.journeys.notice import NoticeVerb, StoredNotice, clock_of
from linernotes.model import ClaimState

__all__ = ["Clock", "Paper", "Step", "Use", "clock", "paper"]

_STATES = {
    "received": "received by the platform",
    "removed": "taken down",
    "countered": "answered with a counter-notice",
    "sued": "a suit is told of",
    "complained": "complained about",
    "restored": "put back",
}
_RULES = {
    "dmca": "A copyright notice (DMCA, 17 U.S.C. § 512)",
    "dsa": "A notice under the Digital Services Act",
    "voice": "A notice about an imitated voice",
}
_PHASES = {
    "waiting": "stays down until then, and longer if somebody sues",
    "restore": "may be put back now",
    "overdue": "should have been put back",
}
_HAPPENED = {
    NoticeVerb.RECEIVE: "The platform has it",
    NoticeVerb.REMOVE: "The platform took the upload down",
    NoticeVerb.REFUSE: "The platform refused",
    NoticeVerb.SUE: "We told the platform of a suit",
    NoticeVerb.COMPLAIN: "I complain about the decision",
    NoticeVerb.RESTORE: "The platform put the upload back",
    NoticeVerb.WITHDRAW: "We take the notice back",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """A notice, where it stands, and the day its clock runs to; ``tone``: calm, near or over."""

    id: str
    platform: str
    state: str
    until: str | None
    says: str
    tone: str


@dataclass(frozen=True, slots=True)
class Use:
    """What a notice says is used, and where that claim stands by now."""

    claim_id: str
    title: str
    party: str
    heard: str
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a notice; ``why`` is told to its own side alone."""

    at: str
    what: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A notice as its page shows it; ``verbs``: what the visitor may note of it."""

    clock: Clock
    rules: str
    upload: str
    on_behalf_of: str
    uses: Sequence[Use]
    locations: Sequence[str]
    steps: Sequence[Step]
    verbs: Sequence[tuple[str, str]]
    may_counter: bool
    may_sue: bool
    is_whole: bool
    reads_counter: bool


def paper(seen: SeenNotice, names: Mapping[str, str], *, today: date) -> Paper:
    """Say what a notice's page shows to whoever sees it; ``names`` are of who acted."""
    file, notice, may = seen.file, seen.file.notice, seen.may
    return Paper(
        clock=clock(file.stored, notice.platform.name, today=today),
        rules=_RULES[notice.regime],
        upload=notice.upload_title,
        on_behalf_of=", ".join(notice.on_behalf_of),
        uses=[
            Use(use.claim_id, use.title, use.party, use.heard, STATES[ClaimState(file.claim_states[use.claim_id])][0])
            for use in notice.uses
        ],
        locations=notice.locations,
        steps=[
            Step(
                f"{datetime.fromisoformat(row.at):%Y-%m-%d %H:%M}",
                _said(row.kind.removeprefix("notice.")).capitalize(),
                names.get(row.actor, row.actor),
                row.why if seen.is_whole else "",
            )
            for row in file.history
        ],
        verbs=[(verb.value, _HAPPENED[verb]) for verb in may if verb in _HAPPENED],
        may_counter=NoticeVerb.COUNTER in may,
        is_whole=seen.is_whole,
        reads_counter=file.stored.countered_on is not None and (seen.is_whole or seen.has_countered),
        may_sue=NoticeVerb.SUE in may,
    )


def clock(stored: StoredNotice, platform: str, *, today: date) -> Clock:
    """Say where a notice stands and what its clock runs to."""
    state = _said(stored.state)
    running = clock_of(stored)
    if running is not None and stored.state == "countered":
        phase = running.phase(today)
        tone = {"waiting": "calm", "restore": "near", "overdue": "over"}[phase]
        says = f"{running.earliest:%d %b} to {running.latest:%d %b %Y}: {_PHASES[phase]}"
        return Clock(stored.id, platform, state, running.earliest.isoformat(), says, tone)
    if stored.complaint_until is not None:
        left = (stored.complaint_until - today).days
        says = f"complaints until {stored.complaint_until:%d %b %Y}, {_days(left)}"
        tone = "calm" if left > 14 else "near" if left >= 0 else "over"
        return Clock(stored.id, platform, state, stored.complaint_until.isoformat(), says, tone)
    return Clock(
        stored.id, platform, state, None, f"since {date.fromisoformat(stored.issued_at[:10]):%d %b %Y}", "calm"
    )


def _said(state: str) -> str:
    return _STATES.get(state, state)


def _days(left: int) -> str:
    if left < 0:
        return "over"
    return "today" if left == 0 else f"{left} day{'' if left == 1 else 's'} left"
