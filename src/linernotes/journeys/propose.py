"""Turn what was heard into claims, and let the policies decide those that nothing hinders.

An obstacle (two references claim one stretch, shares exceed the whole, a flood of claims) sends a claim to a person.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from linernotes.formats.liner_notes import TracedUpload, read_traces
from linernotes.model import Claim, ClaimState, ClaimStep, Evidence, Obstacle, Problem, Reference
from linernotes.rights import claims as rules
from linernotes.rights import proposals
from linernotes.rights.grounds import grounds
from linernotes.workspace import Workspace

__all__ = ["DAY", "SYSTEM", "Proposed", "by_policy", "propose", "propose_from", "rate"]

SYSTEM = "linernotes"
"""Who acts where no person and no policy does."""
DAY = timedelta(days=1)
"""How long a flood is counted, and slowed."""

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


# ── what hinders, what slows ──────────────────────────────────────────────────


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


def rate(workspace: Workspace, party_id: str, *, at: datetime) -> tuple[int, int]:
    """Return how many claims a party proposed in the last day, and how many it may."""
    recent = workspace.claims.count(party_id, since=at - DAY, before=at + DAY)
    usual = workspace.claims.count(party_id, since=at - DAY - _BEFORE, before=at - DAY)
    return recent, rules.flood_limit(usual)


def _slowed(workspace: Workspace, new: Sequence[Claim], *, at: datetime) -> dict[str, str]:
    """Say which new claims are more than their party may propose in a day, and why they wait."""
    slowed: dict[str, str] = {}
    rates = {party_id: rate(workspace, party_id, at=at) for party_id in {claim.party_id for claim in new}}
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
    history = [rules.propose(claim, actor=SYSTEM, why=claim.evidence.explanation or claim.evidence.kind, at=at)]
    for obstacle, why in obstacles:
        history.append(rules.hinder(history[-1][0], obstacle=obstacle, actor=SYSTEM, why=why, at=at))
    if not history[-1][0].obstacles:
        history.append(by_policy(history[-1][0], at=at))
    return history


def _hindering(obstacle: Obstacle, why: str, at: datetime) -> Callable[[Claim], tuple[Claim, ClaimStep]]:
    return lambda claim: rules.hinder(claim, obstacle=obstacle, actor=SYSTEM, why=why, at=at)


def by_policy(claim: Claim, *, at: datetime) -> tuple[Claim, ClaimStep]:
    """Let the party's standing rule decide; without one the party is asked."""
    actor = SYSTEM if claim.policy_id is None else f"policy {claim.policy_id}"
    return rules.decide(claim, action=claim.action, actor=actor, why=claim.because[0], at=at)
