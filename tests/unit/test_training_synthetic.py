from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse.synthetic.network import bent, sigmoid
from training import synthetic_fit as fitting
from training import synthetic_network as networks
from training.synthetic_data import Clip, folds
from training.synthetic_decoders import imitated

Floats = NDArray[np.float64]


def clip(source: str, generator: str = "") -> Clip:
    return Clip(Path("x.wav"), generator, source, is_voice=False)


def test_a_fold_holds_whole_sources_and_whole_generators() -> None:
    known = [
        *(clip(source, generator) for source, generator in [("a", "m1"), ("b", "m1"), ("b", "m2"), ("c", "m3")]),
        clip("a"),
        clip("d"),
    ]
    fold = folds(known, 3)
    assert len({*fold[:3], fold[4]}) == 1
    assert fold[3] != fold[0]


def test_one_in_a_thousand_of_exponential_numbers_is_above_its_threshold() -> None:
    drawn = np.random.default_rng(3).exponential(size=50_000).astype(np.float32)
    assert fitting.tail_threshold(drawn) == pytest.approx(np.log(1000), rel=0.05)


def toy(n: int = 240) -> fitting.Examples:
    """Return examples in which machines lie apart from people."""
    rng = np.random.default_rng(1)
    is_ai = np.arange(n) % 2 == 1
    traits = {
        family: (rng.normal(size=(n, 72)) + is_ai[:, None] * 1.5).astype(np.float32) for family in fitting.FAMILIES
    }
    traits["comb"][::7] = np.nan
    return fitting.Examples(
        traits=traits,
        clip=np.arange(n) // 2 * 2 + is_ai,
        draw=np.zeros(n, np.int64),
        fold=np.arange(n) // 2 % 3,
        is_ai=is_ai,
        group=np.arange(n) % 8,
        zones=np.full(n, 9),
        seconds=np.full(n, 4, np.float32),
        is_stand_in=np.zeros(n, bool),
    )


def test_training_separates_what_can_be_separated_and_sets_its_limits() -> None:
    known = toy()
    trained = fitting.trained(known, "toy")
    z = fitting.scores(trained, known)
    assert np.mean(z[known.is_ai]) > np.mean(z[~known.is_ai]) + 1
    logits = trained.logit(z, seconds=8.0, heard=1.0)
    assert np.mean((logits >= trained.accusation)[~known.is_ai]) <= 0.01


def loss(now: dict[str, Floats], batch: networks.Batch) -> float:
    """Return what the networks descend, written out plainly."""
    heard = batch.heard[..., None]
    bends = batch.usual @ now["look"] * now["gain"] + now["offset"]
    whole = (bent(bends) * heard).sum(axis=1) / heard.sum(axis=1)
    joined = bent(whole @ now["join"] + now["join_offset"])
    share = sigmoid(joined @ now["last"] + whole @ now["direct"] + now["bias"])
    crossed = -batch.weight * (batch.target * np.log(share) + (1 - batch.target) * np.log(1 - share))
    which = joined @ now["which"] + now["which_level"]
    which = which - np.log(np.exp(which).sum(axis=1, keepdims=True))
    is_one = batch.machine >= 0
    return float(np.mean(crossed) - networks.WHICH * np.mean(which[is_one, batch.machine[is_one]]))


def test_slopes_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    machine = np.array([0, -1, 2, 1, -1])
    heard = (np.arange(9) < np.array([9, 3, 5, 7, 9])[:, None]).astype(np.float64)
    usual = rng.normal(size=(5, 9, 7)) * heard[..., None]
    batch = networks.Batch(usual, heard, rng.random(5), rng.random(5), machine)
    shapes = {"look": (7, 4), "gain": (9, 4), "offset": (9, 4), "direct": (4,), "join": (4, 3), "join_offset": (3,)}
    shapes |= {"last": (3,), "bias": (1,), "which": (3, 3), "which_level": (3,)}
    now = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    told = networks.slopes(now, batch, rng, lost=0.0)
    for name, value in now.items():
        for place in np.ndindex(value.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = value.copy()
                moved[place] += step
                ends.append(loss(now | {name: moved}, batch))
            assert told[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


def test_a_network_hears_nothing_where_nothing_is() -> None:
    known = toy()
    weights = fitting.importance(known)
    network = networks.fit_network(known.traits, known.is_ai, weights, known.group)
    silent = {family: np.full((1, traits.shape[1]), np.nan, np.float32) for family, traits in known.traits.items()}
    assert np.isfinite(network.scores(silent)).all()
    z = network.scores(known.traits)
    assert np.mean(z[known.is_ai]) > np.mean(z[~known.is_ai]) + 1


def test_both_classes_weigh_the_same() -> None:
    known = toy()
    weights = fitting.importance(known)
    assert weights[known.is_ai].sum() == pytest.approx(weights[~known.is_ai].sum(), rel=1e-3)


def test_examples_come_back_from_a_file(tmp_path: Path) -> None:
    known = toy(24)
    known.save(tmp_path / "heard.npz")
    again = fitting.Examples.load(tmp_path / "heard.npz")
    assert np.array_equal(again.clip, known.clip)
    assert np.allclose(again.traits["tones"], known.traits["tones"], atol=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_a_stand_in_keeps_length_and_most_of_the_sound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(44_100) / 44_100
    samples = np.stack([np.sin(2 * np.pi * 300 * t), np.sin(2 * np.pi * 500 * t)], 1).astype(np.float32) * 0.3
    made = imitated(samples, rng)
    assert abs(len(made) - len(samples)) < 100
    assert np.isfinite(made).all()
    assert np.sqrt(np.mean(made**2)) > 0.05
