from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import permutations

import pytest

from linernotes.model import (
    Action,
    AiDisclosure,
    Claim,
    ClaimState,
    Contribution,
    Evidence,
    EvidenceKind,
    Obstacle,
    Policy,
    Recording,
    Reference,
    ReferenceEntry,
    RightType,
    Role,
    Share,
    Side,
    UseType,
    Voice,
    Work,
)
from linernotes.rights.grounds import Grounds, grounds
from linernotes.rights.proposals import Draft, Heard, clashes, draft, excesses, is_same, use_of

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = AT - timedelta(days=30)
TODAY = date(2026, 11, 22)
RECORDING = Recording("rec", "Anvil", "Ada", "a" * 64, "anvil.wav", 60.0, 44_100, 2, work_id="wrk")
WORK = Work("wrk", "Anvil")
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def entry(**changes: object) -> ReferenceEntry:
    known = ReferenceEntry(
        recording=RECORDING,
        work=WORK,
        contributions=[
            Contribution("rec", "ada", Role.PERFORMER),
            Contribution("rec", "label", Role.LABEL),
            Contribution("wrk", "bea", Role.WRITER),
            Contribution("wrk", "press", Role.PUBLISHER),
        ],
        shares=[Share("wrk", "bea", RightType.MECHANICAL, HALF), Share("wrk", "press", RightType.MECHANICAL, HALF)],
        registered_at={"rec": BEFORE, "wrk": BEFORE},
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def heard(
    kind: EvidenceKind, found: Sequence[Grounds], *, start_s: float = 10.0, stop_s: float = 20.0, title: str = "Anvil"
) -> Heard:
    evidence = Evidence(
        kind, Reference("rec", title, "Ada", None, None), start_s, stop_s, 0.0, stop_s - start_s, 1.0, 0.9, None, "", ""
    )
    return Heard(f"{kind}{start_s}{title}", evidence, use_of(kind), found)


def drafted(things: Sequence[Heard], policies: Sequence[Policy] = (), *, seen: datetime = AT) -> list[Draft]:
    return draft(
        things, policies, upload_sha256="0" * 64, upload_path="up.wav", first_seen_at=seen, at=AT, names={"bea": "Bea"}
    )


def by_party(drafts: Sequence[Draft]) -> dict[tuple[str, RightType], Claim]:
    return {(d.claim.party_id, d.claim.right_type): d.claim for d in drafts}


# ── grounds ──────────────────────────────────────────────────────────────────


def test_a_copy_touches_the_recording_and_the_work() -> None:
    master, mechanical = grounds(UseType.RECORDING, entry(), on=TODAY)
    assert (master.subject_id, master.right_type, master.holders) == ("rec", RightType.MASTER, {"label": None})
    assert (mechanical.subject_id, mechanical.right_type) == ("wrk", RightType.MECHANICAL)
    assert (mechanical.holders, mechanical.default_ids) == ({"bea": HALF, "press": HALF}, ["press"])


@pytest.mark.parametrize("use", [UseType.VERSION, UseType.MELODY, UseType.LYRICS])
def test_a_version_touches_the_work_alone(use: UseType) -> None:
    assert [g.subject_id for g in grounds(use, entry(), on=TODAY)] == ["wrk"]


def test_a_voice_is_its_performers() -> None:
    voice = Voice("voi", "cara", "Cara")
    alone = grounds(UseType.VOICE, ReferenceEntry(voice=voice, label_ids=["copper"]), on=TODAY)
    assert [(g.holders, g.default_ids) for g in alone] == [({"cara": Fraction(1)}, ["copper"])]
    sung = grounds(UseType.SOUNDALIKE, entry(), on=TODAY)
    assert [(g.subject_id, g.holders, g.default_ids) for g in sung] == [("rec", {"ada": None}, ["label"])]


def test_training_asks_whoever_holds_that_right_else_who_holds_the_thing() -> None:
    told = entry(shares=[Share("rec", "ada", RightType.TRAINING, Fraction(1))])
    recording, work = grounds(UseType.TRAINING, told, on=TODAY)
    assert (recording.holders, work.holders) == ({"ada": Fraction(1)}, {"bea": None, "press": None})


def test_shares_count_on_their_days_and_where_they_hold() -> None:
    shares = [
        Share("wrk", "bea", RightType.MECHANICAL, Fraction(1), valid_to=TODAY),
        Share("wrk", "heir", RightType.MECHANICAL, Fraction(1), valid_from=TODAY),
        Share("wrk", "press", RightType.MECHANICAL, HALF, territory="DE"),
    ]
    told = entry(shares=shares)
    (now,) = grounds(UseType.VERSION, told, on=TODAY)
    assert (now.holders, now.claimed) == ({"heir": Fraction(1), "press": None}, Fraction(3, 2))
    (then,) = grounds(UseType.VERSION, told, on=TODAY - timedelta(1))
    assert then.holders == {"bea": Fraction(1), "press": None}


def test_what_nobody_holds_gives_no_grounds() -> None:
    assert grounds(UseType.RECORDING, entry(contributions=[], shares=[]), on=TODAY) == []
    assert grounds(UseType.VERSION, entry(work=None), on=TODAY) == []


# ── drafts ───────────────────────────────────────────────────────────────────


def test_each_holder_gets_a_claim_and_decides_for_itself() -> None:
    things = [heard(EvidenceKind.RECORDING, grounds(UseType.RECORDING, entry(), on=TODAY))]
    rules = [
        Policy("b", "bea", UseType.RECORDING, Action.BLOCK),
        Policy("p", "press", UseType.RECORDING, Action.SHARE, HALF),
    ]
    claims = by_party(drafted(things, rules))
    assert set(claims) == {
        ("label", RightType.MASTER),
        ("bea", RightType.MECHANICAL),
        ("press", RightType.MECHANICAL),
    }
    assert claims["bea", RightType.MECHANICAL].action is Action.BLOCK
    press = claims["press", RightType.MECHANICAL]
    assert (press.share, press.side, press.policy_id) == (Fraction(1, 4), Side.COMPOSITION, "p")
    assert "gets 1/4, for it holds 1/2" in press.because[-1]
    assert claims["label", RightType.MASTER].action is Action.REVIEW


def test_a_part_that_nobody_stated_is_asked_for_not_guessed() -> None:
    told = entry(shares=[])
    rules = [Policy("b", "bea", UseType.VERSION, Action.SHARE, HALF)]
    claims = by_party(drafted([heard(EvidenceKind.VERSION, grounds(UseType.VERSION, told, on=TODAY))], rules))
    bea = claims["bea", RightType.MECHANICAL]
    assert (bea.action, bea.share) == (Action.REVIEW, None)
    assert "does not state" in bea.because[-1]


def test_of_one_right_on_one_stretch_the_closest_use_is_claimed() -> None:
    told = entry()
    things = [
        heard(EvidenceKind.MELODY, grounds(UseType.MELODY, told, on=TODAY)),
        heard(EvidenceKind.VERSION, grounds(UseType.VERSION, told, on=TODAY), start_s=5.0),
        heard(EvidenceKind.RECORDING, grounds(UseType.RECORDING, told, on=TODAY), start_s=15.0, stop_s=40.0),
        heard(EvidenceKind.MELODY, grounds(UseType.MELODY, told, on=TODAY), start_s=50.0, stop_s=55.0),
    ]
    for order in permutations(things):
        bea = [d.claim for d in drafted(order) if d.claim.party_id == "bea"]
        stretches = {(c.use_type, c.evidence.query_start_s) for c in bea}
        assert stretches == {(UseType.RECORDING, 15.0), (UseType.MELODY, 50.0)}
        assert drafted(order) == drafted(things)


@pytest.mark.parametrize(
    ("changes", "obstacle", "words"),
    [
        ({"recording": replace(RECORDING, contains_ai=AiDisclosure.ALL)}, Obstacle.AI_REFERENCE, "AI-made"),
        (
            {"shares": [Share("rec", p, RightType.MASTER, Fraction(2, 3)) for p in ("ada", "bea")]},
            Obstacle.CONTESTED_REFERENCE,
            "ada 2/3, Bea 2/3, together 4/3",
        ),
        ({"registered_at": {"rec": AT + timedelta(seconds=1)}}, Obstacle.LATE_REGISTRATION, "2026-11-22 12:00"),
    ],
)
def test_a_reference_in_doubt_may_not_claim_and_says_why(
    changes: dict[str, object], obstacle: Obstacle, words: str
) -> None:
    told = entry(**{"work": None} | changes)
    (first, *_) = drafted([heard(EvidenceKind.RECORDING, grounds(UseType.RECORDING, told, on=TODAY))])
    ((found, why),) = first.obstacles
    assert found is obstacle
    assert words in why


def test_a_declared_human_reference_registered_before_may_claim() -> None:
    told = entry(recording=replace(RECORDING, contains_ai=AiDisclosure.NONE), registered_at={"rec": AT})
    assert all(
        not d.obstacles for d in drafted([heard(EvidenceKind.RECORDING, grounds(UseType.RECORDING, told, on=TODAY))])
    )


# ── between claims ───────────────────────────────────────────────────────────


def claim(name: str, party: str, subject: str, **changes: object) -> Claim:
    grounded = [Grounds(subject, RightType.MASTER, {party: Fraction(1)})]
    (made,) = drafted([heard(EvidenceKind.RECORDING, grounded, title=subject)])
    return replace(made.claim, id=name, **changes)  # type: ignore[arg-type]


def moved(made: Claim, start_s: float, stop_s: float) -> Claim:
    return replace(made, evidence=replace(made.evidence, query_start_s=start_s, query_stop_s=stop_s))


HOLDERS = {"one": ["ada"], "two": ["bea"]}


def test_two_references_on_one_stretch_stop_both_whoever_came_first() -> None:
    first, second = claim("x", "ada", "one", state=ClaimState.CONFIRMED), claim("y", "bea", "two")
    for pair in ((first, second), (second, first)):
        found = clashes(pair, HOLDERS, fresh={"y"})
        assert set(found) == {"x", "y"}
    assert "two (two)" in found["x"]
    assert clashes([first, second], HOLDERS, fresh=set()) == {}


def test_claims_that_do_not_clash() -> None:
    one, two = claim("x", "ada", "one"), claim("y", "bea", "two")
    assert clashes([one, moved(two, 20.0, 30.0)], HOLDERS, fresh={"x", "y"}) == {}
    assert clashes([one, replace(two, right_type=RightType.VOICE)], HOLDERS, fresh={"x"}) == {}
    assert clashes([one, replace(two, state=ClaimState.RELEASED)], HOLDERS, fresh={"x"}) == {}
    assert clashes([one, two], {"one": ["ada"], "two": ["bea", "ada"]}, fresh={"x"}) == {}
    trained = [replace(each, right_type=RightType.TRAINING) for each in (one, two)]
    assert clashes(trained, HOLDERS, fresh={"x"}) == {}


def test_shares_of_one_side_on_one_stretch_add_to_the_whole_at_most() -> None:
    asks = {"action": Action.SHARE, "side": Side.RECORDING}
    one, two = claim("x", "ada", "one", share=HALF, **asks), claim("y", "bea", "two", share=HALF, **asks)
    assert excesses([one, two], fresh={"x"}) == {}
    greedy = replace(two, share=HALF + THIRD)
    assert set(excesses([one, greedy], fresh={"x"})) == {"x", "y"}
    assert "4/3" in excesses([one, greedy], fresh={"y"})["x"]
    assert excesses([one, greedy], fresh=set()) == {}
    assert excesses([one, moved(greedy, 20.0, 30.0)], fresh={"x"}) == {}
    assert excesses([one, replace(greedy, side=Side.COMPOSITION)], fresh={"x"}) == {}
    assert excesses([one, replace(greedy, state=ClaimState.WITHDRAWN)], fresh={"x"}) == {}


def test_the_same_assertion_is_made_once() -> None:
    one = claim("x", "ada", "one")
    assert is_same(one, moved(one, 15.0, 25.0))
    assert not is_same(one, moved(one, 20.0, 25.0))
    assert not is_same(one, claim("y", "bea", "one"))
