"""The plan of a song that every player reads: key, tempo, form and chords, and where a step falls in time.

Conventions
-----------
A bar has four steps (sixteenths) to the beat. A scale index counts notes of the scale upwards: 0 is the tonic
between F sharp 3 and F 4, 7 the octave above it. Chords are scale degrees 0 to 6.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from linernotes.errors import ParameterError
from linernotes.render.styles import MODES, STYLES, Style
from linernotes.render.synth import Note

__all__ = ["RING_S", "Bar", "Hand", "Score", "lay_out", "stream"]

RING_S = 2.0  # the last chord sounds at least this long

_NAMES = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
_FORM = ("verse", "chorus", "verse", "chorus", "bridge", "chorus")
_LONGEST_S = 600.0  # a song is mixed in memory


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its section, which of that name, its place ``of`` so many, and chords as (step, degree)."""

    section: str
    occurrence: int
    place: int
    of: int
    chords: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """What all players share. ``bars`` leaves out the last chord, which starts where they stop."""

    seed: int
    style: Style
    tonic: int
    mode: str
    metre: int
    tempo_bpm: float
    bars: tuple[Bar, ...]
    duration_s: float

    @property
    def key(self) -> str:
        """The key in words."""
        return f"{_NAMES[self.tonic]} {self.mode}"

    @property
    def steps(self) -> int:
        """Steps in a bar."""
        return 4 * self.metre

    @property
    def beat_s(self) -> float:
        """Length of a beat."""
        return 60.0 / self.tempo_bpm

    @property
    def closing_steps(self) -> float:
        """Steps from the last chord to the end of the sound."""
        return 4 * self.duration_s / self.beat_s - len(self.bars) * self.steps

    def time_s(self, bar: int, step: float) -> float:
        """Tell when a step sounds, swing included."""
        grid = 2.0 if self.style.swing_sixteenths else 4.0
        whole, part = divmod(step, grid)
        middle = 0.5 + self.style.swing / 6
        part /= grid
        bent = part * 2 * middle if part < 0.5 else middle + (part - 0.5) * 2 * (1 - middle)
        return (bar * self.steps + (whole + bent) * grid) * self.beat_s / 4

    def midi(self, index: int) -> int:
        """Tell the note number of a scale index."""
        octave, degree = divmod(index, 7)
        return 54 + (self.tonic - 6) % 12 + 12 * octave + MODES[self.mode][degree]

    def index_near(self, degree: int, midi: float) -> int:
        """Find the scale index of a degree in the octave where it lies nearest to a note number."""
        return min((degree % 7 + 7 * octave for octave in range(-4, 5)), key=lambda i: abs(self.midi(i) - midi))

    def chord_at(self, bar: int, step: int) -> int:
        """Tell the degree that sounds; the tonic after the last bar."""
        chords = self.bars[bar].chords if bar < len(self.bars) else ((0, 0),)
        return [degree for first, degree in chords if first <= step][-1]

    def tones(self, degree: int) -> tuple[int, ...]:
        """Give the scale indices of a chord in root position."""
        return (degree, degree + 2, degree + 4, degree + 6) if self.style.sevenths else (degree, degree + 2, degree + 4)


@dataclass(frozen=True, slots=True)
class Hand:
    """A player: reads the score, and plays it a little early or late, a little stronger or weaker."""

    score: Score
    rng: np.random.Generator

    @classmethod
    def of(cls, score: Score, role: str) -> "Hand":
        """Seat a player."""
        return cls(score, stream(score.seed, score.style.name, role))

    def note(
        self, place: tuple[int, float], steps: float, midi: float, velocity: float, *, late_s: float = 0.0
    ) -> Note:
        """Play a note that begins at ``place``, a bar and a step, and lasts some steps."""
        written_s = self.score.time_s(*place)
        held_s = self.score.time_s(place[0], place[1] + steps) - written_s
        start_s = written_s + late_s + float(self.rng.normal(0.0, self.score.style.looseness_s))
        strength = float(np.clip(velocity * self.rng.normal(1.0, 0.08), 0.08, 1.0))
        return Note(max(start_s, 0.0), held_s, float(midi), strength)


def stream(seed: int, *names: str) -> np.random.Generator:
    """Open the random numbers of one player, so that a change to one leaves the others as they were."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def lay_out(seed: int, *, style: str, duration_s: float) -> Score:
    """Draw key, tempo, form and chords."""
    if style not in STYLES:
        raise ParameterError(f"no style {style!r}; the band plays {', '.join(STYLES)}")
    if seed < 0:
        raise ParameterError(f"a seed is a whole number from 0, not {seed}")
    rules, rng = STYLES[style], stream(seed, style, "score")
    metre = rules.metres[rng.integers(len(rules.metres))]
    tempo_bpm = float(rng.uniform(*rules.tempo_bpm))
    bar_s = metre * 60 / tempo_bpm
    if not 2 * bar_s + RING_S <= duration_s <= _LONGEST_S:
        shortest_s = 2 * bar_s + RING_S
        raise ParameterError(f"no song of {duration_s} s: here from {shortest_s:.1f} to {_LONGEST_S:.0f} s")
    count = int((duration_s - RING_S) / bar_s)

    tonic, mode = int(rng.integers(12)), rules.modes[rng.integers(len(rules.modes))]
    chosen = rng.permutation(len(rules.progressions))
    # Three sections of one song, three progressions, each with a turn of its own.
    chords = {
        section: _reharmonise(rules.progressions[index], 4 * metre, rng)
        for section, index in zip(("verse", "chorus", "bridge"), chosen, strict=False)
    }
    bars: list[Bar] = []
    unit = min(count, 4) if count < 40 else 8
    if count % unit:
        opening = count % unit
        bars += [Bar("intro", 0, place, opening, chords["verse"][place % 4]) for place in range(opening)]
    seen = dict.fromkeys(_FORM, 0)
    for number in range(count // unit):
        section = _FORM[number % len(_FORM)]
        bars += [Bar(section, seen[section], place, unit, chords[section][place % 4]) for place in range(unit)]
        seen[section] += 1
    return Score(seed, rules, tonic, mode, metre, tempo_bpm, tuple(bars), duration_s)


def _reharmonise(
    progression: tuple[int, ...], steps: int, rng: np.random.Generator
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Write the chords of each bar, now and then with a relative in place of, or after, the written one."""
    bars: list[tuple[tuple[int, int], ...]] = []
    for degree in progression:
        relative = (degree + int(rng.choice((2, 5)))) % 7
        draw = rng.uniform()
        if draw < 0.12:
            bars.append(((0, relative),))
        elif draw < 0.30:
            bars.append(((0, degree), (steps // 8 * 4, relative)))
        else:
            bars.append(((0, degree),))
    return tuple(bars)
