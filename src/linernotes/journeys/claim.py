"""Claim what was heard, in the name of those concerned, and do with claims what they decide.

Evidence becomes claims (:mod:`linernotes.journeys.propose`), a claim meets the policy of its party, and what no policy
or an obstacle leaves open goes to a person. Times are passed in (``at``, in UTC), so that a run can be told again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from linernotes.errors import ConflictError, NotFoundError, ParameterError
from linernotes.journeys.propose import DAY, SYSTEM, Proposed, by_policy, propose, propose_from, rate
from linernotes.model import Action, Claim, ClaimState, ClaimStep, Obstacle, Policy, Side
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


def settle(workspace: Workspace, *, at: datetime) -> list[Claim]:
    """Let the policies decide claims that a flood has slowed for a day, of parties whose flood is over."""
    store, settled = workspace.claims, []
    over: dict[str, bool] = {}
    for stored in list(store.find(state=ClaimState.PROPOSED, proposed_before=at - DAY)):
        claim = stored.claim
        if tuple(claim.obstacles) != (Obstacle.FLOOD,):
            continue
        if claim.party_id not in over:
            recent, limit = rate(workspace, claim.party_id, at=at)
            over[claim.party_id] = recent <= limit
        if over[claim.party_id]:
            why = "the flood is over: a day has passed, and it has not gone on"
            settled.append(_resolved(workspace, stored, actor=SYSTEM, why=why, at=at))
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


def _resolved(workspace: Workspace, stored: Stored, *, actor: str, why: str, at: datetime) -> Claim:
    stored = workspace.claims.advance(stored, lambda claim: rules.resolve(claim, actor=actor, why=why, at=at))
    if stored.claim.state is ClaimState.PROPOSED:
        stored = workspace.claims.advance(stored, lambda claim: by_policy(claim, at=at))
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
