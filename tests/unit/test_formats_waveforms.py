"""Waveforms as text, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linernotes.formats.waveforms import packed, unpacked


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1))))
def test_what_was_packed_comes_back_as_far_as_anybody_sees(pairs: list[tuple[float, float]]) -> None:
    waveform = np.asarray(pairs, dtype=np.float32).reshape(-1, 2)
    back = unpacked(packed(waveform))
    assert back.shape == waveform.shape
    assert np.allclose(back, waveform, atol=2e-5)


def test_what_is_no_number_or_too_loud_does_no_harm() -> None:
    assert unpacked(packed(np.array([[np.nan, 7.0], [-np.inf, 0.0]], dtype=np.float32))).tolist() == [[0, 1], [-1, 0]]


def test_pairs_of_numbers_are_read_as_they_were_kept_before() -> None:
    assert unpacked([[-0.5, 0.5]]).tolist() == [[-0.5, 0.5]]
    assert packed(np.array([[-1, 1]], dtype=np.float32)) == "AYD/fw=="
