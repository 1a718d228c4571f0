"""Whether an alignment is the same recording, or a stranger that happens to agree.

An alignment is weighed against four backgrounds: the same recording a little earlier, later, higher and lower (music
that lasts or repeats agrees with itself); other places of the catalogue under the same change; the best that other
recordings reach for the same stretch, which grows with the catalogue; and how usual the change is. Against it speaks
what is loud in the recording and missing in the query: sound laid over a recording hides little of it, while a piece
made of some of the same tracks lacks the others. A logistic curve makes one probability of all this.

Conventions
-----------
Features are natural logarithms of scores, so that the sum weighs ratios; ``clear`` is Fisher's transformation of the
share of equal cells less that of opposite ones, so that an exact copy stands out; ``unchanged`` to ``tempo`` say 0
or 1; ``missing`` is a share.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.candidates import Catalogue, Stretch, Table, first_of_each, rank
from linernotes.kernels import align

__all__ = ["FEATURES", "Step", "features", "foremost", "improve", "one_each", "probabilities", "stands_out"]

FEATURES = (
    "score",
    "near",
    "elsewhere",
    "others",
    "clear",
    "cells",
    "unchanged",
    "speed",
    "pitch",
    "tempo",
    "length",
    "missing",
)
_ELSEWHERE = 300  # places of the catalogue that stand for all
_PER_RECORDING = 3
_OTHERS = slice(1, 9)  # the best other recordings; the very best may be a second true answer
_CLEAREST = 0.995
_USUAL_LENGTH = 156  # query frames
_USUAL_BEST = 3.2  # what they reach, in scores elsewhere
_MOST_NEARBY, _COPIED = 0.4, 0.85  # of a score, and what cells agree of a copy that hardly anything was done to


# Fitted by logistic regression (docs/fingerprint.md): one weight a feature, then the constant.
_AT_FIRST_SIGHT = np.array(
    [1.399, -0.916, 1.755, -7.272, -0.252, 4.781, 1.849, 1.001, -0.538, 0.517, -1.824, -27.248, -20.889]
)
_AFTER_A_SEARCH = np.array(
    [3.613, 0.102, -2.254, -5.537, 2.099, 2.531, 4.804, 2.379, 0.791, 2.043, -0.719, -13.457, -15.337]
)


@dataclass(frozen=True, slots=True)
class Step:
    """One pass of a refinement: how many steps to either side and their size; see :func:`align.refine`."""

    places: tuple[int, float]
    tempos: tuple[int, float] = (0, 0.0)
    n_bins: int = 0


def improve(
    stretch: Stretch,
    catalogue: Catalogue,
    table: Table,
    steps: tuple[Step, ...],
) -> Table:
    """Refine a table in several passes; best first.

    Rows outside any recording, or that come to lie on a row already there, are dropped.
    """
    bounded = catalogue.bounded(table)
    for s, (first, rows) in _by_segment(catalogue, bounded):
        part = _shifted(bounded[rows], -first)
        for step in steps:
            part = align.refine(
                stretch.words,
                catalogue.segments[s].frames,
                part,
                places=step.places,
                tempos=step.tempos,
                n_bins=step.n_bins,
            )
        bounded[rows] = _shifted(part, first)
    ordered = bounded[np.argsort(-bounded[:, 5], kind="stable")]
    kept = ordered[first_of_each(np.round(ordered[:, 0] / 3.0) * 256 + ordered[:, 2])]
    kept = kept[kept[:, 5] > 0]
    return kept[rank(kept[:, 3]) < _PER_RECORDING]


def foremost(stretch: Stretch, catalogue: Catalogue, table: Table, *, most: int) -> Table:
    """Keep the rows that agree best as they lie, with all bands and frames; shape (up to ``most``, 8), best first."""
    bounded = catalogue.bounded(table)
    for s, (first, rows) in _by_segment(catalogue, bounded):
        part = _shifted(bounded[rows], -first)
        align.score(*stretch.words, catalogue.segments[s].frames, part)
        bounded[rows] = _shifted(part, first)
    return bounded[np.argsort(-bounded[:, 5], kind="stable")][:most]


def one_each(table: Table) -> Table:
    """Keep of an ordered table the best row of each recording, and its best unchanged row."""
    unchanged = (table[:, 1] == 1.0) & (table[:, 2] == 0.0)
    _, best = np.unique(table[:, 3], return_index=True)
    plain = np.flatnonzero(unchanged)
    _, plain_best = np.unique(table[plain, 3], return_index=True)
    kept: Table = table[np.unique(np.concatenate([best, plain[plain_best]]))]
    return kept


def features(stretch: Stretch, catalogue: Catalogue, table: Table, *, among: Table) -> NDArray[np.float64]:
    """Weigh every row of an improved table against those it is ``among``; shape (n, len(FEATURES))."""
    around = np.zeros((len(table), 2))
    places = _elsewhere(catalogue)
    for s, (first, rows) in _by_segment(catalogue, table):
        part, frames = _shifted(table[rows], -first), catalogue.segments[s].frames
        around[rows] = align.scores_around(stretch.words, frames, part, places[s])
    score, cells, opposite = table[:, 5], table[:, 6], table[:, 7]
    # A recording too short to tell counts as an ordinary one.
    fallback = score[:, None] * (0.33, 0.33)
    around = np.where(around > 0, around, fallback)
    tempo, bins = table[:, 1], table[:, 2]
    steady, level = np.abs(tempo - 1) < 0.012, bins == 0
    on_speed = np.abs(24 * np.log2(tempo) - bins) <= 0.9
    unchanged = steady & level
    weighed: NDArray[np.float64] = np.stack(
        [
            np.log(score),
            *np.log(np.maximum(around, 0.5)).T,
            np.log(_others(table, among, around[:, 1])),
            np.arctanh(np.clip((cells - 2 * opposite) / np.maximum(cells, 1), 0.0, _CLEAREST)),
            np.log(cells),
            unchanged,
            on_speed & ~unchanged,
            steady & ~unchanged,
            level & ~unchanged,
            np.full(len(table), np.log((stretch.stop - stretch.start) / _USUAL_LENGTH)),
            _missing(stretch, catalogue, table),
        ],
        axis=1,
    )
    return weighed


def _missing(stretch: Stretch, catalogue: Catalogue, table: Table) -> NDArray[np.float64]:
    """Tell for each row how much of what is loud in the recording is not heard; see :func:`align.missing`."""
    shares = np.zeros(len(table))
    for s, (first, rows) in _by_segment(catalogue, table):
        segment, part, told = catalogue.segments[s], _shifted(table[rows], -first), np.zeros(len(rows))
        recordings = np.searchsorted(segment.starts, part[:, 3], side="right") - 1
        lows = segment.loud_starts[recordings]
        align.missing(stretch.query.signs, stretch.start, stretch.stop, segment.loud_frames, lows, part, told)
        shares[rows] = told
    return shares


def _others(table: Table, among: Table, elsewhere: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell for each row what the best other recordings reach: the mean of the second to ninth.

    Where there are not so many, what is missing is taken from the scores elsewhere.
    """
    best: dict[float, float] = {}
    for low, score in among[:, [3, 5]]:
        best[low] = max(best.get(low, 0.0), score)
    ranked = sorted(best.items(), key=lambda item: -item[1])[: _OTHERS.stop + 1]
    means = np.zeros(len(table))
    for i, low in enumerate(table[:, 3]):
        rest = [value for other, value in ranked if other != low][_OTHERS]
        missing = (_OTHERS.stop - _OTHERS.start - len(rest)) * [_USUAL_BEST * elsewhere[i]]
        means[i] = np.mean([*rest, *missing])
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


