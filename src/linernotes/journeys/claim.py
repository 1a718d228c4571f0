"""Claim what was heard, in the name of those concerned, and do with claims what they decide.

Evidence becomes claims, a claim meets the policy of its party, and what no policy or an obstacle leaves open goes to a
person. Times are passed in (``at``, in UTC), so that a run can be told again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

from linernotes.errors import ConflictError, NotFoundError, ParameterError
from linernotes.formats.liner_notes import TracedUpload, read_traces
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    ClaimStep,
    Evidence,
    Obstacle,
    Policy,
    Problem,
    Reference,
    Side,
)
from linernotes.rights import claims as rules
from linernotes.rights import proposals, territories
from linernotes.rights.grounds import grounds
from linernotes.rights.policies import valid
from linernotes.store.catalogue import content_id
from linernotes.store.claims import Stored
from linernotes.workspace import Workspace

__all__ = [
    "ClaimFile",
    "Proposed",
    "Reconsidered",
    "claims_of",
    "decide",
    "dispute",
    "inbox",
    "open_file",
    "propose",
    "propose_from",
    "reconsider",
    "release",
    "resolve",
    "set_policy",
    "settle",
    "withdraw",
]

_SYSTEM = "linernotes"
_DAY = timedelta(days=1)
_BEFORE = timedelta(days=30)
_CAN_BE_HINDERED = (ClaimState.PROPOSED, ClaimState.REVIEW, ClaimState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came of one upload's liner notes: new claims, claims that were here already, what could not be claimed."""

    path: str
    sha256: str
    claims: Sequence[Claim] = ()
    already: int = 0
    problems: Sequence[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """A claim with all one needs to decide it: its history, the names in it, what can be done, where its money is."""

    claim: Claim
    history: Sequence[ClaimStep]
    names: Mapping[str, str]
    commands: Sequence[str]
    money: str


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """Claims that the rules of today have decided, and those that go on waiting, each with the reason."""

    decided: Sequence[Claim] = ()
    waiting: Sequence[tuple[Claim, str]] = ()


def inbox(
    workspace: Workspace, *, party: str | None = None, state: ClaimState | None = None
) -> tuple[list[Claim], dict[str, str]]:
    """Return the claims, of one party and in one state if given, and the names of their parties by id."""
    party_id = None if party is None else workspace.claims.party(party)
    claims = [stored.claim for stored in workspace.claims.find(party_id=party_id, state=state)]
    return claims, workspace.claims.names({claim.party_id for claim in claims})


def open_file(workspace: Workspace, claim_id: str) -> ClaimFile:
    """Return all that is known of a claim; NotFoundError if it is not here."""
    claim = workspace.claims.get(claim_id).claim
    history = workspace.claims.history(claim_id)
    names = workspace.claims.names({claim.party_id, *(step.actor for step in history)})
    commands = [command.value for command in rules.may_follow(claim)]
    return ClaimFile(claim, history, names, commands, rules.MONEY[claim.state].value)


def propose_from(
    workspace: Workspace,
    path: Path,
    *,
    at: datetime,
    uploaded_at: datetime | None = None,
    soundalike: bool = False,
) -> Iterator[Proposed]:
    """Propose the claims on every upload in a file of liner notes; see :func:`propose`.

    A line that is no liner notes gives a result with nothing but its problem.
    """
    for line in read_traces(path):
        if isinstance(line, Problem):
            yield Proposed(line.where, "", problems=[line])
        else:
            yield propose(workspace, line, at=at, uploaded_at=uploaded_at, soundalike=soundalike)


def propose(
    workspace: Workspace,
    traced: TracedUpload,
    *,
    at: datetime,
    uploaded_at: datetime | None = None,
    soundalike: bool = False,
) -> Proposed:
    """Turn what was heard in an upload into claims and let the policies decide those that nothing hinders.

    Parameters
    ----------
    workspace : opened ``writable``
    uploaded_at : when the upload came in; when it was first proposed here where None
    soundalike : what was heard as a voice is an imitation of it
    """
    store = workspace.claims
    first_seen_at, ids = store.add_evidence(
        traced.sha256, traced.path, traced.evidence, seen_at=min(uploaded_at or at, at)
    )
    heard, names, problems = _heard(workspace, traced, ids, at=at, soundalike=soundalike)
    concerned = {p for each in heard for g in each.grounds for p in (*g.holders, *g.default_ids)}
    drafted = proposals.draft(
        heard,
        store.policies(concerned),
        upload_sha256=traced.sha256,
        upload_path=traced.path,
        first_seen_at=first_seen_at,
        at=at,
        names=names,
    )
    there = list(store.find(upload_sha256s=[traced.sha256]))
    drafts = [d for d in drafted if not any(proposals.is_same(d.claim, stored.claim) for stored in there)]
    new = [draft.claim for draft in drafts]
    hindered = _hindered([*(stored.claim for stored in there), *new], fresh={claim.id for claim in new})
    slowed = _slowed(workspace, new, at=at)
    histories = [
        _first_steps(d.claim, [*d.obstacles, *hindered.get(d.claim.id, ())], slowed.get(d.claim.id), at=at)
        for d in drafts
    ]
    entered = store.enter(histories)
    for stored in there:
        for obstacle, why in hindered.get(stored.claim.id, ()):
            if stored.claim.state in _CAN_BE_HINDERED:
                stored = store.advance(stored, _hindering(obstacle, why, at))  # noqa: PLW2901  (a step follows a step)
    return Proposed(
        traced.path,
        traced.sha256,
        [stored.claim for stored in entered],
        len(drafted) - len(entered),
        [*traced.problems, *problems],
    )


def settle(workspace: Workspace, *, at: datetime) -> list[Claim]:
    """Let the policies decide claims that a flood has slowed for a day, of parties whose flood is over."""
    store, settled = workspace.claims, []
    over: dict[str, bool] = {}
    for stored in list(store.find(state=ClaimState.PROPOSED, proposed_before=at - _DAY)):
        claim = stored.claim
        if tuple(claim.obstacles) != (Obstacle.FLOOD,):
            continue
        if claim.party_id not in over:
            recent, limit = _rate(workspace, claim.party_id, at=at)
            over[claim.party_id] = recent <= limit
        if over[claim.party_id]:
            why = "the flood is over: a day has passed, and it has not gone on"
            settled.append(_resolved(workspace, stored, actor=_SYSTEM, why=why, at=at))
    return settled


def reconsider(
    workspace: Workspace,
    *,
    by: str,
    why: str,
    at: datetime,
    claim_ids: Collection[str] = (),
    party: str | None = None,
    policy_id: str | None = None,
) -> Reconsidered:
    """Let claims that wait in review meet the standing rules as they are now; what a person decided stays.

    Parameters
    ----------
    claim_ids, party : these claims, those of this party; all that wait where neither is given
    policy_id : only where this rule is the one that decides

    Raises
    ------
    NotFoundError if there is no such claim or party; ParameterError if ``why`` is empty
    """
    if not why.strip():
        raise ParameterError("say why (--why): every step keeps its reason")
    store, actor = workspace.claims, _person(workspace, by)
    party_id = None if party is None else store.party(party)
    asked = [store.get(key) for key in claim_ids] or list(store.find(party_id=party_id, state=ClaimState.REVIEW))
    decided: list[Claim] = []
    waiting: list[tuple[Claim, str]] = []
    for stored in asked:
        claim = stored.claim
        if party_id not in (None, claim.party_id):
            continue
        now, reason = _as_of_now(workspace, claim, at=at)
        if policy_id is not None and (now is None or now.policy_id != policy_id):
            continue
        if now is None:
            waiting.append((claim, reason))
            continue
        try:
            then = store.advance(stored, _deciding(now, f"{why.strip()}: {now.because[0]}", actor, at))
        except ConflictError as error:
            waiting.append((claim, str(error)))
        else:
            decided.append(then.claim)
    return Reconsidered(decided, waiting)


def decide(
    workspace: Workspace,
    claim_id: str,
    *,
    action: Action,
    by: str,
    why: str,
    at: datetime,
    share: Fraction | None = None,
    side: Side | None = None,
) -> Claim:
    """Choose for a claim as its party; on a disputed claim this upholds it.

    Raises
    ------
    ConflictError if it is not this party's claim, an obstacle stands, its state does not allow it, the shares of the
    upload would exceed the whole, or somebody was faster; NotFoundError if there is no such claim or party
    """
    stored = workspace.claims.get(claim_id)
    actor = _claimant(workspace, stored.claim, by)

    def step(claim: Claim) -> tuple[Claim, ClaimStep]:
        then, done = rules.decide(claim, action=action, actor=actor, why=why, at=at, share=share, side=side)
        beside = [
            s.claim for s in workspace.claims.find(upload_sha256s=[claim.upload_sha256]) if s.claim.id != claim.id
        ]
        if then.action is Action.SHARE and (why_not := proposals.excesses([*beside, then], fresh={then.id})):
            raise ConflictError(f"claim {claim.id}: {why_not[then.id]}", code="shares_exceed_whole")
        return then, done

    return workspace.claims.advance(stored, step).claim


def release(workspace: Workspace, claim_id: str, *, by: str, why: str, at: datetime) -> Claim:
    """Let go of a claim that nobody disputes, as its party; raises as :func:`decide` does."""
    stored = workspace.claims.get(claim_id)
    actor = _claimant(workspace, stored.claim, by)
    return workspace.claims.advance(stored, lambda claim: rules.release(claim, actor=actor, why=why, at=at)).claim


def withdraw(workspace: Workspace, claim_id: str, *, by: str, why: str, at: datetime) -> Claim:
    """Give up a disputed claim, as its party; raises as :func:`decide` does."""
    stored = workspace.claims.get(claim_id)
    actor = _claimant(workspace, stored.claim, by)
    return workspace.claims.advance(stored, lambda claim: rules.withdraw(claim, actor=actor, why=why, at=at)).claim


def dispute(workspace: Workspace, claim_id: str, *, by: str, why: str, at: datetime) -> Claim:
    """Contest a claim, as anybody but its party; what it asks for is held from now on."""
    stored = workspace.claims.get(claim_id)
    actor = _person(workspace, by)
    return workspace.claims.advance(stored, lambda claim: rules.dispute(claim, actor=actor, why=why, at=at)).claim


def resolve(workspace: Workspace, claim_id: str, *, by: str, why: str, at: datetime) -> Claim:
    """Clear what keeps a claim from going on, as anybody but its party; its policy decides it then."""
    stored = workspace.claims.get(claim_id)
    return _resolved(workspace, stored, actor=_person(workspace, by), why=why, at=at)


def set_policy(workspace: Workspace, policy: Policy, *, by: str, why: str, at: datetime) -> tuple[Policy, list[Policy]]:
    """Enter a standing rule; returns it with its id, and the rules about exactly the same that it ends.

    Raises ParameterError or FormatError if it contradicts itself or names no territory, NotFoundError if the party is
    not in the catalogue.
    """
    party_id = workspace.claims.party(policy.party_id)
    policy = valid(replace(policy, party_id=party_id, territory=territories.territory(policy.territory)))
    policy = replace(policy, id=content_id("pol", party_id, policy.use_type, policy.action, at.isoformat()))
    ended = workspace.claims.set_policy(policy, actor=_person(workspace, by), why=why, at=at)
    return policy, ended


def claims_of(workspace: Workspace, upload_sha256s: Collection[str]) -> dict[str, list[Claim]]:
    """Return the claims on each of these uploads."""
    found: dict[str, list[Claim]] = {sha256: [] for sha256 in upload_sha256s}
    for stored in workspace.claims.find(upload_sha256s=list(found)):
        found[stored.claim.upload_sha256].append(stored.claim)
    return found


# ── from evidence to claims ──────────────────────────────────────────────────


def _heard(
    workspace: Workspace, traced: TracedUpload, ids: Sequence[str], *, at: datetime, soundalike: bool
) -> tuple[list[proposals.Heard], dict[str, str], list[Problem]]:
    """Look up what was heard; give it with its grounds, everybody's names, and what nobody can claim."""
    heard, problems = [], []
    names: dict[str, str] = {}
    for evidence_id, evidence in zip(ids, traced.evidence, strict=True):
        entry = workspace.claims.reference(evidence.reference)
        use_type = proposals.use_of(evidence.kind, soundalike=soundalike)
        found = [] if entry is None else grounds(use_type, entry, on=at.date())
        if entry is not None:
            names |= entry.names
        if found:
            heard.append(proposals.Heard(evidence_id, evidence, use_type, found))
        else:
            problems.append(_unclaimable(evidence, evidence.reference, known=entry is not None, where=traced.where))
    return heard, names, problems


def _unclaimable(evidence: Evidence, reference: Reference, *, known: bool, where: str) -> Problem:
    what = f"{where}: {evidence.kind} of {reference.title!r} ({reference.id})"
    if known:
        message = f"{what}: the catalogue names nobody who holds this right; state shares or roles there"
        return Problem("no_holder", message, where)
    return Problem("unknown_reference", f"{what}: not in the catalogue; nobody can claim it", where)


def _hindered(claims: Sequence[Claim], *, fresh: Collection[str]) -> dict[str, list[tuple[Obstacle, str]]]:
    """Find the obstacles that lie between claims on one upload."""
    holders: dict[str, set[str]] = {}
    for claim in claims:
        holders.setdefault(claim.subject_id, set()).add(claim.party_id)
    found: dict[str, list[tuple[Obstacle, str]]] = {}
    for claim_id, why in proposals.clashes(claims, holders, fresh=fresh).items():
        found.setdefault(claim_id, []).append((Obstacle.OVERLAPPING_REFERENCES, why))
    for claim_id, why in proposals.excesses(claims, fresh=fresh).items():
        found.setdefault(claim_id, []).append((Obstacle.SHARES_EXCEED_WHOLE, why))
    return found


def _rate(workspace: Workspace, party_id: str, *, at: datetime) -> tuple[int, int]:
    """Return how many claims a party proposed in the last day, and how many it may."""
    recent = workspace.claims.count(party_id, since=at - _DAY, before=at + _DAY)
    usual = workspace.claims.count(party_id, since=at - _DAY - _BEFORE, before=at - _DAY)
    return recent, rules.flood_limit(usual)


def _slowed(workspace: Workspace, new: Sequence[Claim], *, at: datetime) -> dict[str, str]:
    """Say which new claims are more than their party may propose in a day, and why they wait."""
    slowed: dict[str, str] = {}
    rates = {party_id: _rate(workspace, party_id, at=at) for party_id in {claim.party_id for claim in new}}
    for claim in new:
        recent, limit = rates[claim.party_id]
        rates[claim.party_id] = recent + 1, limit
        if recent >= limit:
            slowed[claim.id] = (
                f"A flood: more than {limit} claims of this party within a day. It waits a day, and longer while the"
                " flood goes on, unless a person looks."
            )
    return slowed


def _first_steps(
    claim: Claim, obstacles: Iterable[tuple[Obstacle, str]], slowed: str | None, *, at: datetime
) -> list[tuple[Claim, ClaimStep]]:
    """Propose a claim; then what stops it, else what its policy says."""
    if slowed is not None:
        claim = replace(claim, obstacles=(Obstacle.FLOOD,), because=(*claim.because, slowed))
    history = [rules.propose(claim, actor=_SYSTEM, why=claim.evidence.explanation or claim.evidence.kind, at=at)]
    for obstacle, why in obstacles:
        history.append(rules.hinder(history[-1][0], obstacle=obstacle, actor=_SYSTEM, why=why, at=at))
    if not history[-1][0].obstacles:
        history.append(_by_policy(history[-1][0], at=at))
    return history


def _as_of_now(workspace: Workspace, claim: Claim, *, at: datetime) -> tuple[Claim | None, str]:
    """Return a waiting claim as the rules of today decide it, or None and why it goes on waiting."""
    store = workspace.claims
    if claim.state is not ClaimState.REVIEW:
        return None, f"it is {claim.state}, not in review"
    if claim.obstacles:
        return None, f"somebody else must resolve {', '.join(claim.obstacles)} first"
    entry = store.reference(claim.evidence.reference)
    found = [] if entry is None else grounds(claim.use_type, entry, on=at.date())
    holding = [g for g in found if (g.subject_id, g.right_type) == (claim.subject_id, claim.right_type)]
    if entry is None or not holding or claim.party_id not in holding[0].holders:
        return None, "the catalogue no longer names its party as a holder of this right"
    rules_now = store.policies({claim.party_id, *holding[0].default_ids})
    now = proposals.reconsidered(claim, holding[0], rules_now, at=at, names=entry.names)
    if now.action is Action.REVIEW:
        return None, next((line for line in reversed(now.because) if line.startswith("Asked")), now.because[0])
    beside = [s.claim for s in store.find(upload_sha256s=[claim.upload_sha256]) if s.claim.id != claim.id]
    if now.action is Action.SHARE and (excess := proposals.excesses([*beside, now], fresh={now.id})):
        return None, excess[now.id]
    return now, ""


def _deciding(now: Claim, why: str, actor: str, at: datetime) -> Callable[[Claim], tuple[Claim, ClaimStep]]:
    return lambda _: rules.decide(now, action=now.action, actor=actor, why=why, at=at, share=now.share, side=now.side)


def _hindering(obstacle: Obstacle, why: str, at: datetime) -> Callable[[Claim], tuple[Claim, ClaimStep]]:
    return lambda claim: rules.hinder(claim, obstacle=obstacle, actor=_SYSTEM, why=why, at=at)


def _by_policy(claim: Claim, *, at: datetime) -> tuple[Claim, ClaimStep]:
    """Let the party's standing rule decide; without one the party is asked."""
    actor = _SYSTEM if claim.policy_id is None else f"policy {claim.policy_id}"
    return rules.decide(claim, action=claim.action, actor=actor, why=claim.because[0], at=at)


def _resolved(workspace: Workspace, stored: Stored, *, actor: str, why: str, at: datetime) -> Claim:
    stored = workspace.claims.advance(stored, lambda claim: rules.resolve(claim, actor=actor, why=why, at=at))
    if stored.claim.state is ClaimState.PROPOSED:
        stored = workspace.claims.advance(stored, lambda claim: _by_policy(claim, at=at))
    return stored.claim


# ── who acts ─────────────────────────────────────────────────────────────────


def _claimant(workspace: Workspace, claim: Claim, by: str) -> str:
    """Return the id of the claim's party if ``by`` names it; ConflictError if it names somebody else."""
    party_id = workspace.claims.party(by)
    if party_id != claim.party_id:
        name = workspace.claims.names([claim.party_id]).get(claim.party_id, claim.party_id)
        raise ConflictError(f"claim {claim.id} is {name}'s to decide, not {by}'s", code="not_yours")
    return party_id


def _person(workspace: Workspace, by: str) -> str:
    """Return the id of the party that ``by`` names, else the words themselves: not everybody is in the catalogue."""
    try:
        return workspace.claims.party(by)
    except NotFoundError:
        return by
