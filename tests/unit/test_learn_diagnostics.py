import numpy as np
import pytest

from linernotes.errors import ParameterError
from linernotes.learn.diagnostics import effective_rank, lds, named_alike, rank_correlation, reliability


def truth(*, noise: float, n_subsets: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make a world where influence is additive: scores, members and losses of two seeds."""
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(30, 40))
    members = np.array([rng.permutation(40) < 20 for _ in range(n_subsets)])
    exact = -(members @ scores.T)
    exact -= exact.mean(axis=0)
    return scores, members, exact + noise * exact.std() * rng.normal(size=(2, *exact.shape))


def test_rank_correlation_is_spearmans() -> None:
    one, other = np.array([[1.0], [2.0], [4.0]]), np.array([[3.0], [5.0], [6.0]])
    assert rank_correlation(one, other)[0] == pytest.approx(1.0)
    assert rank_correlation(one, -other)[0] == pytest.approx(-1.0)
    assert rank_correlation(np.ones((3, 1)), other)[0] == 0
    tied = rank_correlation(np.array([[1.0], [1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert tied[0] == pytest.approx(0.9486832980505138)  # scipy.stats.spearmanr


def test_the_truth_reaches_the_ceiling() -> None:
    scores, members, losses = truth(noise=1.0)
    found = reliability(scores, members, losses)
    assert found.agreement == pytest.approx(0.45, abs=0.1)
    assert found.ceiling == pytest.approx(0.79, abs=0.06)
    assert found.lds == pytest.approx(found.ceiling, abs=0.04)
    assert found.lds_low < found.lds < found.lds_high
    assert 800_000 < found.informativeness_ppm <= 1_000_000


def test_an_attribution_that_knows_nothing_is_worth_nothing() -> None:
    _, members, losses = truth(noise=1.0)
    found = reliability(np.random.default_rng(2).normal(size=(30, 40)), members, losses)
    assert abs(found.lds) < 0.1
    assert found.informativeness_ppm < 10_000


def test_half_the_truth_is_worth_less_than_the_truth() -> None:
    scores, members, losses = truth(noise=1.0)
    blurred = scores + np.random.default_rng(3).normal(size=scores.shape)
    assert 250_000 < reliability(blurred, members, losses).informativeness_ppm < 600_000
    assert lds(blurred, members, losses).shape == (30,)


def test_too_few_retrainings_tell_nothing() -> None:
    scores, members, losses = truth(noise=1.0, n_subsets=3)
    with pytest.raises(ParameterError, match="4 × 2"):
        reliability(scores, members, losses)
    scores, members, losses = truth(noise=1.0)
    with pytest.raises(ParameterError, match="4 × 2"):
        reliability(scores, members, losses[:1])


def test_scores_that_always_say_the_same_are_seen() -> None:
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(np.ones((5, 9))) == pytest.approx(1)
    assert effective_rank(np.zeros((5, 9))) == pytest.approx(1)
    assert named_alike(np.tile(np.arange(40.0), (6, 1))) == (1.0, 0.25)
    shared, chance = named_alike(np.random.default_rng(5).normal(size=(60, 100)))
    assert shared == pytest.approx(chance, abs=0.02)
    assert named_alike(np.ones((1, 5))) == (0.0, 0.0)
