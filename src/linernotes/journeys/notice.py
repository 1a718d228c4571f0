"""From decided claims to notices: one decision goes to every platform where the upload is known to be.

Nothing is issued unless every notice of the decision is complete; then all of them are, in one transaction, with what
must be delivered. :mod:`linernotes.journeys.delivery` sends it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from linernotes.errors import ConflictError, ParameterError
from linernotes.formats import wording
from linernotes.formats.letters import plain_text
from linernotes.journeys.papers import content_of, folder_of, notice_of, write_notice, write_paper
from linernotes.journeys.platforms import checked_url, recipient
from linernotes.model import Claim, EvidenceKind
from linernotes.rights.answers import Ground, ReasonedDecision, Receipt, Restriction, require_reasoned
from linernotes.rights.letters import counter_notice_letter, decision_letter, notice_letter, receipt_letter
from linernotes.rights.notices import (
    COPYRIGHT_USES,
    VOICE_USES,
    Clock,
    Contact,
    CounterNotice,
    Notice,
    NoticeState,
    NoticeVerb,
    Regime,
    Statements,
    Use,
    complaint_until,
    counter_elements,
    may_follow,
    next_state,
    require_complete,
    require_decided,
    require_fitting,
    restoration_clock,
)
from linernotes.store.catalogue import content_id
from linernotes.store.chain import ChainRow
from linernotes.store.notices import Delivery, NewNotice, StoredNotice
from linernotes.store.platforms import PlatformEntry
from linernotes.workspace import Workspace

__all__ = [
    "Contact",
    "CounterNotice",
    "Ground",
    "Issued",
    "NoticeFile",
    "NoticeVerb",
    "ReasonedDecision",
    "Regime",
    "Restriction",
    "Statements",
    "StoredNotice",
    "Wishes",
    "answer",
    "clock_of",
    "compose",
    "counter",
    "drafts",
    "issue",
    "list_notices",
    "open_file",
    "receive",
    "step",
    "with_platforms",
]

_REFERENCES = {EvidenceKind.RECORDING: "the recording", EvidenceKind.VOICE: "the voice"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person says of a notice: to whom, under which rules, what they confirm.

    ``platform`` None: every platform where the upload is known to be; ``regime`` None: what each platform is configured
    for, and for voices, where that is the DMCA, the notice of an imitated voice.
    """

    contact: Contact
    statements: Statements
    platform: str | None = None
    regime: Regime | None = None
    urls: Sequence[str] = ()
    title: str = ""
    explanation: str = ""
    legal_basis: str = ""


@dataclass(slots=True)
class Issued:
    """What came of a decision: the notices and their folders; ``already``: those that were issued before."""

    notices: list[Notice] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    already: list[str] = field(default_factory=list)


# ── out ──────────────────────────────────────────────────────────────────────


def compose(workspace: Workspace, claim_ids: Sequence[str], wishes: Wishes, *, today: date) -> list[Notice]:
    """Word the notices of a decision, complete or not, without issuing them.

    Raises ParameterError if the claims are about several uploads, do not fit the rules, or no platform is known.
    """
    claims = [workspace.claims.get(claim_id).claim for claim_id in dict.fromkeys(claim_ids)]
    uploads = {claim.upload_sha256 for claim in claims}
    if len(uploads) != 1:
        raise ParameterError(f"a notice is about one upload; these claims are about {len(uploads)}: give them apart")
    upload = uploads.pop()
    names = workspace.claims.names({claim.party_id for claim in claims})
    notices = []
    for entry, urls in _addresses(workspace, upload, wishes):
        for regime, part in _by_rules(claims, wishes.regime or Regime(entry.regime), chosen=wishes.regime is not None):
            uses = [_use(claim, names) for claim in part]
            require_fitting(regime, uses)
            notices.append(
                Notice(
                    id=_notice_id(workspace, (entry.id, upload, regime.value), part, urls),
                    regime=regime,
                    platform=recipient(entry),
                    upload_title=wishes.title or Path(part[0].upload_path).name,
                    upload_sha256=upload,
                    locations=urls,
                    uses=uses,
                    contact=wishes.contact,
                    on_behalf_of=sorted({names[claim.party_id] for claim in part}),
                    statements=wishes.statements,
                    written_on=today,
                    explanation=wishes.explanation,
                    legal_basis=wishes.legal_basis,
                )
            )
    return notices


