"""``/v1/notices``: have an upload taken down in one's party's name; answer that as whoever uploaded; see the clock.

A notice has two sides, and the house between them. Its party withdraws it and tells of a suit; whoever uploaded what it
is about answers it; what the platform did is noted by the party or an admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.claims import seen_claim
from linernotes.api.paging import After, Limit, page
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick, routes
from linernotes.api.shapes import Counter, IssuedNotices, NewNotice, NoticeOut, NoticesOut, NoticeStep, Reason
from linernotes.journeys import notice as journey
from linernotes.journeys.notice import NoticeVerb
from linernotes.journeys.work import events_of_notice
from linernotes.workspace import Workspace

__all__ = [
    "SeenNotice",
    "counter_notice",
    "from_notice",
    "issue_notice",
    "list_notices",
    "note_step",
    "notices_of",
    "notices_to_answer",
    "router",
    "seen_notice",
    "show_notice",
    "step_notice",
    "take_counter",
    "withdraw_notice",
]

router = routes("/notices", "notices")

Reads = Annotated[Caller, Depends(Permit("claims:read"))]
Decides = Annotated[Caller, Depends(Permit("claims:decide"))]
Disputes = Annotated[Caller, Depends(Permit("claims:dispute"))]

_OF_PLATFORM = frozenset({NoticeVerb.RECEIVE, NoticeVerb.REMOVE, NoticeVerb.REFUSE, NoticeVerb.RESTORE})
_OF_CLAIMANT = frozenset({NoticeVerb.WITHDRAW, NoticeVerb.SUE})


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """A notice as somebody sees it; ``is_claimant``: all its claims are of their party."""

    file: journey.NoticeFile
    caller: Caller
    is_claimant: bool
    is_uploader: bool

    @property
    def is_whole(self) -> bool:
        """They may read it as it was written, with who can be reached where, and why each step was taken."""
        return self.is_claimant or self.caller.sees_all

    @property
    def has_countered(self) -> bool:
        """They signed the counter-notice: others who uploaded the same do not read who did."""
        return any(step.kind == "notice.countered" and step.actor == self.caller.actor for step in self.file.history)

    @property
    def may(self) -> list[NoticeVerb]:
        """What may follow, and is theirs to do."""
        scopes, state = self.caller.scopes, self.file.stored.state
        verbs: set[NoticeVerb] = set()
        if self.is_claimant and "claims:decide" in scopes:
            verbs |= _OF_CLAIMANT | _OF_PLATFORM | ({NoticeVerb.COMPLAIN} if state == "refused" else set())
        if "claims:resolve" in scopes:
            verbs |= _OF_PLATFORM
        if self.is_uploader and "claims:dispute" in scopes:
            verbs |= {NoticeVerb.COUNTER} | ({NoticeVerb.COMPLAIN} if state == "removed" else set())
        return [verb for verb in NoticeVerb if verb in verbs and verb in self.file.can_follow]

    def require(self, verb: NoticeVerb) -> None:
        """Refuse what is not theirs to do; what may not follow at all, the rules refuse."""
        if verb in self.file.can_follow and verb not in self.may:
            raise HttpProblem(403, "not_yours", f"notice {self.file.stored.id}: to {verb} is not yours to do")


# ── what one sees ────────────────────────────────────────────────────────────


def from_notice(stored: journey.StoredNotice, platform: str) -> dict[str, Any]:
    """Return a notice and its clock as JSON's types."""
    clock = {name: getattr(stored, name) for name in ("countered_on", "restore_from", "restore_by", "complaint_until")}
    return {
        "id": stored.id,
        "state": stored.state,
        "regime": stored.regime,
        "platform": platform,
        "upload": stored.upload_sha256,
        "claim_ids": list(stored.claim_ids),
        "issued_at": stored.issued_at,
        **{name: day and day.isoformat() for name, day in clock.items()},
    }


def notices_of(
    workspace: Workspace, caller: Caller, *, limit: int, after: str = "", claim_ids: Sequence[str] | None = None
) -> list[tuple[journey.StoredNotice, str]]:
    """Return the notices that the caller may see, oldest first, each with the name of its platform."""
    found = workspace.notices.page(
        limit=limit, after=after, party_id=caller.party_id(None), uploader_id=caller.own_id, claim_ids=claim_ids
    )
    return journey.with_platforms(workspace, found)


def notices_to_answer(workspace: Workspace, caller: Caller, *, limit: int) -> list[tuple[journey.StoredNotice, str]]:
    """Return the notices that were answered, and those that took down the caller's uploads."""
    store, party_id, uploader_id = workspace.notices, caller.party_id(None), caller.own_id
    found = store.page(limit=limit, uploader_id=uploader_id, states=("removed", "countered")) if uploader_id else []
    if party_id is not None or caller.sees_all:
        found += store.page(limit=limit, party_id=party_id, states=("countered", "complained"))
    return journey.with_platforms(workspace, [*{stored.id: stored for stored in found}.values()])


def seen_notice(workspace: Workspace, caller: Caller, notice_id: str) -> SeenNotice:
    """Return a notice that the caller may see; for everybody else it is not there."""
    file = journey.open_file(workspace, notice_id)
    parties = {workspace.claims.get(claim_id).claim.party_id for claim_id in file.stored.claim_ids}
    seen = SeenNotice(
        file,
        caller,
        is_claimant=parties == {caller.account.party_id},
        is_uploader=workspace.jobs.has_uploaded(caller.account.id, file.stored.upload_sha256),
    )
    if not (seen.is_whole or seen.is_uploader):
        raise HttpProblem(404, "not_found", f"no notice {notice_id!r}")
    return seen


