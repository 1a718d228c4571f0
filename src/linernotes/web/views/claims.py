"""The inbox and a claim's file: what waits for whom, what can be done with it, which clocks run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from linernotes.formats import wording
from linernotes.formats.claim_words import ACTIONS, OBSTACLES, STATES, USES, chosen
from linernotes.formats.statement import RIGHTS
from linernotes.journeys.claim import ClaimFile
from linernotes.model import Action, Claim, ClaimState, Side
from linernotes.web.views.notices import Clock

__all__ = ["Choice", "File", "Group", "Row", "Step", "file", "groups", "is_to_go", "row"]

_MONEY = {
    "due": "What it asks for is paid out.",
    "held": "What it asks for is held, and paid to nobody until it is decided.",
    "free": "It asks for no money any more.",
}
_VERBS = {
    "propose": "Proposed",
    "hinder": "Held up",
    "decide": "Decided",
    "ask": "Asked",
    "release": "Released",
    "dispute": "Disputed",
    "withdraw": "Withdrawn",
    "resolve": "Cleared",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A claim in a list."""

    id: str
    party: str
    title: str
    artist: str
    use: str
    upload: str
    stretch: str
    likelihood: str
    choice: str
    obstacles: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The claims in one state; ``is_open``: they want somebody's attention."""

    state: str
    title: str
    meaning: str
    is_open: bool
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something its party can choose for a claim."""

    value: str
    title: str
    meaning: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a claim."""

    at: str
    what: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class File:
    """A claim with all that is needed to decide it."""

    row: Row
    state: str
    meaning: str
    right: str
    money: str
    because: Sequence[str]
    exceptions: Sequence[str]
    steps: Sequence[Step]
    choices: Sequence[Choice]
    side: str
    can: frozenset[str]
    clocks: Sequence[Clock]
    may_notify: bool


def groups(claims: Iterable[Claim], names: Mapping[str, str]) -> list[Group]:
    """Gather claims by state, those that wait for somebody first, in each by upload and place."""
    order = list(STATES)
    ranked = sorted(
        claims, key=lambda claim: (order.index(claim.state), claim.upload_path, claim.evidence.query_start_s, claim.id)
    )
    return [
        Group(state.value, *STATES[state], state in order[:3], [row(claim, names) for claim in found])
        for state, found in groupby(ranked, key=lambda claim: claim.state)
    ]


def file(told: ClaimFile, clocks: Sequence[Clock], *, party_id: str | None, scopes: Collection[str]) -> File:
    """Say what a claim's page shows to somebody who acts for ``party_id``; what they may not do is not offered."""
    claim = told.claim
    return File(
        row=row(claim, told.names),
        state=STATES[claim.state][0],
        meaning=STATES[claim.state][1],
        right=RIGHTS[claim.right_type],
        money=_MONEY[told.money] if claim.action in (Action.SHARE, Action.REVIEW) else "It asks for no money.",
        because=list(claim.because),
        exceptions=[f"{rule.territory}: {chosen(rule.action, rule.share, rule.side)}" for rule in claim.exceptions],
        steps=[
            Step(
                f"{step.at:%Y-%m-%d %H:%M}",
                _VERBS.get(step.command, step.command),
                told.names.get(step.actor, step.actor),
                step.why,
            )
            for step in told.history
        ],
        choices=_choices(claim),
        side=(claim.side or Side.RECORDING).value,
        can=_allowed(told.commands, scopes, mine=claim.party_id == party_id),
        clocks=clocks,
        may_notify=is_to_go(claim) and claim.party_id == party_id and "claims:decide" in scopes,
    )


def is_to_go(claim: Claim) -> bool:
    """Tell whether it was decided that the upload must be taken down: only that is given notice of."""
    return claim.action is Action.BLOCK and claim.state in (ClaimState.CONFIRMED, ClaimState.UPHELD)


def _allowed(commands: Sequence[str], scopes: Collection[str], *, mine: bool) -> frozenset[str]:
    """Leave what one may do: its party decides and gives up, anybody else disputes, the house clears obstacles."""
    own = {"decide", "release", "withdraw"} if mine and "claims:decide" in scopes else set[str]()
    others = set[str]() if mine else {verb for verb in ("dispute", "resolve") if f"claims:{verb}" in scopes}
    return frozenset(commands) & (own | others)


def _choices(claim: Claim) -> list[Choice]:
    decided = claim.state in (ClaimState.CONFIRMED, ClaimState.UPHELD)
    offered = (Action.ALLOW, Action.SHARE, Action.BLOCK)
    return [Choice(action.value, *ACTIONS[action], decided and claim.action is action) for action in offered]


def row(claim: Claim, names: Mapping[str, str]) -> Row:
    """Say a claim in a line; ``names`` are of parties, by id."""
    heard = claim.evidence
    return Row(
        id=claim.id,
        party=names.get(claim.party_id, claim.party_id),
        title=heard.reference.title,
        artist=heard.reference.artist,
        use=USES[claim.use_type],
        upload=claim.upload_path.rpartition("/")[2],
        stretch=wording.span(heard.query_start_s, heard.query_stop_s),
        likelihood=wording.likelihood(heard.probability),
        choice=chosen(claim.action, claim.share, claim.side),
        obstacles=[OBSTACLES[obstacle] for obstacle in claim.obstacles],
    )