def _addresses(workspace: Workspace, upload: str, wishes: Wishes) -> list[tuple[PlatformEntry, tuple[str, ...]]]:
    """Return each platform the notice goes to, with the upload's addresses there."""
    known: dict[str, list[str]] = {}
    for location in workspace.platforms.where(upload):
        known.setdefault(location.platform_id, []).append(location.url)
    given = [checked_url(url) for url in wishes.urls]
    if wishes.platform is not None:
        entry = workspace.platforms.get(wishes.platform)
        return [(entry, tuple(dict.fromkeys([*known.get(entry.id, ()), *given])))]
    if given:
        raise ParameterError("--url goes with --platform: say whose addresses these are")
    if not known:
        message = f"it is not known where upload {upload[:12]}… is: platforms locate, or --platform and --url"
        raise ParameterError(message, code="no_location")
    return [(workspace.platforms.get(platform_id), tuple(urls)) for platform_id, urls in sorted(known.items())]


def _by_rules(claims: Sequence[Claim], regime: Regime, *, chosen: bool) -> list[tuple[Regime, list[Claim]]]:
    """Part claims by the rules that speak of them, unless a person chose the rules: a voice is no copyright."""
    if chosen or regime is not Regime.DMCA:
        return [(regime, list(claims))]
    voices = [claim for claim in claims if claim.use_type in VOICE_USES]
    rest = [claim for claim in claims if claim not in voices]
    if rest and all(claim.use_type not in COPYRIGHT_USES for claim in rest) and voices:
        rest = []  # a notice about a voice says nothing of training; it would not fit a copyright notice either
    return [(kind, part) for kind, part in ((Regime.DMCA, rest), (Regime.VOICE, voices)) if part]


def _notice_id(workspace: Workspace, about: tuple[str, str, str], claims: Sequence[Claim], urls: Sequence[str]) -> str:
    """Return an id that follows from platform, upload, rules, claims and places: one decision made twice is one notice.

    Where earlier notices about the same are over (withdrawn, refused, restored), a new one is another.
    """
    n_over = workspace.notices.count_over(*about)
    return content_id("ntc", *about, *sorted(claim.id for claim in claims), *sorted(urls), str(n_over))


def _use(claim: Claim, names: Mapping[str, str]) -> Use:
    evidence, reference = claim.evidence, claim.evidence.reference
    codes = (("ISRC", reference.isrc), ("ISWC", reference.iswc))
    change = wording.change(evidence.transform)
    there = wording.span(evidence.query_start_s, evidence.query_stop_s)
    here = wording.span(evidence.reference_start_s, evidence.reference_stop_s)
    thing = _REFERENCES.get(evidence.kind, "the reference")
    said = [f"{there} of the upload is {here} of {thing}", wording.likelihood(evidence.probability)]
    heard = "; ".join([*said, change] if change else said)
    return Use(
        claim_id=claim.id,
        use_type=claim.use_type,
        title=reference.title,
        artist=reference.artist,
        party=names[claim.party_id],
        identifiers=", ".join(f"{name} {code}" for name, code in codes if code),
        heard=f"{heard}. {evidence.explanation}".strip(),
    )


