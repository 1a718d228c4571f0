import numpy as np
import pytest

from linernotes.kernels.mixing import Ladder, move, spread


def test_a_gain_goes_straight_from_middle_to_middle() -> None:
    rows, out = np.ones((1, 1, 24), np.float32), np.zeros((1, 16), np.float32)
    move(rows, np.array([0.0, 1.0, 3.0, 3.0]), 4, 8, out)
    assert out[0, [0, 4, 8, 12, 15]] == pytest.approx([0.5, 1.0, 2.0, 3.0, 3.0])


def test_mid_and_side_become_left_and_right() -> None:
    out = np.zeros((2, 2), np.float32)
    spread(np.array([[1.0, 2.0], [0.5, -1.0]], np.float32), out)
    assert out.tolist() == [[1.5, 0.5], [1.0, 3.0]]


@pytest.mark.parametrize("cut", [[400, 800, 2000, 3200], [80, 1600, 3200], [3200]])
def test_slow_bands_are_told_between_their_samples(cut: list[int]) -> None:
    at, steps = np.arange(4000), [8, 2, 1]
    tones = [np.sin(2 * np.pi * hz * at).astype(np.float32) for hz in (0.02, 0.1, 0.4)]
    ladder, parts = Ladder(steps, [0.3, 0.3, 0.5], rows=1), []
    for start, stop in zip([0, *cut], [*cut, 4000], strict=True):
        parts.append(ladder.add([tone[None, start:stop:step] for tone, step in zip(tones, steps, strict=True)]))
    summed = np.concatenate(parts, axis=1)[0]
    inside = slice(200, len(summed) - 200)
    assert len(summed) > 3800
    assert summed[inside] == pytest.approx(sum(tones)[: len(summed)][inside], abs=3e-5)


def test_bands_of_one_rate_are_added_as_they_are() -> None:
    ladder = Ladder([1, 1], [0.9, 0.5], rows=2)
    one, two = np.random.default_rng(0).standard_normal((2, 2, 50)).astype(np.float32)
    summed = np.concatenate([ladder.add([one[:, :20], two[:, :20]]), ladder.add([one[:, 20:], two[:, 20:]])], axis=1)
    assert np.array_equal(summed, (one + two)[:, : summed.shape[1]])
