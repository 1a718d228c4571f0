from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from linernotes.errors import ConflictError, ParameterError
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    ClaimStep,
    Evidence,
    EvidenceKind,
    Obstacle,
    Reference,
    RightType,
    Side,
    UseType,
)
from linernotes.rights import claims as rules
from linernotes.rights.claims import MONEY, Money, flood_limit, may_follow

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEARD = Evidence(
    kind=EvidenceKind.VOICE,
    reference=Reference("voi", "Cara's voice", "Cara", None, None),
    query_start_s=0.0,
    query_stop_s=30.0,
    reference_start_s=0.0,
    reference_stop_s=30.0,
    score=1.0,
    probability=0.97,
    transform=None,
    explanation="",
    parameter_id="",
)
CLAIM = Claim(
    id="clm",
    upload_sha256="0" * 64,
    upload_path="upload.wav",
    evidence_id="e",
    evidence=HEARD,
    subject_id="voi",
    party_id="cara",
    right_type=RightType.VOICE,
    use_type=UseType.VOICE,
    action=Action.SHARE,
    share=Fraction(1, 2),
    side=Side.RECORDING,
    state=ClaimState.PROPOSED,
    because=("because",),
)
BY = {"actor": "cara", "why": "so", "at": AT}
BY_OTHER = {"actor": "uploader", "why": "so", "at": AT}


def in_state(state: ClaimState, **changes: object) -> Claim:
    return replace(CLAIM, state=state, **changes)  # type: ignore[arg-type]


STEPS: dict[str, Callable[[Claim], tuple[Claim, ClaimStep]]] = {
    "decide": lambda claim: rules.decide(claim, action=Action.BLOCK, **BY),  # type: ignore[arg-type]
    "ask": lambda claim: rules.decide(claim, action=Action.REVIEW, **BY),  # type: ignore[arg-type]
    "release": lambda claim: rules.release(claim, **BY),  # type: ignore[arg-type]
    "withdraw": lambda claim: rules.withdraw(claim, **BY),  # type: ignore[arg-type]
    "dispute": lambda claim: rules.dispute(claim, **BY_OTHER),  # type: ignore[arg-type]
    "hinder": lambda claim: rules.hinder(claim, obstacle=Obstacle.OVERLAPPING_REFERENCES, **BY),  # type: ignore[arg-type]
}
P, R, C, D, U = (ClaimState(s) for s in ("proposed", "review", "confirmed", "disputed", "upheld"))
RELEASED, WITHDRAWN = ClaimState.RELEASED, ClaimState.WITHDRAWN
ALLOWED = {
    "decide": {P: C, R: C, C: C, D: U, U: U},
    "ask": {P: R, C: R},
    "release": {P: RELEASED, R: RELEASED, C: RELEASED, U: RELEASED},
    "withdraw": {D: WITHDRAWN},
    "dispute": {P: D, R: D, C: D},
    "hinder": {P: R, R: R, C: R},
}


@pytest.mark.parametrize("name", list(STEPS))
@pytest.mark.parametrize("state", list(ClaimState))
def test_every_step_from_every_state(name: str, state: ClaimState) -> None:
    claim = in_state(state)
    if state in ALLOWED[name]:
        then, step = STEPS[name](claim)
        assert (then.state, step.state, step.claim_id) == (ALLOWED[name][state], ALLOWED[name][state], "clm")
        assert (step.command, step.why, step.at) == (name, "so", AT)
    else:
        with pytest.raises(ConflictError, match=f"is {state}: {name} cannot follow"):
            STEPS[name](claim)


@pytest.mark.parametrize("state", list(ClaimState))
def test_what_may_follow_is_what_does(state: ClaimState) -> None:
    people = {name for name, table in ALLOWED.items() if state in table} - {"hinder", "ask"}
    assert {command.value for command in may_follow(in_state(state))} == people
    hindered = in_state(state, obstacles=(Obstacle.FLOOD,))
    resolvable = {"resolve"} if state in (P, R, D) else set()
    assert {command.value for command in may_follow(hindered)} == people - {"decide"} | resolvable


def test_a_decision_takes_the_policys_share_or_another() -> None:
    then, _ = rules.decide(CLAIM, action=Action.SHARE, **BY)  # type: ignore[arg-type]
    assert (then.share, then.side) == (Fraction(1, 2), Side.RECORDING)
    then, _ = rules.decide(CLAIM, action=Action.SHARE, share=Fraction(1, 4), side=Side.COMPOSITION, **BY)  # type: ignore[arg-type]
    assert (then.share, then.side) == (Fraction(1, 4), Side.COMPOSITION)
    then, _ = rules.decide(CLAIM, action=Action.BLOCK, **BY)  # type: ignore[arg-type]
    assert (then.share, then.side) == (None, None)


def test_a_share_must_be_one_and_go_with_share() -> None:
    bare = replace(CLAIM, action=Action.REVIEW, share=None, side=None)
    with pytest.raises(ParameterError, match="which share of which side"):
        rules.decide(bare, action=Action.SHARE, **BY)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="not a share"):
        rules.decide(CLAIM, action=Action.SHARE, share=Fraction(3, 2), **BY)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="goes with the action"):
        rules.decide(CLAIM, action=Action.BLOCK, share=Fraction(1, 2), **BY)  # type: ignore[arg-type]


def test_an_obstacle_stops_every_decision_until_somebody_else_has_looked() -> None:
    stopped, _ = rules.hinder(CLAIM, obstacle=Obstacle.AI_REFERENCE, **BY_OTHER)  # type: ignore[arg-type]
    again, _ = rules.hinder(stopped, obstacle=Obstacle.AI_REFERENCE, **BY_OTHER)  # type: ignore[arg-type]
    assert (again.obstacles, again.because) == ((Obstacle.AI_REFERENCE,), ("because", "so"))
    with pytest.raises(ConflictError, match="somebody else resolves ai_reference"):
        rules.decide(stopped, action=Action.BLOCK, **BY)  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match="claimant cara cannot resolve"):
        rules.resolve(stopped, **BY)  # type: ignore[arg-type]
    cleared, step = rules.resolve(stopped, **BY_OTHER)  # type: ignore[arg-type]
    assert (cleared.state, cleared.obstacles, step.actor) == (ClaimState.PROPOSED, (), "uploader")
    with pytest.raises(ConflictError, match="nothing to resolve"):
        rules.resolve(cleared, **BY_OTHER)  # type: ignore[arg-type]


def test_nobody_disputes_their_own_claim() -> None:
    with pytest.raises(ConflictError, match="release it"):
        rules.dispute(CLAIM, **BY)  # type: ignore[arg-type]


def test_every_step_needs_a_reason() -> None:
    with pytest.raises(ParameterError, match="say why"):
        rules.release(CLAIM, actor="cara", why=" ", at=AT)


def test_disputed_money_is_held_and_given_up_money_is_free() -> None:
    assert set(MONEY) == set(ClaimState)
    assert MONEY[ClaimState.DISPUTED] is Money.HELD
    assert MONEY[ClaimState.WITHDRAWN] is MONEY[ClaimState.RELEASED] is Money.FREE
    assert MONEY[ClaimState.CONFIRMED] is MONEY[ClaimState.UPHELD] is Money.DUE


def test_a_flood_is_ten_times_the_usual() -> None:
    assert [flood_limit(n) for n in (0, 600, 3000, 30_000)] == [200, 200, 1000, 10_000]
