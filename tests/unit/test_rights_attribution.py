from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ParameterError
from linernotes.rights.attribution import PPM, catalogue_weights, shares_ppm

WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**15), min_size=1)


@given(WEIGHTS)
def test_shares_add_up_to_the_millionth_and_are_within_one_of_exact(weights: dict[str, int]) -> None:
    shares, total = shares_ppm(weights), sum(weights.values())
    assert sum(shares.values()) == PPM
    for key, share in shares.items():
        exact = Fraction(PPM * weights[key], total) if total else Fraction(PPM, len(weights))
        assert abs(share - exact) < 1


@given(WEIGHTS, st.randoms())
def test_shares_do_not_depend_on_the_order(weights: dict[str, int], random: object) -> None:
    shuffled = list(weights.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shares_ppm(dict(shuffled)) == shares_ppm(weights)


@given(WEIGHTS, st.integers(1, 5))
def test_shells_move_nothing(weights: dict[str, int], n_shells: int) -> None:
    """A party that cuts its works into pieces, or gives them to companies of its own, is owed what it was owed."""
    owner = {work: "one" if work in "abc" else "other" for work in weights}
    whole = catalogue_weights(weights, owner)
    pieces = {f"{work}{n}": weight for work, weight in weights.items() for n in range(n_shells)}
    cut = catalogue_weights(pieces, {piece: owner[piece[0]] for piece in pieces})
    assert shares_ppm(cut) == shares_ppm(whole)
    shells = catalogue_weights(weights, {work: f"shell {work}" if work in "abc" else "other" for work in weights})
    of_shells = sum((weight for name, weight in shells.items() if name.startswith("shell")), Fraction(0))
    assert of_shells == whole.get("one", 0)


def test_copies_are_paid_once() -> None:
    weights, owner = {"song": 30, "copy": 30, "other": 10}, {"song": "a", "copy": "a", "other": "b"}
    assert catalogue_weights(weights, owner, twins=[("copy", "song")]) == {"a": 30, "b": 10}
    disputed = catalogue_weights(weights, owner | {"copy": "thief"}, twins=[("copy", "song")])
    assert disputed == {"a": 15, "b": 10, "thief": 15}


def test_where_nobody_has_influence_all_are_equal() -> None:
    assert shares_ppm({"a": 0, "b": 0, "c": 0}) == {"a": 333334, "b": 333333, "c": 333333}


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ParameterError, match="empty"):
        shares_ppm({})
    with pytest.raises(ParameterError, match="below 0"):
        catalogue_weights({"a": -1}, {"a": "x"})
    with pytest.raises(ParameterError, match="in no catalogue"):
        catalogue_weights({"a": 1}, {})
