"""Tell whether a recording, or which stretch of it, is the output of a generative model.

Sound is measured second by second (:mod:`.cells`); stretches of four seconds show traits of how they were made
(:mod:`.traits`), judged by experts trained on machines and people alike (:mod:`.weights`); what they say becomes a
verdict that would rather be uncertain than accuse (:mod:`.verdicts`). docs/synthetic.md has method, figures and limits.
"""

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic import cells, traits
from linernotes.analyse.synthetic.cells import SAMPLE_RATE_HZ, STRETCH, Cell
from linernotes.analyse.synthetic.verdicts import Heard, told
from linernotes.analyse.synthetic.weights import Weights, shipped
from linernotes.model import Synthetic

__all__ = ["SAMPLE_RATE_HZ", "hear", "judge"]

_SHORTEST_S = 1.0


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
    recent: deque[Cell] = deque(maxlen=STRETCH)
    for cell in cells.cut(blocks):
        recent.append(cell)
        heard.add(cell)
        if len(recent) == STRETCH:
            _score(recent, heard, weights)
    if 0 < len(recent) < STRETCH:
        _score(recent, heard, weights)
    return heard


def _score(recent: Iterable[Cell], heard: Heard, weights: Weights) -> None:
    stretch = cells.total(recent)
    if stretch.n < _SHORTEST_S:
        heard.skip()
        return
    lines = traits.lines_db(stretch)
    shown = {family: values[None] for family, values in traits.shown(stretch, lines).items()}
    said, known = weights.scores(shown)
    heard.take({family: float(score[0]) for family, score in said.items()}, float(known[0]), lines)
