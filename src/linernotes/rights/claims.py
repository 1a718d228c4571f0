"""Claims: from evidence and the catalogue's word to who asserts what, and which state may follow which.

Conventions
-----------
::

    proposed ──► review ──► confirmed ──► released
        │           │           │
        └───────────┴─────┬─────┘
                          ▼
                      disputed ──► upheld ──► released
                          └──────► withdrawn

The claimant decides, releases, withdraws; somebody else disputes, and resolves what keeps a claim from going on. A
claim with an obstacle (see :class:`linernotes.model.Obstacle`) cannot be decided, by a policy or by its claimant.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from linernotes.errors import ConflictError, ParameterError
from linernotes.model import Action, Claim, ClaimState, ClaimStep, Obstacle, Side

__all__ = [
    "MONEY",
    "Command",
    "Money",
    "decide",
    "dispute",
    "flood_limit",
    "hinder",
    "may_follow",
    "propose",
    "release",
    "resolve",
    "withdraw",
]


class Command(StrEnum):
    """What can be done with a claim."""

    PROPOSE = "propose"
    HINDER = "hinder"
    DECIDE = "decide"
    ASK = "ask"
    RELEASE = "release"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"


_S = ClaimState
_NEXT: Mapping[Command, Mapping[ClaimState, ClaimState]] = {
    # An obstacle seen later takes even a confirmed claim back: otherwise who came first would win.
    Command.HINDER: {_S.PROPOSED: _S.REVIEW, _S.REVIEW: _S.REVIEW, _S.CONFIRMED: _S.REVIEW},
    Command.DECIDE: {
        _S.PROPOSED: _S.CONFIRMED,
        _S.REVIEW: _S.CONFIRMED,
        _S.CONFIRMED: _S.CONFIRMED,
        _S.DISPUTED: _S.UPHELD,
        _S.UPHELD: _S.UPHELD,
    },
    Command.ASK: {_S.PROPOSED: _S.REVIEW, _S.CONFIRMED: _S.REVIEW},
    Command.RELEASE: dict.fromkeys((_S.PROPOSED, _S.REVIEW, _S.CONFIRMED, _S.UPHELD), _S.RELEASED),
    Command.DISPUTE: dict.fromkeys((_S.PROPOSED, _S.REVIEW, _S.CONFIRMED), _S.DISPUTED),
    Command.WITHDRAW: {_S.DISPUTED: _S.WITHDRAWN},
    Command.RESOLVE: {_S.PROPOSED: _S.PROPOSED, _S.REVIEW: _S.PROPOSED, _S.DISPUTED: _S.DISPUTED},
}


class Money(StrEnum):
    """What happens to money that a claim asks for."""

    DUE = "due"
    HELD = "held"
    FREE = "free"


MONEY: Mapping[ClaimState, Money] = MappingProxyType(
    {
        ClaimState.PROPOSED: Money.HELD,
        ClaimState.REVIEW: Money.HELD,
        ClaimState.DISPUTED: Money.HELD,
        ClaimState.CONFIRMED: Money.DUE,
        ClaimState.UPHELD: Money.DUE,
        ClaimState.RELEASED: Money.FREE,
        ClaimState.WITHDRAWN: Money.FREE,
    }
)
"""Disputed money is held, not moved; a claim that is given up asks for none."""

_FLOOD_CLAIMS_MIN = 200
_FLOOD_RATIO = 10
_FLOOD_WINDOW_DAYS = 30


def may_follow(claim: Claim) -> tuple[Command, ...]:
    """List what people can do with a claim as it stands."""
    hidden = {Command.HINDER, Command.ASK, Command.DECIDE if claim.obstacles else Command.RESOLVE}
    return tuple(command for command, table in _NEXT.items() if claim.state in table and command not in hidden)


def flood_limit(n_before: int) -> int:
    """Return how many claims a party may propose within 24 hours before the rest waits and is flagged.

    ``n_before``: its claims in the 30 days before those hours. Ten times its usual day, and never fewer than 200.
    """
    return max(_FLOOD_CLAIMS_MIN, _FLOOD_RATIO * n_before // _FLOOD_WINDOW_DAYS)


# Each command takes a claim as it stands and returns the claim as it stands then, with the step to be recorded.


def propose(claim: Claim, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Put a drafted claim on record."""
    then = replace(claim, state=ClaimState.PROPOSED)
    return then, ClaimStep(claim.id, Command.PROPOSE.value, then.state, then.action, actor, why, at)


