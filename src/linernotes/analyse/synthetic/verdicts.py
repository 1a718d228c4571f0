"""From scores of stretches to a verdict, its places and its reasons.

A recording is told to be a machine's only beyond a level that one recording in a thousand of people's reaches; between
that and an even chance the answer is ``uncertain``.

Conventions
-----------
Logits are natural log odds. Stretch i covers the seconds [i, i + 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.cells import FINE_HZ, N_ZONES, STRETCH, Cell
from linernotes.analyse.synthetic.weights import Weights
from linernotes.model import Synthetic, SyntheticBand, SyntheticSegment, SyntheticVerdict

__all__ = ["Heard", "told"]

Floats = NDArray[np.float32]

_FEWEST_S, _FEWEST_ZONES = 3.0, 3
_PERSON = 0.3  # the probability below which a recording is told to be a person's
_RUN_S = 6
_EXCESS, _JUDGED_S = 0.55, 8.0
"""How people's logits fall off in the tail: of more runs than in eight seconds, the highest is higher."""
_CONTRAST = 2.0
"""Measured: so the probabilities of seconds are calibrated best, in recordings of one kind and of both."""
_MOST_SEGMENTS, _MOST_BANDS = 500, 8
_WORDS = {
    "tones": "held sounds waver on the scale of a tenth of a second in a way that instruments and rooms do not",
    "scatter": "the fine grain of the sound, from one moment and pitch to the next, is that of a decoder network",
    "strokes": "attacks and short noises are rendered the way networks render them",
    "phase": "phases run together as they do when a network draws the waveform",
    "comb": "faint steady lines stand in the spectrum where networks that build sound in steps leave them",
    "network": "taken together, the grain of low, middle and high sounds is that of sound a network made",
}


@dataclass(slots=True)
class Heard:
    """What was heard of a recording so far; a few numbers for each second."""

    seconds: float = 0.0
    quiet_s: float = 0.0
    zone_s: float = 0.0
    edge_s: float = 0.0
    n_cells: int = 0
    said: list[Mapping[str, float] | None] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    lines: Floats | None = None

    def add(self, cell: Cell) -> None:
        """Take in one second."""
        self.n_cells += 1
        self.seconds += cell.n
        self.quiet_s += cell.quiet
        self.zone_s += float(cell.heard.sum()) / N_ZONES
        self.edge_s += cell.edge_hz

    def skip(self, n: int = 1) -> None:
        """Take in stretches that are silent."""
        self.said.extend([None] * n)

    def take(self, said: Mapping[str, float], known: float, lines_db: Floats) -> None:
        """Take in what the experts say of a stretch."""
        self.said.append(said)
        self.known.append(known)
        clipped = np.maximum(lines_db, 0)
        self.lines = clipped if self.lines is None else self.lines + clipped

    @property
    def heard(self) -> float:
        """Part of the zones below the band edge, 0 to 1."""
        return self.zone_s / max(self.seconds, 1e-9)


def told(heard: Heard, weights: Weights, *, source_rate_hz: int) -> Synthetic:
    """Come to a verdict."""
    z = np.array([np.nan if said is None else sum(said.values()) for said in heard.said])
    scored = np.isfinite(z)
    if (why := _too_little(heard, int(scored.sum()))) is not None:
        return Synthetic(SyntheticVerdict.UNCERTAIN, 0.5, None, (), (), (why,), weights.model_id)
    whole = float(weights.logit(float(np.mean(z[scored])), seconds=heard.seconds, heard=heard.heard))
    each = weights.logit(np.where(scored, z, 0), seconds=STRETCH, heard=heard.heard)
    each = np.where(scored, each, np.float32(np.nan))
    per_second = _per_second(each, heard.n_cells)
    run = _strongest_run(per_second)
    verdict = _verdict(whole, run, per_second, weights)
    strange = float(np.mean(heard.known)) < weights.strangeness
    reasons = _reasons(heard, verdict)
    if strange:
        reasons = ("it is unlike anything the detector knows", *reasons[1:])
        verdict = SyntheticVerdict.UNCERTAIN
    probability = _probability(whole if verdict is not SyntheticVerdict.MIXED else max(whole, run))
    accused = verdict in (SyntheticVerdict.AI, SyntheticVerdict.MIXED)
    return Synthetic(
        verdict=verdict,
        probability=probability,
        family=None,
        segments=_segments(_apart(per_second)),
        bands=_bands(heard, source_rate_hz) if accused else (),
        reasons=reasons,
        model_id=weights.model_id,
    )


