"""Tell whether a recording, or which stretch of it, is the output of a generative model.

Sound is measured second by second (:mod:`.cells`); stretches of four seconds show traits of how they were made
(:mod:`.traits`), judged by experts trained on machines and people alike (:mod:`.weights`); what they say becomes a
verdict that would rather be uncertain than accuse (:mod:`.verdicts`). docs/synthetic.md has method, figures and limits.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic import cells, traits
from linernotes.analyse.synthetic.cells import SAMPLE_RATE_HZ, STRETCH, Cell
from linernotes.analyse.synthetic.verdicts import Heard, told
from linernotes.analyse.synthetic.weights import Weights, shipped
from linernotes.model import Synthetic

__all__ = ["SAMPLE_RATE_HZ", "hear", "judge"]

_SHORTEST_S = 1.0
_AT_ONCE = 32
"""Stretches judged together: the weights are read from memory once for all of them."""


def judge(blocks: Iterable[NDArray[np.float32]], *, source_rate_hz: int) -> Synthetic:
    """Judge a recording.

    Parameters
    ----------
    blocks : float32 arrays of shape (n, 2) at ``SAMPLE_RATE_HZ``; read once, little is kept
    source_rate_hz : the rate the file itself had: what lies above half of it was never there
    """
    weights = shipped()
    return told(hear(blocks, weights), weights, source_rate_hz=source_rate_hz)


def hear(blocks: Iterable[NDArray[np.float32]], weights: Weights) -> Heard:
    """Score every stretch of four seconds, one each second; less where there is less."""
    heard = Heard()
    stretches = _stretches(blocks, heard)
    while batch := list(islice(stretches, _AT_ONCE)):
        _score(batch, heard, weights)
    return heard


def _stretches(blocks: Iterable[NDArray[np.float32]], heard: Heard) -> Iterator[Cell]:
    """Stretches of four cells, in turn; what is shorter as a whole is one."""
    recent: deque[Cell] = deque(maxlen=STRETCH)
    for cell in cells.cut(blocks):
        recent.append(cell)
        heard.add(cell)
        if len(recent) == STRETCH:
            yield cells.total(recent)
    if 0 < len(recent) < STRETCH:
        yield cells.total(recent)


def _score(batch: Sequence[Cell], heard: Heard, weights: Weights) -> None:
    sounding = [stretch for stretch in batch if stretch.n >= _SHORTEST_S]
    if not sounding:
        heard.skip(len(batch))
        return
    lines = [traits.lines_db(stretch) for stretch in sounding]
    shown = [traits.shown(stretch, of_it) for stretch, of_it in zip(sounding, lines, strict=True)]
    said, known = weights.scores({family: np.stack([each[family] for each in shown]) for family in traits.FAMILIES})
    place = 0
    for stretch in batch:
        if stretch.n < _SHORTEST_S:
            heard.skip()
            continue
        heard.take({family: float(score[place]) for family, score in said.items()}, float(known[place]), lines[place])
        place += 1
