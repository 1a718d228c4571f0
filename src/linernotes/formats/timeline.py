"""Where things stand on a picture of an upload: its outline, ticks, and stretches that may overlap.

Conventions
-----------
Intervals are half-open ``(start, stop)``, in any one unit. A picture is 200 units high and one unit wide per
column of the waveform; places beside it are per cent of its width, in [0, 100].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from linernotes.formats.wording import clock

__all__ = ["Band", "Tick", "bands", "columns", "covered", "outline", "place", "rows", "ticks"]

Interval = tuple[float, float]

PICTURE_HEIGHT = 200
# A stretch of two seconds in an hour must still be seen and hit.
LEAST_PERCENT = 2.5
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis: ``is_minor`` may give way on a narrow page, ``at_edge`` ends the picture."""

    left: float
    label: str
    is_minor: bool = False
    at_edge: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the outline to colour for interval ``index``; n that overlap share its height."""

    start: float
    stop: float
    index: int
    top: float
    height: float


def place(start: float, stop: float, *, whole: float) -> Interval:
    """Give left edge and width in per cent, inside the picture and wide enough to be hit."""
    if whole <= 0:
        return 0.0, 100.0
    first, last = (min(max(100 * each / whole, 0.0), 100.0) for each in (start, stop))
    width = max(last - first, LEAST_PERCENT)
    return round(min(first, 100 - width), 3), round(width, 3)


def rows(intervals: Sequence[Interval]) -> list[int]:
    """Give each interval the first row, from 0, in which it meets no other; needs as few rows as can be.

    Check: ``rows([(0, 4), (2, 6), (4, 8)]) == [0, 1, 0]``.
    """
    free_from: list[float] = []
    chosen = [0] * len(intervals)
    for index in sorted(range(len(intervals)), key=lambda index: (*intervals[index], index)):
        start, stop = intervals[index]
        row = next((row for row, free in enumerate(free_from) if free <= start), len(free_from))
        free_from[row : row + 1] = [stop]
        chosen[index] = row
    return chosen


def covered(intervals: Sequence[Interval]) -> float:
    """Measure the union of intervals: what overlaps counts once."""
    total, reached = 0.0, float("-inf")
    for start, stop in sorted(intervals):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total


def bands(intervals: Sequence[Interval]) -> list[Band]:
    """Divide the outline among intervals, so that no colour hides another where they overlap."""
    edges = sorted({edge for interval in intervals for edge in interval})
    found = []
    for start, stop in pairwise(edges):
        here = [index for index, (first, last) in enumerate(intervals) if first <= start and stop <= last]
        height = PICTURE_HEIGHT / max(len(here), 1)
        found += [Band(start, stop, index, nth * height, height) for nth, index in enumerate(here)]
    return found


def columns(waveform: NDArray[np.float32], *, most: int) -> NDArray[np.float64]:
    """Reduce a waveform to at most so many columns, each with the lowest and highest of what it replaces.

    Shapes (n, 2) to (m, 2). Not a number counts as silence.
    """
    whole = np.clip(np.nan_to_num(np.asarray(waveform, dtype=np.float64)), -1.0, 1.0)
    if len(whole) <= most:
        return whole
    starts = np.arange(most) * len(whole) // most
    return np.column_stack([np.minimum.reduceat(whole[:, 0], starts), np.maximum.reduceat(whole[:, 1], starts)])


def outline(shape: NDArray[np.float64]) -> str:
    """Draw columns of shape (n, 2) as one SVG path; the loudest reaches the edge, silence is a thin line."""
    if not len(shape):
        return f"M0 {PICTURE_HEIGHT // 2 - 1}h1v2h-1z"
    middle = PICTURE_HEIGHT / 2
    # A quiet upload should still show its form; below -50 dB there is none worth showing.
    scale = (middle - 1) / max(float(np.abs(shape).max()), 0.003)
    upper = np.rint(middle - scale * shape[:, 1] - 1).astype(int)
    lower = np.rint(middle - scale * shape[:, 0] + 1).astype(int)
    down = np.diff(np.concatenate([upper, upper[-1:], lower[-1:], lower[::-1]]))
    right = [1] * len(shape) + [0] + [-1] * len(shape)
    # Relative steps: a third of the size of absolute points.
    steps = " ".join(f"{across} {step}" for across, step in zip(right, down.tolist(), strict=True))
    return f"M0 {upper[0]}l{steps}z".replace(" -", "-")


def ticks(duration_s: float) -> list[Tick]:
    """Choose at most thirteen round times for an axis."""
    step_s = next((step for step in _STEPS_S if duration_s / step <= _MOST_TICKS), None)
    if step_s is None:
        step_s = _STEPS_S[-1] * (int(duration_s / _STEPS_S[-1] / _MOST_TICKS) + 1)
    if duration_s <= 0:
        return [Tick(0.0, clock(0, tenths=False))]
    # From an hour on labels are twice as long.
    kept = 4 if duration_s >= 3600 else 2
    found = []
    for nth, at_s in enumerate(range(0, int(duration_s) + 1, step_s)):
        left = round(100 * at_s / duration_s, 3)
        label = clock(at_s, tenths=False)
        found.append(Tick(left, label, is_minor=nth % kept != 0, at_edge=left > 97))
    return found
