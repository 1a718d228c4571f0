"""Human or machine, in words and as a picture of seconds and frequencies.

Conventions
-----------
Places are per cent of the picture: time from the left, frequency from the bottom, linear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linernotes.formats import wording
from linernotes.model import Synthetic, SyntheticVerdict

__all__ = ["Panel", "headline", "panel"]

_HEADLINES: Mapping[SyntheticVerdict, str] = {
    SyntheticVerdict.HUMAN: "Nothing in it sounds machine-made",
    SyntheticVerdict.AI: "Made by a generative model",
    SyntheticVerdict.MIXED: "Partly made by a generative model",
    SyntheticVerdict.UNCERTAIN: "It cannot be told whether a person or a machine made this",
}
_TOP_HZ = 22_050.0
_RULES_HZ = (5_000, 10_000, 15_000, 20_000)


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    width: float
    top: float
    height: float
    weight: float
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What a page shows of a verdict: ``strip`` holds the stretches and how probable a machine is in each."""

    headline: str
    is_machine: bool
    probability: str
    reasons: Sequence[str]
    strip: Sequence[_Box]
    boxes: Sequence[_Box]
    rules: Sequence[tuple[float, str]]
    model_id: str


def headline(found: Synthetic) -> str:
    """Say who made it, in a sentence without its full stop."""
    return f"{_HEADLINES[found.verdict]}, of the kind {found.family}" if found.family else _HEADLINES[found.verdict]


def panel(found: Synthetic, *, duration_s: float) -> Panel:
    """Lay out a verdict on an upload ``duration_s`` long."""
    per_s = 100 / duration_s if duration_s > 0 else 0.0
    return Panel(
        headline=headline(found),
        is_machine=found.verdict in (SyntheticVerdict.AI, SyntheticVerdict.MIXED),
        probability=f"{found.probability:.2f}",
        reasons=found.reasons,
        strip=[
            _Box(
                left=round(each.start_s * per_s, 3),
                width=round((each.stop_s - each.start_s) * per_s, 3),
                top=0,
                height=100,
                weight=round(each.probability, 3),
                label=f"{wording.span(each.start_s, each.stop_s)}: {each.probability:.2f}",
            )
            for each in found.segments
        ],
        boxes=[
            _Box(
                left=round(band.start_s * per_s, 3),
                width=round((band.stop_s - band.start_s) * per_s, 3),
                top=_from_top(band.stop_hz),
                height=round(max(0.5, _from_top(band.start_hz) - _from_top(band.stop_hz)), 3),
                weight=round(band.weight, 3),
                label=f"{wording.span(band.start_s, band.stop_s)}, {band.start_hz / 1000:.1f}\N{EN DASH}"
                f"{band.stop_hz / 1000:.1f}\N{NO-BREAK SPACE}kHz",
            )
            for band in found.bands
        ],
        rules=[(_from_top(hz), f"{hz // 1000}\N{NO-BREAK SPACE}kHz") for hz in _RULES_HZ],
        model_id=found.model_id,
    )


def _from_top(frequency_hz: float) -> float:
    return round(100 * (1 - min(max(frequency_hz / _TOP_HZ, 0.0), 1.0)), 3)
