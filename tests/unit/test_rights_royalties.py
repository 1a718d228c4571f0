from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ParameterError
from linernotes.model import ANY_USE, RightType, RoyaltyRule
from linernotes.rights.royalties import DEFAULT_RULES, check_rules, choose, granted, training_parts

WHOLE = {RightType.MASTER: Fraction(1)}
DAY = date(2026, 1, 15)


def test_a_flat_part_by_size_gives_nothing_for_cutting_a_work() -> None:
    whole = training_parts({"a": 6, "b": 4}, informativeness_ppm=500_000, sizes={"a": 30, "b": 20})
    cut = training_parts({"a1": 2, "a2": 4, "b": 4}, informativeness_ppm=500_000, sizes={"a1": 10, "a2": 20, "b": 20})
    assert cut["a1"] + cut["a2"] == whole["a"]
    assert sum(cut.values()) == 1


def test_the_default_rules_are_rules() -> None:
    check_rules(DEFAULT_RULES)
    assert [choose(DEFAULT_RULES, use, "DE", DAY) for use in ("stream", "training")] == [0, 1]


def test_the_most_specific_rule_holds() -> None:
    rules = [
        RoyaltyRule("*", WHOLE),
        RoyaltyRule("*", WHOLE, "2120"),
        RoyaltyRule("*", WHOLE, "DE"),
        RoyaltyRule("*", WHOLE, "DE", date(2026, 1, 10)),
        RoyaltyRule("*", WHOLE, "DE", date(2026, 1, 20)),
        RoyaltyRule("radio", WHOLE),
        RoyaltyRule("radio", WHOLE),
        RoyaltyRule("*", WHOLE, valid_to=date(2026, 1, 1)),
    ]
    assert choose(rules, "stream", "US", DAY) == 0
    assert choose(rules, "stream", "FR", DAY) == 1
    assert choose(rules, "stream", "DE", date(2026, 1, 9)) == 2
    assert choose(rules, "stream", "DE", DAY) == 3
    assert choose(rules, "radio", "DE", DAY) == 6
    assert choose(rules, "stream", "ZZ", DAY) == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([RoyaltyRule("radio", WHOLE)], "must hold for"),
        ([RoyaltyRule(ANY_USE, WHOLE, "DE")], "must hold for"),
        ([RoyaltyRule(ANY_USE, WHOLE), RoyaltyRule("x", {RightType.MASTER: Fraction(1, 2)})], "add up to 1/2"),
        ([RoyaltyRule(ANY_USE, {RightType.VOICE: Fraction(1)})], "cannot be divided"),
        (
            [RoyaltyRule(ANY_USE, {RightType.MASTER: Fraction(1, 3), RightType.PERFORMANCE: Fraction(2, 3)})],
            "at the finest",
        ),
    ],
)
def test_rules_that_do_not_divide_the_whole_are_refused(rules: list[RoyaltyRule], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        check_rules(rules)


def test_each_gets_what_nobody_else_asks_for() -> None:
    assert granted([Fraction(3, 4), Fraction(1, 2)]) == ([Fraction(1, 2), Fraction(1, 4)], Fraction(1, 4))
    assert granted([Fraction(1)] * 3) == ([Fraction(0)] * 3, Fraction(1))
    assert granted([Fraction(1, 3), Fraction(2, 3)]) == ([Fraction(1, 3), Fraction(2, 3)], Fraction(0))
    assert granted([])[1] == 0


@given(st.lists(st.fractions(0, 1), max_size=6))
def test_what_is_granted_is_safe_however_they_settle(asked: list[Fraction]) -> None:
    given_to, held = granted(asked)
    total = sum(asked, Fraction(0))
    assert sum(given_to) + held == (min(total, 1))
    for part, mine in zip(asked, given_to, strict=True):
        others = total - part
        assert mine == (part if total <= 1 else max(Fraction(0), 1 - others))


def test_training_pays_equally_where_attribution_is_noise() -> None:
    assert training_parts({"a": 3, "b": 1}, informativeness_ppm=500_000) == {"a": Fraction(5, 8), "b": Fraction(3, 8)}
    assert training_parts({"a": 9, "b": 1}, informativeness_ppm=0) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    assert training_parts({"a": 0, "b": 0}, informativeness_ppm=10**6) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    for weights, w in (({"a": -1}, 0), ({"a": 1}, 10**6 + 1)):
        with pytest.raises(ParameterError):
            training_parts(weights, informativeness_ppm=w)
