"""Plain charts as numbers for SVG: lines, bars and grid lines in a square that a page stretches.

Conventions
-----------
A chart's square is 1000 units wide and high, y down. Ticks stand in per cent of it. Values that are not known (None)
leave a gap in a line.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from linernotes.formats.wording import clock

__all__ = ["Chart", "Curve", "Tick", "area", "deepest", "line", "thinned", "time_ticks", "value_ticks"]

_SIDE = 1000
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_STEPS_DB = (0.5, 1, 2, 3, 5, 10, 20, 40)


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line at ``place`` per cent; ``is_minor`` may give way on a narrow page."""

    place: float
    label: str
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """One line or area of a chart: ``kind`` is its class of style, ``name`` stands in the legend."""

    kind: str
    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready for the page; ``words`` say what it shows to those who do not see it."""

    title: str
    words: str
    curves: Sequence[Curve]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    unit: str


def thinned(values: Sequence[float], *, most: int = 600) -> list[float]:
    """Reduce a series to at most so many means of equal stretches."""
    return [sum(stretch) / len(stretch) for stretch in _stretches(values, most)]


def deepest(values: Sequence[float], *, most: int = 600) -> list[float]:
    """Reduce a series to the greatest values of equal stretches, where a mean would hide the peaks."""
    return [max(stretch) for stretch in _stretches(values, most)]


def _stretches(values: Sequence[float], most: int) -> list[Sequence[float]]:
    n = min(len(values), most)
    return [values[index * len(values) // n : (index + 1) * len(values) // n] for index in range(n)]


def line(values: Sequence[float | None], *, low: float, high: float) -> str:
    """Draw values, evenly spaced, as an SVG path; what is outside runs along the edge. Check: ends at x = 1000."""
    parts, pen_is_up = [], True
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pen_is_up = True
            continue
        x = _SIDE * index / max(len(values) - 1, 1)
        parts.append(f"{'M' if pen_is_up else 'L'}{x:.1f} {_height(value, low, high):.1f}")
        pen_is_up = False
    return "".join(parts)


def area(values: Sequence[float], *, low: float, high: float, base: float) -> str:
    """Draw what lies between values and a base."""
    if not values:
        return ""
    floor = f"{_height(base, low, high):.1f}"
    return f"M0 {floor}L{line(values, low=low, high=high)[1:]}L{_SIDE} {floor}z"


def _height(value: float, low: float, high: float) -> float:
    return _SIDE * (1 - (min(max(value, low), high) - low) / (high - low))


def value_ticks(low: float, high: float, *, most: int = 5) -> list[Tick]:
    """Place round values inside a range."""
    step = next((step for step in _STEPS_DB if (high - low) / step <= most), _STEPS_DB[-1])
    first = math.ceil(low / step)
    values = [n * step for n in range(first, math.floor(high / step) + 1)]
    return [
        Tick(round(100 * (1 - (value - low) / (high - low)), 3), f"{value:g}".replace("-", "−")) for value in values
    ]


def time_ticks(duration_s: float, *, most: int = 8) -> list[Tick]:
    """Place round times inside a duration."""
    step = next((step for step in _STEPS_S if duration_s / step <= most), _STEPS_S[-1])
    times = range(0, math.floor(duration_s) + 1, step)
    return [
        Tick(round(100 * at_s / duration_s, 3), clock(at_s, tenths=False), is_minor=n % 2 == 1)
        for n, at_s in enumerate(times)
    ]