def _too_little(heard: Heard, n_scored: int) -> str | None:
    """Say why there is nothing to judge, if so."""
    if heard.seconds < _FEWEST_S or n_scored == 0:
        silent = f", {heard.quiet_s:.0f} s of silence aside" if heard.quiet_s >= 1 else ""
        return f"too short: {heard.seconds:.1f} s of sound{silent}, where {_FEWEST_S:g} s are needed"
    if heard.heard * N_ZONES < _FEWEST_ZONES:
        edge_hz = heard.edge_s / heard.seconds
        return f"too band-limited: nothing is heard above {edge_hz / 1000:.1f} kHz"
    return None


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def _per_second(each: Floats, n_cells: int) -> NDArray[np.float64]:
    """Mean logit of the stretches that cover each second; NaN where all is silence."""
    sums, counts = np.zeros(n_cells), np.zeros(n_cells)
    for i, logit in enumerate(each):
        if np.isfinite(logit):
            sums[i : i + STRETCH] += logit
            counts[i : i + STRETCH] += 1
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _apart(per_second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move seconds away from the mean of all: one room, one player, one codec, so what differs says more than what is.

    Check: ``[-1, -1, 1, 1]`` becomes ``[-2, -2, 2, 2]``.
    """
    whole = float(np.nanmean(per_second))
    return whole + _CONTRAST * (per_second - whole)


def _strongest_run(per_second: NDArray[np.float64]) -> float:
    """Highest mean over six seconds in a row."""
    known = np.nan_to_num(per_second, nan=-5.0)
    if len(known) < _RUN_S:
        return float(known.mean())
    sums = np.cumsum(np.concatenate([[0.0], known]))
    return float(np.max(sums[_RUN_S:] - sums[:-_RUN_S])) / _RUN_S


def _verdict(whole: float, run: float, per_second: NDArray[np.float64], weights: Weights) -> SyntheticVerdict:
    likely_human = float(np.mean(np.nan_to_num(per_second, nan=-5.0) < 0))
    if whole >= weights.accusation:
        return SyntheticVerdict.MIXED if likely_human > 0.3 else SyntheticVerdict.AI
    if run >= weights.stretch + _EXCESS * max(0.0, float(np.log(len(per_second) / _JUDGED_S))):
        return SyntheticVerdict.MIXED
    if _probability(whole) < _PERSON:
        return SyntheticVerdict.HUMAN
    return SyntheticVerdict.UNCERTAIN


def _segments(per_second: NDArray[np.float64]) -> Sequence[SyntheticSegment]:
    """Seconds as segments; those that agree are one where there are too many."""
    step = -(-len(per_second) // _MOST_SEGMENTS)
    found = []
    for start in range(0, len(per_second), step):
        part = per_second[start : start + step]
        if np.isfinite(part).any():
            stop = start + len(part)
            found.append(SyntheticSegment(float(start), float(stop), _probability(float(np.nanmean(part)))))
    return tuple(found)


def _reasons(heard: Heard, verdict: SyntheticVerdict) -> tuple[str, ...]:
    """Say what speaks for the verdict, strongest first."""
    known = [said for said in heard.said if said is not None]
    mean = {family: float(np.mean([said[family] for said in known])) for family in known[0]}
    for_machine = sorted((family for family in mean if mean[family] > 0.3), key=lambda family: -mean[family])
    if verdict is SyntheticVerdict.HUMAN:
        return ("the fine structure of the sound is that of recordings made by people",)
    if verdict is SyntheticVerdict.UNCERTAIN:
        head = "the evidence is not enough either way"
        return (head, *(_WORDS[family] for family in for_machine[:1]))
    mixed = verdict is SyntheticVerdict.MIXED
    head = "some stretches or layers sound machine-made" if mixed else "the whole recording sounds machine-made"
    return (head, *(_WORDS[family] for family in for_machine[:3]))


def _bands(heard: Heard, source_rate_hz: int) -> Sequence[SyntheticBand]:
    """Name the narrow bands in which steady lines stand out most, over the whole recording."""
    if heard.lines is None:
        return ()
    lines = heard.lines / len(heard.known)
    width = int(200 / FINE_HZ)
    strength = lines[: len(lines) // width * width].reshape(-1, width).max(axis=1)
    strength[: int(1000 / 200)] = 0
    best = [i for i in np.argsort(-strength)[:_MOST_BANDS] if strength[i] > 3 and i * 200 < source_rate_hz / 2]
    hz = width * FINE_HZ
    return tuple(
        SyntheticBand(0.0, float(heard.n_cells), float(i * hz), float((i + 1) * hz), float(min(1, strength[i] / 15)))
        for i in sorted(best)
    )
