from itertools import combinations

import numpy as np
import pytest

from linernotes.formats.timeline import (
    LEAST_PERCENT,
    PICTURE_HEIGHT,
    bands,
    columns,
    covered,
    outline,
    place,
    rows,
    ticks,
)


def test_rows_stack_only_what_overlaps() -> None:
    assert rows([]) == []
    assert rows([(0, 4), (2, 6), (4, 8)]) == [0, 1, 0]
    assert rows([(5, 6), (0, 10), (1, 2), (1, 3)]) == [1, 0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_rows_never_let_two_stretches_meet_and_need_no_more_than_sound_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 100, 40).astype(float)
    intervals = [(start, start + length) for start, length in zip(starts, rng.integers(1, 25, 40), strict=True)]
    found = rows(intervals)
    for (one, one_row), (other, other_row) in combinations(zip(intervals, found, strict=True), 2):
        assert one_row != other_row or one[1] <= other[0] or other[1] <= one[0]
    deepest = max(sum(start <= at < stop for start, stop in intervals) for at in starts)
    assert max(found) + 1 == deepest


def test_a_place_is_inside_the_picture_and_wide_enough_to_hit() -> None:
    assert place(5, 10, whole=20) == (25, 25)
    assert place(0, 0.1, whole=3600) == (0, LEAST_PERCENT)
    left, width = place(3599, 3601, whole=3600)
    assert left + width == 100
    assert place(0, 0, whole=0) == (0, 100)


def test_what_is_covered_twice_counts_once() -> None:
    assert covered([]) == 0
    assert covered([(0, 4), (2, 6), (8, 9), (8.5, 8.75)]) == 7


def test_bands_share_the_height_where_stretches_overlap() -> None:
    found = bands([(0, 4), (2, 6)])
    assert [(band.start, band.stop, band.index) for band in found] == [
        (0, 2, 0),
        (2, 4, 0),
        (2, 4, 1),
        (4, 6, 1),
    ]
    assert [band.top for band in found] == [0, 0, 100, 0]
    assert [band.height for band in found] == [200, 100, 100, 200]
    assert bands([]) == []


def test_columns_keep_the_extremes_of_what_they_replace() -> None:
    waveform = np.zeros((100_003, 2), np.float32)
    waveform[77_777] = -0.5, 0.75
    reduced = columns(waveform, most=1200)
    assert reduced.shape == (1200, 2)
    assert (reduced.min(), reduced.max()) == (-0.5, 0.75)
    assert np.array_equal(columns(waveform[:7], most=1200), waveform[:7])


def test_columns_bear_faulty_samples() -> None:
    reduced = columns(np.array([[np.nan, np.inf], [-np.inf, 3.0]], np.float32), most=10)
    assert reduced.tolist() == [[0, 1], [-1, 1]]


@pytest.mark.parametrize("shape", [np.zeros((0, 2)), np.zeros((5, 2)), np.full((1, 2), 0.5)])
def test_an_outline_is_drawn_for_silence_and_for_nothing(shape: np.ndarray) -> None:
    assert outline(shape).startswith("M0 ")
    assert outline(shape).endswith("z")


def test_an_outline_closes_and_stays_in_the_picture() -> None:
    shape = np.array([[-1.0, 1.0], [-0.2, 0.3], [0.0, 0.9]])
    start, steps = outline(shape).removesuffix("z").replace("-", " -").removeprefix("M").split("l")
    x_y = np.array([start.split(), *np.array(steps.split()).reshape(-1, 2)]).astype(int).cumsum(axis=0)
    assert x_y[:, 0].tolist() == [0, 1, 2, 3, 3, 2, 1, 0]
    assert x_y[:, 1].tolist() == [0, 69, 10, 10, 101, 101, 121, 200]
    assert x_y.max() <= PICTURE_HEIGHT


@pytest.mark.parametrize(
    ("duration_s", "second", "count"),
    [
        (0.05, None, 1),
        (0, None, 1),
        (5, "0:01", 6),
        (42, "0:05", 9),
        (215, "0:30", 8),
        (3600, "5:00", 13),
        (90_000, "4:00:00", 7),
    ],
)
def test_ticks_stand_at_round_times(duration_s: float, second: str | None, count: int) -> None:
    found = ticks(duration_s)
    assert len(found) == count
    assert found[0].label == "0:00"
    assert second is None or found[1].label == second
    assert all(0 <= tick.left <= 100 for tick in found)
    assert len(ticks(1e7)) <= 13
