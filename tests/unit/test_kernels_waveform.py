import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.kernels.waveform import Outline, merge_columns


def test_merging_keeps_lowest_and_highest() -> None:
    columns = np.array([[0, 1], [-1, 0], [0, 2]], np.float32)
    np.testing.assert_array_equal(merge_columns(columns, 2), [[-1, 1], [0, 2]])
    assert merge_columns(np.zeros((0, 2), np.float32), 3).shape == (0, 2)


@given(st.lists(st.integers(0, 700), max_size=30), st.integers(1, 5))
def test_the_outline_does_not_depend_on_the_blocks(sizes: list[int], per_column: int) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, sum(sizes)).astype(np.float32)
    whole, parts = (Outline(n_columns=20, samples_per_column=per_column) for _ in range(2))
    whole.add(samples)
    for block in np.split(samples, np.cumsum(sizes)[:-1]) if sizes else []:
        parts.add(block)
    np.testing.assert_array_equal(whole.columns(), parts.columns())
    assert len(whole.columns()) <= 41
    if len(samples):
        assert (whole.columns().min(), whole.columns().max()) == (samples.min(), samples.max())


def test_columns_stand_where_the_sound_is() -> None:
    samples = np.zeros(100_000, np.float32)
    samples[75_000] = 1.0
    outline = Outline(n_columns=100, samples_per_column=4)
    outline.add(samples)
    columns = outline.columns()
    assert np.argmax(columns[:, 1]) / len(columns) == pytest.approx(0.75, abs=0.02)
