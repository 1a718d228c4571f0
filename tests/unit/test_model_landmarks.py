import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linernotes.errors import InvariantError
from linernotes.kernels import landmarks
from linernotes.model import BLOCK_CELLS, CELL_FRAMES, LANDMARK_KEYS, WITNESS_BITS, LandmarkTable, cell_starts

ROWS = st.lists(
    st.tuples(st.integers(0, LANDMARK_KEYS - 1), st.integers(0, 9), st.integers(0, (1 << WITNESS_BITS) - 1)),
    max_size=12,
)


def test_kernels_and_records_agree_about_the_layout() -> None:
    assert (landmarks.KEYS, landmarks.WITNESSES) == (LANDMARK_KEYS, WITNESS_BITS)
    assert BLOCK_CELLS << WITNESS_BITS == 1 << 32


def test_a_recording_begins_with_a_cell_of_its_own() -> None:
    assert cell_starts(np.array([0, 1, 1, 17, 33])).tolist() == [0, 1, 1, 3, 5]
    assert CELL_FRAMES == 8


@settings(max_examples=30)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_what_was_packed_is_there_again(content: list[list[tuple[int, int, int]]]) -> None:
    starts = np.arange(len(content) + 1, dtype=np.int64) * 10
    rows = [np.array(some, np.uint32).reshape(-1, 3) for some in content]
    table = LandmarkTable.pack(rows, starts)
    assert len(table.tallies) == table.packed_size(int(starts[-1]))
    again = table.unpack(starts, range(len(content)))
    assert [sorted(map(tuple, some.tolist())) for some in again] == [sorted(some) for some in content]


def test_blocks_follow_each_other() -> None:
    starts = np.array([0, BLOCK_CELLS - 3, BLOCK_CELLS + 40], np.int64)
    second = np.array([[9, 1, 5], [3, 20, 6], [9, 2, 7]], np.uint32)  # the first and third lie in the first block
    table = LandmarkTable.pack([second[:0], second], starts)
    firsts = table.firsts(int(starts[-1]))
    assert len(firsts) == 2 * LANDMARK_KEYS + 1
    assert (firsts[9], firsts[10], firsts[LANDMARK_KEYS + 3], firsts[LANDMARK_KEYS + 4]) == (0, 2, 2, 3)
    assert sorted(table.unpack(starts, [1])[0].tolist()) == sorted(second.tolist())


def test_damaged_tallies_are_named() -> None:
    table = LandmarkTable.pack([np.array([[9, 1, 5]], np.uint32)], np.array([0, 4]))
    for tallies in (table.tallies | np.uint8(1), np.zeros_like(table.tallies)):
        with pytest.raises(InvariantError, match="landmarks"):
            LandmarkTable(table.postings, tallies).firsts(4)
