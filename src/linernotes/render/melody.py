"""The lead: a motif, its repetitions on other chords, a cadence.

Conventions
-----------
A phrase is a list of (bar within the section, step, length in steps, scale index).

Source: A. Schoenberg, Fundamentals of Musical Composition, 1967: the sentence.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from linernotes.render.score import Hand, Score, stream
from linernotes.render.synth import Note

__all__ = ["improvise"]

_Placed: TypeAlias = tuple[int, int, int, int]
_Phrase: TypeAlias = list[_Placed]

_REACH = 5  # scale notes above and below its centre that a phrase may go


@dataclass(frozen=True, slots=True)
class _Motif:
    """Two bars: steps at which notes start, and their heights relative to the first."""

    steps: tuple[int, ...]
    heights: tuple[int, ...]


def improvise(score: Score) -> list[Note]:
    """Make up the melody of a whole song, in its key."""
    hand = Hand.of(score, "lead")
    phrases = {
        section: _phrase(score, section, stream(score.seed, score.style.name, "phrase", section))
        for section in ("verse", "chorus", "bridge")
    }
    notes: list[Note] = []
    for number, bar in enumerate(score.bars):
        if bar.place or bar.section == "intro":
            continue
        phrase = phrases[bar.section]
        for place, step, length, index in _ornament(phrase, hand.rng) if bar.occurrence else phrase:
            accent = 0.12 if step == 0 else 0.05 if step % 4 == 0 else 0.0
            held = length * float(hand.rng.uniform(0.84, 0.97))
            notes.append(hand.note((number + place, step), held, score.midi(index), 0.68 + accent))
    close = score.midi(score.index_near(0, notes[-1].midi if notes else score.style.lead_midi))
    return [*notes, hand.note((len(score.bars), 0), score.steps, close, 0.66)]


def _motif(score: Score, density: float, rng: np.random.Generator) -> _Motif:
    span = 2 * score.steps
    chance = np.full(span, 0.10)
    chance[::2], chance[::4], chance[:: score.steps] = 0.50, 0.72, 0.85
    chance = np.clip(chance * (0.45 + density), 0, 0.95)
    chance[-int(rng.integers(2, 6)) :] = 0  # room to breathe
    steps = np.flatnonzero(rng.uniform(size=span) < chance)
    if len(steps) < 3:
        steps = np.array([0, 4, score.steps])
    height, heights, leapt = 0, [0], 0
    for _ in steps[1:]:
        if leapt:  # a leap is filled in from the other side
            move = -int(np.sign(leapt))
        else:
            size = int(rng.choice((0, 1, 2, 3, 4), p=(0.12, 0.55, 0.19, 0.09, 0.05)))
            # The further from home, the likelier back.
            move = size if rng.uniform() < 0.5 - 0.12 * height else -size
        leapt = move if abs(move) > 2 else 0
        height += move
        heights.append(height)
    return _Motif(tuple(int(step) for step in steps), tuple(heights))


def _phrase(score: Score, section: str, rng: np.random.Generator) -> _Phrase:
    """Build a sentence as long as the section: motif, motif on the next chords, something new, cadence."""
    first = next((number for number, bar in enumerate(score.bars) if bar.section == section), None)
    if first is None:
        return []
    bars = score.bars[first].of
    lift = {"verse": 0, "chorus": 4, "bridge": -2}[section]
    density = float(np.clip(score.style.density + rng.uniform(-0.15, 0.15), 0.2, 0.85))
    motif, other = _motif(score, density, rng), _motif(score, density, rng)
    tones = rng.choice(score.tones(score.chord_at(first, 0))[:3], size=2, replace=False)
    home = score.style.lead_midi + lift
    start = min((score.index_near(int(tone), home) for tone in tones), key=lambda i: abs(score.midi(i) - home))
    phrase: _Phrase = []
    for pair in range(0, bars, 2):
        used = other if pair % 8 == 4 else motif
        shift = 0 if pair == 0 else int(rng.choice((-2, -1, 1, 2)))
        phrase += _on_chords(score, first, pair, used, start=start + shift, centre=start)
    return _cadence(score, first, bars, [note for note in phrase if note[0] < bars], rng)


def _on_chords(score: Score, first: int, pair: int, motif: _Motif, *, start: int, centre: int) -> _Phrase:
    """Lay a motif over chords: its strong notes move to the nearest tone of the chord."""
    notes: _Phrase = []
    ends = (*motif.steps[1:], 2 * score.steps)
    for step, end, height in zip(motif.steps, ends, motif.heights, strict=True):
        bar, within = divmod(step, score.steps)
        length = min(end - step, 6)
        index = centre + int(np.clip(start + height - centre, -_REACH, _REACH))
        if within % 8 == 0 or length >= 6:
            index = _nearest_tone(score, first + pair + bar, within, index)
        notes.append((pair + bar, within, length, index))
    return notes


def _nearest_tone(score: Score, bar: int, step: int, index: int) -> int:
    tones = {tone % 7 for tone in score.tones(score.chord_at(bar, step))[:3]}
    return min(
        (index + move for move in (0, -1, 1, -2, 2, -3, 3) if (index + move) % 7 in tones),
        key=lambda i: abs(i - index),
    )


def _cadence(score: Score, first: int, bars: int, phrase: _Phrase, rng: np.random.Generator) -> _Phrase:
    """Bring a phrase to rest: the last bar holds one long tone of its chord."""
    rest = int(rng.choice((0, 4))) if len(phrase) > 3 else 0
    kept = [note for note in phrase if note[0] < bars - 1 or note[1] < rest]
    height = kept[-1][3] if kept else score.index_near(0, score.style.lead_midi)
    tone = _nearest_tone(score, first + bars - 1, rest, height - 1)
    return [*kept, (bars - 1, rest, score.steps - rest - int(rng.integers(1, 4)), tone)]


def _ornament(phrase: _Phrase, rng: np.random.Generator) -> _Phrase:
    """Vary a phrase that comes back: here a note left out, there one split into itself and its neighbour."""
    again: _Phrase = []
    for bar, step, length, index in phrase:
        draw = rng.uniform()
        if length >= 4 and draw < 0.30:
            half = length // 2
            again += [
                (bar, step, half, index),
                (bar, step + half, length - half, index + int(rng.choice((-1, 1)))),
            ]
        elif draw > 0.08 or step == 0:
            again.append((bar, step, length, index))
    return again
