"""Whether an alignment is the same recording, or a stranger that happens to agree.

An alignment is weighed against four backgrounds: the same recording a little earlier, later, higher and lower (music
that lasts or repeats agrees with itself); other places of the catalogue under the same change; the best that other
recordings reach for the same stretch, which grows with the catalogue; and how usual the change is. A logistic curve
makes one probability of them.

Conventions
-----------
Features are natural logarithms of scores, so that the sum weighs ratios.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.candidates import Catalogue, Stretch, Table
from linernotes.kernels import align

__all__ = ["FEATURES", "features", "improve", "one_each", "probabilities"]

FEATURES = (
    "score",
    "near",
    "greatest_near",
    "elsewhere",
    "others",
    "agreement",
    "cells",
    "unchanged",
    "speed",
    "pitch",
    "tempo",
)
_ELSEWHERE = 300  # places of the catalogue that stand for all
_OTHERS = slice(1, 9)  # the best other recordings; the very best may be a second true answer


def improve(
    stretch: Stretch,
    catalogue: Catalogue,
    table: Table,
    steps: tuple[tuple[int, float, int, float, int], ...],
) -> Table:
    """Refine a table in several passes (arguments of :func:`linernotes.kernels.align.refine`); best first.

    Rows outside any recording, or that come to lie on a row already there, are dropped.
    """
    bounded = _bounded(catalogue, table)
    for s, (first, rows) in _by_segment(catalogue, bounded):
        part = _shifted(bounded[rows], -first)
        query, frames = stretch.query, catalogue.segments[s].frames
        for step in steps:
            align.refine(query.signs, query.strong, stretch.start, stretch.stop, frames, part, *step)
        bounded[rows] = _shifted(part, first)
    ordered = bounded[np.argsort(-bounded[:, 5], kind="stable")]
    _, first_of = np.unique(np.round(ordered[:, [0, 2]] / (3.0, 1.0)), axis=0, return_index=True)
    kept = ordered[np.sort(first_of)]
    return kept[kept[:, 5] > 0]


def one_each(table: Table) -> Table:
    """Keep of an ordered table the best row of each recording, and its best unchanged row."""
    unchanged = (table[:, 1] == 1.0) & (table[:, 2] == 0.0)
    _, best = np.unique(table[:, 3], return_index=True)
    plain = np.flatnonzero(unchanged)
    _, plain_best = np.unique(table[plain, 3], return_index=True)
    return table[np.unique(np.concatenate([best, plain[plain_best]]))]


def features(stretch: Stretch, catalogue: Catalogue, table: Table) -> NDArray[np.float64]:
    """Weigh every row of an improved table; shape (n, len(FEATURES))."""
    around = np.zeros((len(table), 3))
    places = _elsewhere(catalogue)
    for s, (first, rows) in _by_segment(catalogue, table):
        part, out = _shifted(table[rows], -first), np.zeros((len(rows), 3))
        query, frames = stretch.query, catalogue.segments[s].frames
        align.scores_around(query.signs, query.strong, stretch.start, stretch.stop, frames, part, places[s], out)
        around[rows] = out
    score, cells, opposite = table[:, 5], table[:, 6], table[:, 7]
    # A recording too short to tell counts as an ordinary one.
    fallback = score[:, None] * (0.33, 0.7, 0.33)
    around = np.where(around > 0, around, fallback)
    tempo, bins = table[:, 1], table[:, 2]
    steady, level = np.abs(tempo - 1) < 0.012, bins == 0
    on_speed = np.abs(24 * np.log2(tempo) - bins) <= 0.9
    unchanged = steady & level
    return np.stack(
        [
            np.log(score),
            *np.log(np.maximum(around, 0.5)).T,
            np.log(_others(table)),
            np.log(np.maximum((cells - 2 * opposite) / np.maximum(cells, 1), 0.01)),
            np.log(cells),
            unchanged,
            on_speed & ~unchanged,
            steady & ~unchanged,
            level & ~unchanged,
        ],
        axis=1,
    )


def _others(table: Table) -> NDArray[np.float64]:
    """Tell for each row what the best other recordings reach: the mean of the second to ninth."""
    best: dict[float, float] = {}
    for low, score in table[:, [3, 5]]:
        best[low] = max(best.get(low, 0.0), score)
    ranked = sorted(best.items(), key=lambda item: -item[1])
    means = np.zeros(len(table))
    for i, (low, score) in enumerate(table[:, [3, 5]]):
        rest = [value for other, value in ranked if other != low]
        some = rest[_OTHERS] or rest
        means[i] = max(float(np.mean(some)) if some else 0.0, 0.3 * score, 1.0)
    return means


def _elsewhere(catalogue: Catalogue) -> list[NDArray[np.float64]]:
    """Places spread evenly over each segment, with the bounds of their recordings; shape (m, 3) each."""
    places = []
    for segment in catalogue.segments:
        n = len(segment.frames)
        at = np.linspace(0, n - 1, min(_ELSEWHERE, max(1, n // 40)) + 2)[1:-1].round()
        r = np.searchsorted(segment.starts, at, side="right") - 1
        places.append(np.stack([at, segment.starts[r], segment.starts[r + 1]], axis=1).astype(np.float64))
    return places


def _bounded(catalogue: Catalogue, table: Table) -> Table:
    """Write into each row the frames of the recording it lies in."""
    out = []
    for row in table:
        where = catalogue.locate(row[0])
        if where is not None:
            s, r = where
            first, starts = catalogue.firsts[s], catalogue.segments[s].starts
            bounded = row.copy()
            bounded[3], bounded[4] = first + starts[r], first + starts[r + 1]
            out.append(bounded)
    return np.array(out) if out else np.zeros((0, len(align.COLUMNS)))


def _by_segment(catalogue: Catalogue, table: Table) -> list[tuple[int, tuple[int, NDArray[np.intp]]]]:
    s = np.searchsorted(catalogue.firsts, table[:, 3], side="right") - 1
    return [(int(k), (int(catalogue.firsts[k]), np.flatnonzero(s == k))) for k in np.unique(s)]


def _shifted(table: Table, by: int) -> Table:
    moved = table.copy()
    moved[:, [0, 3, 4]] += by
    return moved


# Fitted by logistic regression, see docs/fingerprint.md; one weight a feature.
_WEIGHTS = np.array([4.5, -1.47, -0.36, -1.76, -5.1, 4.25, 2.37, 4.34, 1.66, 2.09, 1.23])
_BIAS = -12.52


def probabilities(weighed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that each row of :func:`features` is the same recording; shape (n,)."""
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-(weighed @ _WEIGHTS + _BIAS)))
    return chances
