import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.kernels import align, spectra

Words = NDArray[np.uint64]


def words(seed: int, n: int, share: float = 0.5) -> Words:
    return spectra.pack_bits(np.random.default_rng(seed).random((n, 128)) < share)


def row(place: float, tempo: float, bins: int, n: int) -> NDArray[np.float64]:
    return np.array([[place, tempo, bins, 0.0, n, 0.0, 0.0, 0.0]])


def heard(reference: Words, *, first: int, n: int, tempo: float = 1.0) -> Words:
    """A query twice as dense as the reference, from reference frame ``first`` on."""
    query: Words = reference[np.round(first + np.arange(n) * tempo / 2).astype(int)]
    return query


def test_sweep_counts_as_one_would_by_hand() -> None:
    rng = np.random.default_rng(3)
    codes, signs, strong = (rng.integers(0, 2**63, n).astype(np.uint64) for n in (50, 7, 7))
    out = np.zeros(44, np.uint16)
    align.sweep(codes, signs, strong, out)
    by_hand = [int(np.bitwise_count((codes[a : a + 7] ^ signs) & strong).sum()) for a in range(44)]
    assert out.tolist() == by_hand


@pytest.mark.parametrize("bins", [-9, -2, -1, 0, 1, 2, 9])
@pytest.mark.parametrize("tempo", [0.8, 1.0, 1.3])
def test_refine_finds_place_tempo_and_bands(tempo: float, bins: int) -> None:
    # Smooth over time, as sound is; otherwise half a frame beside the place nothing agrees.
    n = 200
    noise = np.random.default_rng(4).standard_normal((n + 8, 160))
    smooth = np.sum([noise[i : i + n] for i in range(8)], axis=0) > 0
    reference = spectra.pack_bits(smooth[:, 16:144])
    moved = spectra.pack_bits(smooth[:, 16 - bins : 144 - bins])
    query = heard(moved, first=40, n=100, tempo=tempo)
    strong = np.full_like(query, 2**64 - 1)
    table = row(40 + 49.5 * tempo / 2 + 1.5, tempo * 1.02, bins + 1, n)
    table = align.refine((query, strong, 0, 100), reference, table, places=(4, 0.5), tempos=(2, 0.02), n_bins=1)
    place, found_tempo, found_bins, _, _, score, cells, opposite = table[0]
    assert abs(place - (40 + 49.5 * tempo / 2)) <= 0.5
    assert found_tempo == pytest.approx(tempo, rel=0.021)
    assert found_bins == bins
    assert score > 0.8 * np.sqrt(cells / found_tempo)
    assert opposite < 0.1 * cells


def test_a_place_outside_the_recording_scores_nothing() -> None:
    reference, query = words(5, 100), words(6, 40)
    table = row(400.0, 1.0, 0, 100)
    align.score(query, np.full_like(query, 2**64 - 1), 0, 40, reference, table)
    assert table[0, 5] < 0


def test_scores_around_an_exact_place_are_those_of_chance() -> None:
    reference = words(7, 400)
    query = heard(reference, first=150, n=120)
    strong = np.full_like(query, 2**64 - 1)
    elsewhere = np.array([[50.0, 0.0, 400.0], [300.0, 0.0, 400.0]])
    table = row(150 + 59.5 / 2, 1.0, 0, 400)
    align.score(query, strong, 0, 120, reference, table)
    out = align.scores_around((query, strong, 0, 120), reference, table, elsewhere)
    assert table[0, 5] > 80
    assert 0.5 < out[0, 0] < 2.0
    assert 0.0 < out[0, 1] < 4.0


def test_agreement_tells_where_it_holds() -> None:
    reference = words(8, 100)
    query = np.concatenate([words(9, 40), heard(reference, first=30, n=60), words(10, 40)])
    at = np.floor(10.0 + np.arange(0, 140, 2) / 2 + 0.5).astype(np.int64)
    strong = np.full_like(query, 2**64 - 1)
    asked, opposite = align.agreement(query[::2], strong[::2], reference, at, low=0, high=100, bins=0)
    share = 1 - 2 * opposite / asked
    assert (asked == 128).all()
    assert (share[20:50] == 1).all()
    assert np.abs(share[:20]).mean() < 0.2


@pytest.mark.parametrize("bins", [-5, -2, -1, 0, 1, 2, 5])
def test_moved_moves_bands(bins: int) -> None:
    cells = np.random.default_rng(11).random((5, 128)) < 0.5
    down = np.zeros_like(cells)
    for band in range(128):
        if 0 <= band + bins < 128:
            down[:, band] = cells[:, band + bins]
    assert align.moved(spectra.pack_bits(cells), bins).tolist() == spectra.pack_bits(down).tolist()


@pytest.mark.parametrize("bins", [-5, 0, 4])
def test_missing_is_what_one_would_count_by_hand(bins: int) -> None:
    rng = np.random.default_rng(11)
    levels = rng.standard_normal((60, 128))
    asked = np.roll(levels, bins, axis=1)[10:50].repeat(2, axis=0)
    asked[:, :64] = rng.standard_normal((80, 64))  # half of the bands sound of something else
    signs, table, out = spectra.pack_bits(asked > 0), row(10 + 39.5 / 2, 1.0, bins, 60), np.zeros(1)
    align.missing(signs, 0, 80, spectra.pack_bits(levels[::2] > 1.3), np.zeros(1, np.int64), table, out)
    at = np.floor(39.5 + (np.arange(60) - table[0, 0]) * 2 + 0.5).astype(int)
    bands = [(b, b + bins) for b in range(128) if 0 <= b + bins < 128]
    low = [asked[at[j], q] <= 0 for j in range(0, 60, 2) if 0 <= at[j] < 80 for r, q in bands if levels[j, r] > 1.3]
    assert out[0] == pytest.approx(np.mean(low), abs=1e-12)
    assert 0.15 < out[0] < 0.35