def issue(
    workspace: Workspace, claim_ids: Sequence[str], wishes: Wishes, *, actor: str, why: str, at: datetime
) -> Issued:
    """Issue the notices of a decision: into the books and the outbox, to be delivered.

    Raises
    ------
    ConflictError if a claim is not decided to be blocked; ParameterError if a notice lacks an element, naming it
    """
    require_decided([workspace.claims.get(claim_id).claim for claim_id in claim_ids])
    notices = compose(workspace, claim_ids, wishes, today=at.date())
    for notice in notices:
        require_complete(notice)
    new = [
        NewNotice(
            id=notice.id,
            regime=notice.regime.value,
            platform_id=notice.platform.id,
            upload_sha256=notice.upload_sha256,
            claim_ids=[use.claim_id for use in notice.uses],
            content=content_of(notice),
            body=_body(notice) if workspace.platforms.get(notice.platform.id).webhook_url else None,
        )
        for notice in notices
    ]
    entered = set(workspace.notices.issue(new, actor=actor, why=why, at=at))
    result = Issued(already=[notice.id for notice in notices if notice.id not in entered])
    for notice in notices:
        if notice.id in entered:
            result.notices.append(notice)
            result.folders.append(write_notice(workspace, workspace.notices.get(notice.id)))
    return result


def drafts(workspace: Workspace, claim_ids: Sequence[str], wishes: Wishes, *, today: date) -> list[str]:
    """Return the texts of the notices of a decision, each naming what it lacks; nothing is issued."""
    return [plain_text(notice_letter(notice)) for notice in compose(workspace, claim_ids, wishes, today=today)]


def _body(notice: Notice) -> str:
    said = {"type": "notice", "notice": json.loads(content_of(notice)), "text": plain_text(notice_letter(notice))}
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


# ── look ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NoticeFile:
    """A notice with all that is known of it; ``claim_states`` is where its claims stand by now."""

    stored: StoredNotice
    notice: Notice
    claim_states: Mapping[str, str]
    deliveries: Sequence[Delivery]
    history: Sequence[ChainRow]
    can_follow: Sequence[str]
    folder: Path


def open_file(workspace: Workspace, notice_id: str) -> NoticeFile:
    """Return a notice with all that is known of it; NotFoundError if there is none."""
    stored = workspace.notices.get(notice_id)
    notice = notice_of(stored.content)
    return NoticeFile(
        stored=stored,
        notice=notice,
        claim_states={use.claim_id: workspace.claims.get(use.claim_id).claim.state.value for use in notice.uses},
        deliveries=workspace.notices.deliveries(notice_id=notice_id),
        history=workspace.notices.history(notice_id),
        can_follow=[verb.value for verb in may_follow(NoticeState(stored.state), notice.regime)],
        folder=folder_of(workspace, stored),
    )


def list_notices(workspace: Workspace) -> list[tuple[StoredNotice, str]]:
    """Return every notice, oldest first, with the name of its platform."""
    return with_platforms(workspace, workspace.notices.all())


def with_platforms(workspace: Workspace, found: Sequence[StoredNotice]) -> list[tuple[StoredNotice, str]]:
    """Return notices, each with the name of its platform."""
    names = {entry.id: entry.name for entry in workspace.platforms.all()} if found else {}
    return [(stored, names[stored.platform_id]) for stored in found]


# ── what becomes of it ───────────────────────────────────────────────────────


def clock_of(stored: StoredNotice) -> Clock | None:
    """Return the clock that a counter-notice started; None where there was none."""
    if stored.countered_on is None or stored.restore_from is None or stored.restore_by is None:
        return None
    return Clock(stored.countered_on, stored.restore_from, stored.restore_by)


def step(
    workspace: Workspace, notice_id: str, verb: NoticeVerb, *, on: date, actor: str, why: str, at: datetime
) -> NoticeState:
    """Note what happened to a notice; return where it stands then.

    Raises ConflictError if it may not follow, or comes too early or too late.
    """
    if verb is NoticeVerb.COUNTER:
        raise ParameterError("a counter-notice has elements of its own: claims counter-notice")
    return _step(workspace, workspace.notices.get(notice_id), verb, on=on, actor=actor, why=why, at=at)