def _by_segment(catalogue: Catalogue, table: Table) -> list[tuple[int, tuple[int, NDArray[np.intp]]]]:
    s = np.searchsorted(catalogue.firsts, table[:, 3], side="right") - 1
    return [(int(k), (int(catalogue.firsts[k]), np.flatnonzero(s == k))) for k in np.unique(s)]


def _shifted(table: Table, by: int) -> Table:
    moved = table.copy()
    moved[:, [0, 3, 4]] += by
    return moved


def probabilities(weighed: NDArray[np.float64], *, searched: bool) -> NDArray[np.float64]:
    """Probability that each row of :func:`features` is the same recording; shape (n,).

    ``searched``: whether changed recordings were looked for too; then others have had more chances to agree.
    """
    weights = _AFTER_A_SEARCH if searched else _AT_FIRST_SIGHT
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-(weighed @ weights[:-1] + weights[-1])))
    return chances


def stands_out(weighed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each row of :func:`features` agrees much better than the same recording nearby, or wholly; shape (n,).

    A beat agrees with any other of its tempo, and a step earlier or later nearly as well.
    """
    score, near, clear = weighed[:, 0], weighed[:, 1], weighed[:, 4]
    clearly: NDArray[np.bool_] = (near - score <= np.log(_MOST_NEARBY)) | (clear >= np.arctanh(_COPIED))
    return clearly
