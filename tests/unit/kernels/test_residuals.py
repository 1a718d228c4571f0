import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import residuals

ZONES = np.where(np.arange(40) < 20, 0, 1).astype(np.int64)


def triples(level_db: NDArray[np.float64]) -> NDArray[np.float32]:
    out = np.zeros((4, 2, residuals.N_TRIPLES), np.float32)
    residuals.count_triples(level_db.astype(np.float32), ZONES, out)
    return out


def test_a_plain_slope_leaves_no_residue() -> None:
    counts = triples(3.0 * np.arange(30)[:, None] + 5.0 * np.arange(40)[None, :])
    assert np.flatnonzero(counts.sum(axis=(0, 1))).tolist() == [62]  # the middle of 125: nothing, three times
    assert counts[0].sum() == (30 - 8) * (40 - 8)


def test_a_spike_is_counted_where_it_is() -> None:
    level_db = np.zeros((30, 40))
    level_db[15, 10] = 30
    counts = triples(level_db)
    assert counts[:, 1, 62].sum() == counts[:, 1].sum()
    assert counts[0, 0, 62] < counts[0, 0].sum()


def test_a_zone_that_is_not_heard_counts_for_nothing() -> None:
    out = np.zeros((4, 2, residuals.N_TRIPLES), np.float32)
    residuals.count_triples(np.zeros((30, 40), np.float32), np.where(ZONES == 1, -1, 0), out)
    assert out[:, 1].sum() == 0
    assert out[:, 0].sum() > 0


def test_steady_phases_do_not_bend() -> None:
    phase = (0.1 * np.arange(30)[:, None] + 0.3 * np.arange(40)[None, :]).astype(np.float32)
    out = np.zeros((2, 2, residuals.N_PHASES**2), np.float32)
    residuals.count_phases(phase, ZONES, out)
    assert np.flatnonzero(out.sum(axis=(0, 1))).tolist() == [0]