def _step(
    workspace: Workspace,
    stored: StoredNotice,
    verb: NoticeVerb,
    *,
    on: date,
    actor: str,
    why: str,
    at: datetime,
    dates: Mapping[str, date] | None = None,
) -> NoticeState:
    if not why.strip():
        raise ParameterError("every step says why: --why")
    before = NoticeState(stored.state)
    after = next_state(before, verb, regime=Regime(stored.regime), today=on, clock=clock_of(stored))
    if verb is NoticeVerb.COMPLAIN and stored.complaint_until is not None and on > stored.complaint_until:
        raise ConflictError(f"complaints about {stored.id} were open until {stored.complaint_until}", code="too_late")
    workspace.notices.step(
        stored.id,
        before=before.value,
        after=after.value,
        payload={"verb": verb.value, "on": on.isoformat(), **{k: v.isoformat() for k, v in (dates or {}).items()}},
        actor=actor,
        why=why,
        at=at,
        dates=dates,
        urls=notice_of(stored.content).locations,
        body=_withdrawal(workspace, stored, why) if verb is NoticeVerb.WITHDRAW else None,
    )
    return after


def _withdrawal(workspace: Workspace, stored: StoredNotice, why: str) -> str | None:
    if not workspace.platforms.get(stored.platform_id).webhook_url:
        return None
    return json.dumps({"type": "withdrawal", "notice_id": stored.id, "why": why}, ensure_ascii=False, sort_keys=True)


def counter(
    workspace: Workspace, counter_notice: CounterNotice, *, received_on: date, actor: str, at: datetime
) -> tuple[Clock, Path]:
    """Take in a counter-notice: start the clock, write the paper to forward; return both.

    Raises ParameterError naming the elements it lacks; ConflictError where none can follow.
    """
    stored = workspace.notices.get(counter_notice.notice_id)
    notice = notice_of(stored.content)
    lacking = [e for e in counter_elements(counter_notice, locations=notice.locations) if not e.present]
    if lacking:
        listing = "; ".join(f"({element.key}) {element.label}: give {element.todo}" for element in lacking)
        raise ParameterError(
            f"counter-notice to {stored.id} not taken in, it lacks {listing}", code="incomplete_notice"
        )
    clock = restoration_clock(notice.platform, received_on)
    next_state(NoticeState(stored.state), NoticeVerb.COUNTER, regime=notice.regime, today=received_on)
    folder = write_notice(workspace, stored)
    # What was signed is kept before its clock runs: it stands nowhere else.
    write_paper(folder, "counter-notice", counter_notice_letter(counter_notice, notice, clock))
    dates = {"countered_on": clock.received_on, "restore_from": clock.earliest, "restore_by": clock.latest}
    why = counter_notice.reason or "mistake or misidentification, under penalty of perjury"
    _step(workspace, stored, NoticeVerb.COUNTER, on=received_on, actor=actor, why=why, at=at, dates=dates)
    return clock, folder


def receive(workspace: Workspace, notice_id: str, *, on: date, automated: bool, actor: str, at: datetime) -> Path:
    """Confirm, as the platform, that a notice was received; return the folder of its receipt."""
    stored = workspace.notices.get(notice_id)
    _step(workspace, stored, NoticeVerb.RECEIVE, on=on, actor=actor, why="receipt confirmed", at=at)
    folder = write_notice(workspace, stored)
    receipt = Receipt(stored.id, on, automated)
    write_paper(folder, "receipt", receipt_letter(receipt, notice_of(stored.content)))
    return folder


def answer(workspace: Workspace, decision: ReasonedDecision, *, actor: str, at: datetime) -> Path:
    """Decide, as the platform, on a notice, with reasons; return the folder of the statement of reasons.

    Complaints are open for six months from that day.

    Raises ParameterError naming what the reasons lack; ConflictError where no decision can follow.
    """
    stored = workspace.notices.get(decision.notice_id)
    notice = notice_of(stored.content)
    require_reasoned(decision)
    until = complaint_until(notice.platform, decision.decided_on)
    verb = NoticeVerb.REFUSE if decision.restriction is Restriction.NONE else NoticeVerb.REMOVE
    dates = {"complaint_until": until}
    _step(workspace, stored, verb, on=decision.decided_on, actor=actor, why=decision.explanation, at=at, dates=dates)
    folder = write_notice(workspace, stored)
    write_paper(folder, "decision", decision_letter(decision, notice, complaint_until=until))
    return folder