def hinder(claim: Claim, *, obstacle: Obstacle, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Stop a claim until somebody has looked; ConflictError where it is past that."""
    obstacles = (*claim.obstacles, *((obstacle,) if obstacle not in claim.obstacles else ()))
    because = claim.because if why in claim.because else (*claim.because, why)
    then = replace(claim, obstacles=obstacles, because=because)
    return _step(then, Command.HINDER, actor=actor, why=why, at=at)


def decide(
    claim: Claim,
    *,
    action: Action,
    actor: str,
    why: str,
    at: datetime,
    share: Fraction | None = None,
    side: Side | None = None,
) -> tuple[Claim, ClaimStep]:
    """Choose for a claim; on a disputed one this upholds it. ``share`` where none was asked for yet.

    Raises
    ------
    ConflictError if the claim is past deciding, or an obstacle stands; ParameterError for a share without, or with
    another action
    """
    if claim.obstacles:
        raise ConflictError(
            f"claim {claim.id}: cannot be decided before somebody else resolves {', '.join(claim.obstacles)}",
            code="obstacle",
        )
    if action is not Action.SHARE and (share is not None or side is not None):
        raise ParameterError(f"claim {claim.id}: a share goes with the action 'share', not with {action.value!r}")
    if action is Action.SHARE:
        share, side = share or claim.share, side or claim.side
        if share is None or side is None:
            raise ParameterError(f"claim {claim.id}: say which share of which side: no rule of the party does")
        if not 0 < share <= 1:
            raise ParameterError(f"claim {claim.id}: {share} is not a share: more than 0 and at most 1")
    command = Command.ASK if action is Action.REVIEW else Command.DECIDE
    return _step(replace(claim, action=action, share=share, side=side), command, actor=actor, why=why, at=at)


def release(claim: Claim, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Let go of a claim that nobody disputes; ConflictError where it is disputed or over."""
    return _step(claim, Command.RELEASE, actor=actor, why=why, at=at)


def dispute(claim: Claim, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Contest a claim: its money is held; ConflictError from the claimant itself, or where it was contested before."""
    if actor == claim.party_id:
        raise ConflictError(f"claim {claim.id}: its claimant {actor} cannot dispute it; release it", code="own_claim")
    return _step(claim, Command.DISPUTE, actor=actor, why=why, at=at)


def withdraw(claim: Claim, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Give up a disputed claim: its money is free; ConflictError where it is not disputed."""
    return _step(claim, Command.WITHDRAW, actor=actor, why=why, at=at)


def resolve(claim: Claim, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    """Clear a claim's obstacles, so that it can be decided; ConflictError from the claimant, or where there is none."""
    if actor == claim.party_id:
        raise ConflictError(
            f"claim {claim.id}: its claimant {actor} cannot resolve {', '.join(claim.obstacles) or 'it'}:"
            " somebody else has to look",
            code="own_claim",
        )
    if not claim.obstacles:
        raise ConflictError(f"claim {claim.id}: there is nothing to resolve", code="no_obstacle")
    return _step(replace(claim, obstacles=()), Command.RESOLVE, actor=actor, why=why, at=at)


def _step(claim: Claim, command: Command, *, actor: str, why: str, at: datetime) -> tuple[Claim, ClaimStep]:
    if not why.strip():
        raise ParameterError(f"claim {claim.id}: say why (--why): every step keeps its reason")
    state = _NEXT[command].get(claim.state)
    if state is None:
        allowed = ", ".join(may_follow(claim)) or "nothing: it is over"
        raise ConflictError(
            f"claim {claim.id} is {claim.state}: {command} cannot follow; what can: {allowed}", code="claim_state"
        )
    then = replace(claim, state=state)
    return then, ClaimStep(claim.id, command.value, state, then.action, actor, why, at)
