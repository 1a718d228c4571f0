"""Is an attribution worth paying by? What retrainings say of it, and what its scores give away without any.

Conventions
-----------
Scores have shape ``(n_queries, n_works)``, losses ``(n_seeds, n_subsets, n_queries)``, in nats. ``members`` tells which
works each subset has, ``(n_subsets, n_works)``. LDS is the rank correlation, over subsets, of the influence in a subset
with how little its query cost the models that learnt from it; one figure a query.

The noise ceiling is what the truth itself would reach: models that differ only by their seed agree so far, and the
mean of all seeds, by Spearman and Brown, further; its root is the correlation of the mean with what it estimates.
Informativeness is the square of LDS over that ceiling: the part of what the scores say that is so, and so the weight
of the best estimate that leans on equal shares. It is what royalties call w.

Source: Park et al., *TRAK*, 2023 (LDS). Spearman, 1910; Brown, 1910. Roy and Vetterli, *The effective rank*, 2007.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError

__all__ = ["SUBSETS_MIN", "Reliability", "effective_rank", "lds", "named_alike", "rank_correlation", "reliability"]

SUBSETS_MIN = 4
"""The fewest halves that say anything of how far an attribution is borne out."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far an attribution is borne out; ``informativeness_ppm`` is w in millionths, by the lower end of ``lds``."""

    lds: float
    lds_low: float
    lds_high: float
    agreement: float
    ceiling: float
    informativeness_ppm: int
    n_subsets: int
    n_seeds: int


def rank_correlation(one: Array, other: Array) -> Array:
    """Return Spearman's correlation of columns; 0 where one is constant. Check: of (1, 2, 4) and (3, 5, 6) it is 1."""
    ranks = [_ranks(values) - (len(values) - 1) / 2 for values in (one, other)]
    size = np.sqrt((ranks[0] ** 2).sum(axis=0) * (ranks[1] ** 2).sum(axis=0))
    return np.asarray((ranks[0] * ranks[1]).sum(axis=0) / np.where(size > 0, size, 1.0), np.float64)


def _ranks(values: Array) -> Array:
    """Return the rank of each value in its column, from 0; equal values share the mean of theirs."""
    ranks = np.empty(values.shape)
    for column in range(values.shape[1]):
        _, inverse, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(count) - (count + 1) / 2)[inverse]
    return ranks


def lds(scores: Array, members: NDArray[np.bool_], losses: Array) -> Array:
    """Return the linear datamodelling score of each query: (n_queries,)."""
    return rank_correlation(members.astype(np.float64) @ scores.T, -losses.mean(axis=0))


def reliability(scores: Array, members: NDArray[np.bool_], losses: Array, *, seed: int = 0) -> Reliability:
    """Hold an attribution against retrainings of at least two seeds.

    The interval, of 90 %, draws queries and subsets anew. Raises ParameterError for less than 2 seeds or 4 subsets.
    """
    n_seeds, n_subsets, n_queries = losses.shape
    if n_seeds < 2 or n_subsets < SUBSETS_MIN:
        raise ParameterError(f"{n_subsets} subsets × {n_seeds} seeds: informativeness needs {SUBSETS_MIN} × 2 at least")
    rng = np.random.default_rng(seed)
    value = float(lds(scores, members, losses).mean())
    drawn = []
    for _ in range(200):
        subsets, queries = rng.integers(0, n_subsets, n_subsets), rng.integers(0, n_queries, n_queries)
        drawn.append(lds(scores[queries], members[subsets], losses[:, subsets][:, :, queries]).mean())
    low, high = np.quantile(drawn, [0.05, 0.95])
    pairs = [(a, b) for a in range(n_seeds) for b in range(a)]
    agreement = float(np.mean([rank_correlation(losses[a], losses[b]).mean() for a, b in pairs]))
    agreement = max(0.0, agreement)
    ceiling = float(np.sqrt(n_seeds * agreement / (1 + (n_seeds - 1) * agreement)))
    borne_out = min(1.0, max(0.0, float(low)) / ceiling) if ceiling > 0 else 0.0
    return Reliability(value, float(low), float(high), agreement, ceiling, int(1e6 * borne_out**2), n_subsets, n_seeds)


def effective_rank(scores: Array) -> float:
    """Return how many directions the scores really have; 1 says that all outputs get the same answer.

    Check: of an n × n identity n, of equal rows 1.
    """
    values = np.linalg.svd(np.asarray(scores, np.float64), compute_uv=False)
    parts = values / values.sum() if values.sum() > 0 else np.ones(1)
    parts = parts[parts > 0]
    return float(np.exp(-(parts * np.log(parts)).sum()))


def named_alike(scores: Array, *, n_top: int = 10) -> tuple[float, float]:
    """Return which part of the foremost works two outputs have in common on average, and what chance would give."""
    n_queries, n_works = scores.shape
    n_top = min(n_top, n_works)
    if n_queries < 2 or n_top == 0:
        return 0.0, 0.0
    named = np.zeros((n_queries, n_works))
    np.put_along_axis(named, np.argsort(-scores, axis=1, kind="stable")[:, :n_top], 1.0, axis=1)
    shared = named @ named.T
    others = ~np.eye(n_queries, dtype=bool)
    return float(shared[others].mean()) / n_top, n_top / n_works
