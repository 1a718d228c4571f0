import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ParameterError
from linernotes.learn.counting import CountModel, Tokens

LINE = st.lists(st.integers(0, 4), max_size=20).map(lambda values: np.array(values, np.int64))


def likelihood(works: list[Tokens], query: Tokens, *, order: int, prior: float, weight: list[float]) -> float:
    """Spell out the model, with each work counted ``weight`` times: the oracle."""
    base = 1 + max((int(work.max(initial=0)) for work in works), default=0)
    total = 0.0
    for at, token in enumerate(query.tolist()):
        likely = 1.0 / base
        for size in range(1, min(order, at + 1) + 1):
            gram = [*query[at - size + 1 : at].tolist(), token]
            windows = [
                (w, work[i : i + size].tolist())
                for w, work in zip(weight, works, strict=True)
                for i in range(len(work) - size + 1)
            ]
            count = sum(w for w, window in windows if window == gram)
            context = sum(w for w, window in windows if window[:-1] == gram[:-1])
            likely = (count + prior * likely) / (context + prior)
        total += float(np.log(likely))
    return total


@given(st.lists(LINE, min_size=1, max_size=4), LINE, st.integers(1, 4))
def test_a_works_worth_is_the_slope_of_the_likelihood(works: list[Tokens], query: Tokens, order: int) -> None:
    query = query[query <= max(int(work.max(initial=0)) for work in works)]
    scores = CountModel(works, order=order, prior=2.0).scores(query)
    for at in range(len(works)):
        more, less = ([0.5 + (step if n == at else 0) for n in range(len(works))] for step in (1e-5, -1e-5))
        rise = likelihood(works, query, order=order, prior=2.0, weight=more)
        rise -= likelihood(works, query, order=order, prior=2.0, weight=less)
        assert scores[at] == pytest.approx(0.5 * rise / 2e-5, abs=1e-4)


def test_bits_are_those_of_the_model_spelt_out() -> None:
    rng = np.random.default_rng(5)
    works, query = [rng.integers(0, 6, 30) for _ in range(5)], rng.integers(0, 6, 25)
    nats = likelihood(works, query, order=3, prior=2.0, weight=[0.5] * 5)
    assert CountModel(works, order=3, prior=2.0).bits(query) == pytest.approx(-nats / np.log(2) / 25)


def test_who_alone_has_a_passage_is_worth_most_and_a_tokens_worth_adds_up() -> None:
    rng = np.random.default_rng(6)
    works = [rng.integers(0, 20, 200) for _ in range(10)]
    query = works[3][50:90]
    scores = CountModel(works).scores(query)
    assert scores.argmax() == 3
    halves = [*works[:3], works[3][:100], works[3][100:], *works[4:]]
    cut = CountModel(halves).scores(query)
    assert cut[3] + cut[4] == pytest.approx(scores[3], rel=0.02)


def test_nothing_is_worth_nothing() -> None:
    assert CountModel([]).scores(np.arange(4)).tolist() == []
    assert CountModel([np.zeros(0, np.int64)]).scores(np.arange(4)).tolist() == [0.0]
    assert CountModel([np.arange(4)]).scores(np.zeros(0, np.int64)).tolist() == [0.0]
    assert CountModel([np.arange(4)]).scores(np.array([99]))[0] < 0  # it made other tokens likelier
    with pytest.raises(ParameterError, match="order 0"):
        CountModel([], order=0)
