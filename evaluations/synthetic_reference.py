"""The reference method, made anew: lines in the long-term spectrum and a logistic regression.

Source: the idea of D. Afchar et al., A Fourier explanation of AI-music artifacts, ISMIR 2025: networks that build sound
by upsampling leave lines at fixed frequencies. No code of theirs is used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic_fit import Examples

__all__ = ["Line", "fitted", "scores"]

Floats = NDArray[np.float32]

_STRONGEST_DB, _RIDGE, _STEPS = 5.0, 1e-3, 200


@dataclass(frozen=True, slots=True)
class Line:
    """A logistic regression."""

    slope: Floats
    offset: float


def _shown(heard: Examples) -> Floats:
    return np.clip(heard.traits["lines"].astype(np.float32), 0, _STRONGEST_DB)


def fitted(known: Examples) -> Line:
    """Fit by Nesterov's accelerated gradient, both classes weighing the same."""
    shown = _shown(known)
    target = known.is_ai.astype(np.float32)
    weight = np.where(known.is_ai, 0.5 / known.is_ai.sum(), 0.5 / (~known.is_ai).sum()).astype(np.float32)
    middle = shown.mean(axis=0)
    shown = shown - middle
    slope = np.zeros(shown.shape[1], np.float32)
    ahead, offset = slope.copy(), 0.0
    direction = np.ones(shown.shape[1], np.float32)
    for _ in range(12):  # power iteration: the largest curvature bounds the step
        direction = shown.T @ (weight * (shown @ direction))
        norm = float(np.linalg.norm(direction))
        direction /= norm
    step = 1 / (norm / 4 + _RIDGE)
    for i in range(_STEPS):
        error = weight * (1 / (1 + np.exp(-(shown @ ahead + offset))) - target)
        new = ahead - step * (shown.T @ error + _RIDGE * ahead)
        offset -= 2.0 * float(error.sum())
        ahead, slope = new + (i / (i + 3)) * (new - slope), new
    return Line(slope, offset - float(middle @ slope))


def scores(line: Line, heard: Examples) -> Floats:
    """Log odds of each stretch."""
    said: Floats = _shown(heard) @ line.slope + np.float32(line.offset)
    return said
