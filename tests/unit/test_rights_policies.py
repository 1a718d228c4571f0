from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from linernotes.errors import ParameterError
from linernotes.model import Action, Policy, RightType, Side, TerritoryRule, UseType
from linernotes.rights.policies import Situation, evaluate, exceptions, explain, side_of, valid

HALF = Fraction(1, 2)
NAMES = {"cara": "Cara", "label": "Copper Records"}


def rule(name: str, party: str, action: Action, **changes: object) -> Policy:
    if action is Action.SHARE:
        changes = {"share": HALF} | changes
    return Policy(name, party, UseType.VOICE, action, **changes)  # type: ignore[arg-type]


def asked(**changes: object) -> Situation:
    situation = Situation(
        use_type=UseType.VOICE,
        right_type=RightType.VOICE,
        subject_id="voi",
        match_length_s=Fraction(30),
        probability=Fraction(9, 10),
        on=date(2026, 11, 22),
        owner_ids=("cara",),
        default_ids=("label",),
    )
    return replace(situation, **changes)  # type: ignore[arg-type]


def test_the_open_offer_is_one_rule() -> None:
    ruling = evaluate([rule("offer", "cara", Action.SHARE)], asked())
    assert ruling.verdict == (Action.SHARE, HALF, Side.RECORDING)


def test_a_performers_own_word_outranks_the_labels_even_where_the_label_is_more_specific() -> None:
    own = rule("own", "cara", Action.SHARE)
    label = rule("label", "label", Action.BLOCK, subject_id="voi", territory="DE")
    for territory in ("2136", "DE"):
        ruling = evaluate([label, own], asked(territory=territory))
        assert ruling.policy == own
    assert {p.id: why for p, why in ruling.lost}["label"].startswith("the word of the party whose right it is")


def test_a_label_decides_where_the_performer_has_no_rule() -> None:
    ruling = evaluate([rule("label", "label", Action.BLOCK)], asked())
    assert (ruling.action, ruling.because[:9]) == (Action.BLOCK, "a default")


@pytest.mark.parametrize(
    ("general", "specific"),
    [
        ({}, {"subject_id": "voi"}),
        ({}, {"territory": "2120"}),
        ({"territory": "2120"}, {"territory": "DE"}),
        ({}, {"match_length_min_s": Fraction(10)}),
        ({"probability_min": HALF}, {"probability_min": Fraction(4, 5)}),
        ({}, {"valid_to": date(2027, 1, 1)}),
    ],
)
def test_the_specific_beats_the_general(general: dict[str, object], specific: dict[str, object]) -> None:
    wide = rule("wide", "cara", Action.BLOCK, **general)
    narrow = rule("narrow", "cara", Action.ALLOW, **specific)
    ruling = evaluate([wide, narrow], asked(territory="DE"))
    assert ruling.policy == narrow
    assert "outranks" in ruling.lost[0][1]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"subject_id": "other"}, None),
        ({"territory": "DE"}, "it holds in territory DE, this is 2136"),
        ({"match_length_min_s": Fraction(31)}, "it is for matches of 31 s or more"),
        ({"probability_min": Fraction(19, 20)}, "it is for probabilities of 19/20 or more"),
        ({"valid_from": date(2026, 11, 23)}, "it begins on 2026-11-23"),
        ({"valid_to": date(2026, 11, 22)}, "it ended on 2026-11-22"),
    ],
)
def test_a_rule_that_does_not_apply_says_why_and_the_party_is_asked(
    limits: dict[str, object], reason: str | None
) -> None:
    ruling = evaluate([rule("x", "cara", Action.BLOCK, **limits)], asked())
    assert (ruling.action, ruling.policy) == (Action.REVIEW, None)
    assert [why for _, why in ruling.lost] == ([reason] if reason else [])


def test_the_edges_of_a_rule_belong_to_it() -> None:
    edge = rule(
        "edge",
        "cara",
        Action.BLOCK,
        match_length_min_s=Fraction(30),
        probability_min=Fraction(9, 10),
        valid_from=date(2026, 11, 22),
        valid_to=date(2026, 11, 23),
    )
    assert evaluate([edge], asked()).policy == edge


def test_strangers_have_no_say() -> None:
    assert evaluate([rule("x", "stranger", Action.BLOCK)], asked()).lost == ()


def test_equal_rules_that_differ_are_a_question_and_equal_rules_that_agree_are_not() -> None:
    one, other = rule("one", "cara", Action.ALLOW), rule("other", "cara", Action.BLOCK)
    ruling = evaluate([one, other], asked())
    assert ruling.action is Action.REVIEW
    assert "one, other" in ruling.because
    assert evaluate([one, replace(one, id="three")], asked()).action is Action.ALLOW


def test_a_side_is_asked_only_of_rights_on_that_side() -> None:
    ask = Policy("p", "cara", UseType.RECORDING, Action.SHARE, HALF, Side.RECORDING)
    master = asked(use_type=UseType.RECORDING, right_type=RightType.MASTER)
    assert evaluate([ask], master).side is Side.RECORDING
    assert evaluate([ask], replace(master, right_type=RightType.MECHANICAL)).action is Action.REVIEW
    assert evaluate([rule("v", "cara", Action.SHARE, side=Side.COMPOSITION)], asked()).side is Side.COMPOSITION
    assert side_of(RightType.SYNCHRONISATION) is Side.COMPOSITION


def test_exceptions_say_where_something_else_holds() -> None:
    rules = [
        rule("world", "cara", Action.SHARE),
        rule("europe", "cara", Action.BLOCK, territory="2120"),
        rule("de", "cara", Action.SHARE, territory="DE"),
        rule("fr", "cara", Action.BLOCK, territory="FR"),
        rule("jp", "cara", Action.SHARE, territory="JP"),
    ]
    assert exceptions(rules, asked()) == (
        TerritoryRule("2120", Action.BLOCK),
        TerritoryRule("DE", Action.SHARE, HALF, Side.RECORDING),
    )


def test_an_explanation_names_who_and_why() -> None:
    rules = [rule("pol_own", "cara", Action.SHARE), rule("pol_label", "label", Action.BLOCK)]
    won, lost = explain(evaluate(rules, asked()), NAMES)
    assert won == (
        "Cara's rule pol_own (voice: share 1/2) decides: the word of the party whose right it is, about everything of"
        " theirs."
    )
    assert lost == (
        "Copper Records's rule pol_label (voice: block) does not: the word of the party whose right it is outranks a"
        " default."
    )
    assert explain(evaluate([], asked()), NAMES) == ("Asked: no rule speaks of this use: the party is asked.",)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"share": None}, "a share goes with"),
        ({"share": Fraction(3, 2)}, "not a share"),
        ({"share": Fraction(0)}, "not a share"),
        ({"action": Action.BLOCK}, "a share goes with"),
        ({"action": Action.BLOCK, "share": None, "side": Side.RECORDING}, "a side goes with"),
        ({"probability_min": Fraction(2)}, "0 to 1 probable"),
        ({"match_length_min_s": Fraction(-1)}, "0 s or more"),
        ({"valid_from": date(2026, 1, 2), "valid_to": date(2026, 1, 2)}, "before it begins"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(changes: dict[str, object], fault: str) -> None:
    good = rule("x", "cara", Action.SHARE)
    assert valid(good) == good
    with pytest.raises(ParameterError, match=fault):
        valid(replace(good, **changes))  # type: ignore[arg-type]
