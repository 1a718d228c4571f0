import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linernotes.kernels import landmarks, spectra

GAINS = np.array([[0 if against == 0 else -100 for against in range(14)] for _ in range(14)], np.int64)


def levels(seed: int, n_frames: int = 200) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n_frames, 128)).astype(np.float32)


def found_peaks(cells: NDArray[np.float32], reach: int = 3) -> NDArray[np.int32]:
    places, heights = np.empty((cells.size, 2), np.int32), np.empty(cells.size, np.float32)
    n = landmarks.peaks(cells, 0, len(cells), reach, 1.0, places, heights)
    assert np.all(heights[:n] > 1.0)
    return places[:n]


def packed(cells: NDArray[np.float32]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return spectra.pack_bits(cells > 0), spectra.pack_bits(np.abs(cells) > 0.65)


def table(keys: NDArray[np.uint32], postings: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    order = np.argsort(keys, kind="stable")
    counts = np.bincount(keys, minlength=landmarks.KEYS)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32), postings[order]


# ── peaks and pairs ──────────────────────────────────────────────────────────


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_a_peak_is_the_greatest_of_its_neighbourhood(seed: int, reach: int) -> None:
    cells = levels(seed, 24)
    expected = {
        (t, b)
        for t, b in zip(*np.nonzero(cells > 1.0), strict=True)
        if cells[t, b] == cells[max(0, t - reach) : t + reach + 1, max(0, b - reach) : b + reach + 1].max()
    }
    assert set(map(tuple, found_peaks(cells, reach).tolist())) == expected


def test_of_equals_the_first_is_the_peak() -> None:
    cells = np.zeros((10, 128), np.float32)
    cells[3:6, 40:42] = 2.0
    assert found_peaks(cells).tolist() == [[3, 40]]


def test_pairs_keep_fan_spans_and_rise() -> None:
    places = np.array([[0, 10], [1, 12], [4, 20], [5, 60], [9, 5], [60, 5]], np.int32)
    assert landmarks.pairs(places, fan=2, spans=(3, 40)).tolist() == [
        [0, 10, 10, 4, 0],
        [0, 10, -5, 9, 0],
        [1, 12, 8, 3, 1],
        [1, 12, -7, 8, 1],
        [4, 20, -15, 5, 2],
    ]  # 60 is further than 31 bands from everything, frame 60 further than 40 frames


@settings(max_examples=30)
@given(st.integers(0, 127), st.integers(-31, 31), st.integers(4, 40))
def test_a_key_says_band_rise_and_span(band: int, rise: int, span: int) -> None:
    (key,) = landmarks.keys(np.array([[7, band, rise, span, 0]], np.int32)).tolist()
    assert (key >> 11, (key >> 5 & 63) - 32, key & 31) == (band, rise, span // 2)
    assert key < landmarks.KEYS


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(-9, 9), st.integers(-20, 20))
def test_witnesses_move_with_their_pair(seed: int, bins: int, delay: int) -> None:
    cells = levels(seed)
    pair = np.array([[80, 64, 5, 12, 0], [90, 60, -7, 31, 1]], np.int32)
    moved = np.roll(cells, (delay, bins), (0, 1))
    there = pair + np.array([delay, bins, 0, 0, 0], np.int32)
    first = landmarks.witnesses(*packed(cells), pair)
    assert np.array_equal(landmarks.witnesses(*packed(moved), there), first)
    assert first.max() < 1 << landmarks.WITNESSES


def test_beyond_the_edges_there_are_no_witnesses() -> None:
    cells = np.full((10, 128), 2.0, np.float32)
    pair = np.array([[9, 127, 0, 40, 0]], np.int32)
    said, sure = landmarks.witnesses(*packed(cells), pair)[0].tolist()
    assert said == sure == 0b1000_0001  # two and three bands below, and nothing else


# ── votes ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bins", "tempo", "low", "high"),
    [(0, 1.0, 0.99, 1.01), (4, 1.0, 0.99, 1.01), (0, 1.2, 1.18, 1.23), (-5, 0.9, 0.79, 1.33)],
)
def test_votes_gather_where_the_query_lies(bins: int, tempo: float, low: float, high: float) -> None:
    rng = np.random.default_rng(5)
    n = 400
    reference = np.stack(
        [
            np.sort(rng.integers(1000, 4000, n)),
            rng.integers(20, 100, n),
            rng.integers(-9, 9, n),
            rng.integers(8, 30, n),
        ],
        axis=1,
    )
    says = rng.integers(0, 1 << landmarks.WITNESSES, n)
    postings = (reference[:, 0] // 16 << landmarks.WITNESSES | says).astype(np.uint32)
    offsets, postings = table(landmarks.keys(reference.astype(np.int32)), postings)
    heard = (reference[:, 0] > 2000) & (reference[:, 0] < 2160)
    query = np.zeros((int(heard.sum()), 5), np.int32)
    query[:, 0] = np.round((reference[heard, 0] - 2000) / tempo)
    query[:, 1], query[:, 2] = reference[heard, 1] + bins, reference[heard, 2]
    query[:, 3], query[:, 4] = np.round(reference[heard, 3] / tempo), np.arange(len(query))
    sure = np.full(len(query), (1 << landmarks.WITNESSES) - 1)
    witness = np.stack([says[heard], sure], axis=1).astype(np.uint32)
    weights = np.full(landmarks.KEYS, 8, np.uint8)

    def sums(witness: NDArray[np.uint32], weights: NDArray[np.uint8]) -> NDArray[np.uint32]:
        tallies = np.zeros(300, np.uint32)
        touched = np.empty(300, np.int32)
        asked = (query, witness, GAINS, 8, 80 / tempo, bins, low, high, tallies, touched)
        n = landmarks.vote(offsets, weights, postings, *asked)
        assert sorted(touched[:n]) == np.flatnonzero(tallies).tolist()
        return tallies >> np.uint32(16)

    gathered = sums(witness, weights)
    assert abs(int(gathered.argmax()) - 2080 // 16) <= 1
    assert gathered.max() >= 8 * len(query) // 4
    opposite = witness ^ np.array([1, 0], np.uint32)
    assert not sums(opposite, weights).any()  # one witness disagrees in each
    assert not sums(witness, np.zeros_like(weights)).any()  # every key is too frequent


def test_a_peak_votes_once_for_a_place() -> None:
    pair = np.array([[0, 50, 3, 10, 0], [0, 50, 3, 10, 0], [0, 50, 3, 10, 1]], np.int32)
    offsets, postings = table(landmarks.keys(pair[:1]), np.array([7 << landmarks.WITNESSES], np.uint32))
    tallies = np.zeros(20, np.uint32)
    weights = np.full(landmarks.KEYS, 5, np.uint8)
    touched = np.empty(20, np.int32)
    asked = (pair, np.zeros((3, 2), np.uint32), GAINS, 1, 0.0, 0, 0.99, 1.01, tallies, touched)
    assert landmarks.vote(offsets, weights, postings, *asked) == 1
    assert touched[0] == 7
    assert (tallies >> np.uint32(16)).tolist() == [10 if place == 7 else 0 for place in range(20)]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), max_size=300), st.integers(1, 20))
