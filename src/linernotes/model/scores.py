"""Music on paper: notes, chords, key, metre and sections of one piece, whatever file it was read from.

Conventions
-----------
Time is in ticks, 480 to a quarter note, from the first note or rest of the piece. A pitch is a MIDI number, 60 the
middle C; a pitch class 0 to 11, 0 is C. A piece has one key and one metre: those it begins with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CHORD_STEPS", "TICKS_PER_QUARTER", "ChordSymbol", "Key", "Metre", "Mode", "Note", "Score", "Section"]

TICKS_PER_QUARTER = 480

CHORD_STEPS: Mapping[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "dom7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "hdim7": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
    "none": (),
}
"""What each quality of chord holds, in semitones over its root; ``none`` is silence."""


class Mode(StrEnum):
    """Which of the tonic's diatonic scales; the four that most songs are in."""

    MAJOR = "major"
    MINOR = "minor"
    DORIAN = "dorian"
    MIXOLYDIAN = "mixolydian"


_MAJOR_STEPS = (0, 2, 4, 5, 7, 9, 11)
_DEGREE = {Mode.MAJOR: 0, Mode.DORIAN: 1, Mode.MIXOLYDIAN: 4, Mode.MINOR: 5}
_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic, as a pitch class, and its mode."""

    tonic: int
    mode: Mode = Mode.MAJOR

    @property
    def parent(self) -> int:
        """The major key with the same notes. Check: D dorian has those of C."""
        return (self.tonic - _MAJOR_STEPS[_DEGREE[self.mode]]) % 12

    @property
    def scale(self) -> frozenset[int]:
        """The pitch classes in it."""
        return frozenset((self.parent + step) % 12 for step in _MAJOR_STEPS)

    @property
    def fifths(self) -> int:
        """Sharps (more than 0) or flats of its signature, -6 to 6. Check: G major has 1, C minor -3."""
        sharps = self.parent * 7 % 12
        return sharps if sharps <= 6 else sharps - 12

    def __str__(self) -> str:
        return f"{_NAMES[self.tonic]} {self.mode}"


@dataclass(frozen=True, slots=True)
class Metre:
    """What a bar has: ``beats`` notes of 1/``unit``."""

    beats: int = 4
    unit: int = 4

    @property
    def bar_ticks(self) -> int:
        """How long a bar is."""
        return self.beats * 4 * TICKS_PER_QUARTER // self.unit

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding pitch; ``part`` counts the voices or instruments from 0, the lead first. In drums: a GM drum."""

    start_ticks: int
    duration_ticks: int
    pitch: int
    part: int = 0

    @property
    def stop_ticks(self) -> int:
        """When it ends."""
        return self.start_ticks + self.duration_ticks


@dataclass(frozen=True, slots=True)
class ChordSymbol:
    """A harmony that holds until the next one: a root as a pitch class, and one of ``CHORD_STEPS``."""

    start_ticks: int
    root: int
    quality: str


@dataclass(frozen=True, slots=True)
class Section:
    """Where a part of the form begins; parts of one name are alike."""

    start_ticks: int
    name: str


@dataclass(frozen=True, slots=True)
class Score:
    """A piece; ``key`` and ``metre`` are None where its file does not say. A first bar may be short: ``pickup_ticks``.

    ``remarks`` is what its file says in words, of rights above all, each with the name of its field.
    """

    title: str
    notes: Sequence[Note]
    key: Key | None = None
    metre: Metre | None = None
    chords: Sequence[ChordSymbol] = ()
    sections: Sequence[Section] = ()
    drums: Sequence[Note] = ()
    pickup_ticks: int = 0
    tempo_bpm: float = 120.0
    remarks: Sequence[tuple[str, str]] = ()

    @property
    def stop_ticks(self) -> int:
        """When its last note ends."""
        return max((note.stop_ticks for note in (*self.notes, *self.drums)), default=0)

    def block_chords(self) -> Iterator[Note]:
        """Play the chord symbols from the G below the middle C's octave up, each until the next, as part -1."""
        stops = [chord.start_ticks for chord in self.chords[1:]] + [self.stop_ticks]
        for chord, stop in zip(self.chords, stops, strict=bool(self.chords)):
            for step in CHORD_STEPS[chord.quality]:
                if stop > chord.start_ticks:
                    pitch = 43 + (chord.root + step - 43) % 12
                    yield Note(chord.start_ticks, stop - chord.start_ticks, pitch, -1)