@router.get("", response_model=NoticesOut)
@quick
def list_notices(caller: Reads, workspace: Opened, limit: Limit = 50, after: After = None) -> Response:
    """List the notices of one's party, and those about one's uploads, oldest first, each with its clock."""
    found = notices_of(workspace, caller, limit=limit + 1, after=after or "")
    return JSONResponse(page(found, limit, key=lambda each: each[0].id, told=lambda each: from_notice(*each)))


@router.get("/{notice_id}", response_model=NoticeOut)
@quick
def show_notice(caller: Reads, workspace: Opened, notice_id: str) -> Response:
    """Show a notice: its clock, its deliveries, its history, what can follow; to whoever uploaded, not each reason."""
    return JSONResponse(_told(seen_notice(workspace, caller, notice_id)))


def _told(seen: SeenNotice) -> dict[str, Any]:
    file = seen.file
    deliveries = [
        {"id": d.id, "kind": d.kind, "state": d.state, "attempts": d.attempts, "answer": d.last_answer}
        for d in file.deliveries
    ]
    history = [{"at": row.at, "what": row.kind, "by": row.actor, "why": row.why} for row in file.history]
    told = from_notice(file.stored, file.notice.platform.name) | {
        "locations": list(file.notice.locations),
        "can_follow": list(file.can_follow),
        "next": [verb.value for verb in seen.may],
        "history": [{"at": step["at"], "what": step["what"]} for step in history],
    }
    return told | {"deliveries": deliveries, "history": history} if seen.is_whole else told


# ── what one does ────────────────────────────────────────────────────────────


@router.post("", status_code=201, response_model=IssuedNotices)
def issue_notice(caller: Decides, workspace: Opened, given: NewNotice) -> Response:
    """Issue the notices of claims that one's party decided to block; a ``draft`` says what they lack."""
    for claim_id in given.claim_ids:
        if seen_claim(workspace, caller, claim_id).party_id != caller.account.party_id:
            raise HttpProblem(409, "not_yours", f"claim {claim_id} is not your party's")
    wishes = journey.Wishes(
        contact=journey.Contact(**given.contact.model_dump()),
        statements=journey.Statements(**given.statements.model_dump()),
        platform=given.platform,
        regime=given.regime,
        urls=tuple(given.urls),
        title=given.title,
        explanation=given.explanation,
        legal_basis=given.legal_basis,
    )
    at = now()
    if given.draft:
        texts = journey.drafts(workspace, given.claim_ids, wishes, today=at.date())
        return JSONResponse({"issued": [], "already": [], "drafts": texts})
    done = journey.issue(workspace, given.claim_ids, wishes, actor=caller.actor, why=given.why, at=at)
    told = [{"id": n.id, "platform": n.platform.name, "regime": n.regime.value} for n in done.notices]
    return JSONResponse({"issued": told, "already": done.already, "drafts": []}, 201)


@router.post("/{notice_id}/withdraw", response_model=NoticeOut)
def withdraw_notice(caller: Decides, workspace: Opened, notice_id: str, given: Reason) -> Response:
    """Take a notice of one's party back."""
    return JSONResponse(_told(step_notice(workspace, caller, notice_id, NoticeVerb.WITHDRAW, why=given.why)))


@router.post("/{notice_id}/steps", response_model=NoticeOut)
def note_step(caller: Reads, workspace: Opened, notice_id: str, given: NoticeStep) -> Response:
    """Note what the platform did, a suit, a complaint, each if it is one's own to tell: ``next`` says what is."""
    return JSONResponse(_told(step_notice(workspace, caller, notice_id, given.what, why=given.why, on=given.on)))


@router.post("/{notice_id}/counter", response_model=NoticeOut)
def counter_notice(caller: Disputes, workspace: Opened, notice_id: str, given: Counter) -> Response:
    """Answer the removal of one's upload with a counter-notice: the clock of 10 to 14 business days begins."""
    said = given.model_dump(exclude={"contact"})
    contact = journey.Contact(**given.contact.model_dump())
    counter = journey.CounterNotice(notice_id, contact, **said)
    return JSONResponse(_told(take_counter(workspace, caller, counter)))


def step_notice(
    workspace: Workspace, caller: Caller, notice_id: str, verb: NoticeVerb, *, why: str, on: date | None = None
) -> SeenNotice:
    """Note what happened to a notice, as somebody whose it is to tell, and tell those concerned."""
    seen, at = seen_notice(workspace, caller, notice_id), now()
    seen.require(verb)
    if on is not None and on > at.date():
        raise HttpProblem(422, "invalid", f"on: {on} is still to come")
    journey.step(workspace, notice_id, verb, on=on or at.date(), actor=caller.actor, why=why, at=at)
    return _changed(workspace, caller, notice_id)


def take_counter(workspace: Workspace, caller: Caller, counter: journey.CounterNotice) -> SeenNotice:
    """Take in the counter-notice of whoever uploaded, received today, and tell those concerned."""
    seen, at = seen_notice(workspace, caller, counter.notice_id), now()
    if not seen.is_uploader:
        raise HttpProblem(403, "not_yours", "only whoever uploaded can swear that it was a mistake")
    journey.counter(workspace, counter, received_on=at.date(), actor=caller.actor, at=at)
    return _changed(workspace, caller, counter.notice_id)


def _changed(workspace: Workspace, caller: Caller, notice_id: str) -> SeenNotice:
    seen = seen_notice(workspace, caller, notice_id)
    told = from_notice(seen.file.stored, seen.file.notice.platform.name)
    step = seen.file.history[-1].hash
    workspace.jobs.add(events_of_notice(workspace, seen.file.stored, told, step=step), at=now())
    return seen