def test_harvest_takes_the_greatest_and_leaves_nothing(sums: list[int], limit: int) -> None:
    tallies = np.array(sums, np.uint32) << np.uint32(16)
    touched = np.random.default_rng(0).permutation(np.flatnonzero(tallies)).astype(np.int32)
    found = landmarks.harvest(tallies, touched, limit)
    assert len(found) <= limit
    assert np.all(np.diff(found) > 0)
    rest = np.delete(np.array(sums, np.int64), found)
    assert all(sums[place] > 0 for place in found)
    if len(found) < limit:
        assert rest.max(initial=0) <= min((sums[place] for place in found), default=60)
    assert not tallies.any()


def test_probe_finds_the_best_start_nearby() -> None:
    frames = np.random.default_rng(2).integers(0, 2**63, (400, 2)).astype(np.uint64)
    signs, strong = np.ascontiguousarray(frames[100:160:2, 0]), np.full(30, 2**64 - 1, np.uint64)
    starts = np.array([97, 104, 120, 380], np.int64)
    at, opposite = np.empty(4, np.int64), np.empty(4, np.int64)
    landmarks.probe(frames, signs, strong, starts, 5, at, opposite)
    assert at[:2].tolist() == [100, 100]
    assert opposite[:2].tolist() == [0, 0]
    assert opposite[2] > 700
    assert at[3] == -1  # the words do not fit
