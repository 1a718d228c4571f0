"""Tokens: a lead sheet as a row of small numbers, the same in every key.

Conventions
-----------
A piece is ``begin``, its style, mode and metre, then its bars, then ``end``. In a bar, things stand in order of time,
each at the cursor: ``at:18`` sets the cursor to 18/24 of a quarter after the bar line (the bar's own length: the rest
of it is silent); a note is a pitch, counted from the tonic, and a length, and moves the cursor to its end; a chord or a
drum moves nothing. Time is on a grid of thirty-seconds and triplets. Pitches count from the tonic at or below the
melody's median note, so a transposed piece has the same tokens; the tonic itself is not among them.

Check: C E G in 4/4, each a quarter: ``pitch:0 length:24 pitch:4 length:24 pitch:7 length:24 at:96``.
"""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from linernotes.errors import FormatError
from linernotes.model.scores import (
    CHORD_STEPS,
    TICKS_PER_QUARTER,
    ChordSymbol,
    Key,
    Metre,
    Mode,
    Note,
    Score,
    Section,
)

__all__ = [
    "ANY_STYLE",
    "BAR",
    "BEGIN",
    "END",
    "GRID",
    "METRES",
    "PADDING",
    "TokenState",
    "Vocabulary",
    "reference_pitch",
]

PADDING, BEGIN, END, BAR = 0, 1, 2, 3
GRID = 24
"""Steps to a quarter note."""
ANY_STYLE = "any"

METRES = tuple(
    Metre(*pair)
    for pair in (
        (2, 4),
        (3, 4),
        (4, 4),
        (2, 2),
        (3, 2),
        (3, 8),
        (6, 8),
        (9, 8),
        (12, 8),
        (5, 4),
        (6, 4),
        (5, 8),
        (7, 8),
        (4, 2),
    )
)
_STEP_TICKS = TICKS_PER_QUARTER // GRID
_ON_GRID = tuple(step for step in range(GRID) if step % 3 == 0 or step % 4 == 0)
_BAR_STEPS_MAX = 8 * GRID
_PLACES = tuple(step for step in range(_BAR_STEPS_MAX + 1) if step % GRID in _ON_GRID)
_LENGTHS = tuple(
    step
    for step in range(1, _BAR_STEPS_MAX + 1)
    if step < 12 or (step <= 48 and (step % 3 == 0 or step % 4 == 0)) or step % 12 == 0
)
_LOWEST, _HIGHEST = -18, 30
_DRUMS = (36, 38, 42, 46, 45, 50, 49, 51, 39)
_DRUM_FAMILIES = {
    35: 36,
    40: 38,
    37: 38,
    44: 42,
    41: 45,
    43: 45,
    47: 45,
    48: 50,
    57: 49,
    52: 49,
    55: 49,
    53: 51,
    59: 51,
    54: 39,
    56: 39,
}
_SECTIONS = "ABCDEFGH"


@dataclass(frozen=True)
class Vocabulary:
    """All tokens of a model; ``styles`` are the tags that its training set has, ``any`` is always one."""

    styles: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every token by its number."""
        return (
            *("padding", "begin", "end", "bar"),
            *(f"style:{style}" for style in (ANY_STYLE, *(s for s in self.styles if s != ANY_STYLE))),
            *(f"mode:{mode}" for mode in Mode),
            *(f"metre:{metre}" for metre in METRES),
            *(f"section:{name}" for name in _SECTIONS),
            *(f"at:{place}" for place in _PLACES),
            *(f"length:{length}" for length in _LENGTHS),
            *(f"pitch:{pitch}" for pitch in range(_LOWEST, _HIGHEST + 1)),
            *(f"chord:{root}:{quality}" for quality in CHORD_STEPS if quality != "none" for root in range(12)),
            "chord:0:none",
            *(f"drum:{drum}" for drum in _DRUMS),
        )

    @cached_property
    def ids(self) -> dict[str, int]:
        """The number of every token."""
        return {name: number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def kind(self, token: int) -> str:
        """Return what a token is, such as ``pitch``, ``length``, ``at``."""
        return self.names[token].partition(":")[0]

    def prefix(self, *, key: Key, metre: Metre, style: str = ANY_STYLE) -> list[int]:
        """Return how every piece of this style, mode and metre begins; FormatError for one that is not known."""
        try:
            return [BEGIN, self.ids[f"style:{style}"], self.ids[f"mode:{key.mode}"], self.ids[f"metre:{metre}"]]
        except KeyError as error:
            known = ", ".join((*self.styles, *map(str, METRES)))
            raise FormatError(f"{error.args[0]}: this model knows {known}", code="tokens") from None

    def encode(self, sheet: Score, *, style: str = ANY_STYLE) -> list[int]:
        """Write a lead sheet as tokens; FormatError if its metre has none."""
        key, metre = sheet.key or Key(0), sheet.metre or Metre()
        tokens = self.prefix(key=key, metre=metre, style=style)
        bar_steps = metre.bar_ticks // _STEP_TICKS
        offset_ticks = metre.bar_ticks - sheet.pickup_ticks if sheet.pickup_ticks else 0
        bars: dict[int, list[tuple[int, int, list[int], int]]] = {}
        for start, order, body, length in self._events(sheet, key, offset_ticks):
            bar, place = divmod(start, bar_steps)
            bars.setdefault(bar, []).append((place, order, body, length))
        sections = {_steps(s.start_ticks + offset_ticks) // bar_steps: s.name for s in sheet.sections}
        letters: dict[str, str] = {}
        carried = 0
        for bar in range(max(bars, default=-1) + 1):
            tokens.append(BAR)
            if bar in sections:
                letter = letters.setdefault(sections[bar], _SECTIONS[min(len(letters), len(_SECTIONS) - 1)])
                tokens.append(self.ids[f"section:{letter}"])
            cursor = max(0, carried) if bar else 0
            for place, _, body, length in sorted(bars.get(bar, ())):
                if place != cursor:
                    tokens.append(self.ids[f"at:{place}"])
                    cursor = place
                tokens += body
                cursor += length
            if cursor < bar_steps:
                tokens.append(self.ids[f"at:{bar_steps}"])
            carried = cursor - bar_steps
        return [*tokens, END]

    def _events(self, sheet: Score, key: Key, offset_ticks: int) -> Iterator[tuple[int, int, list[int], int]]:
        """Yield where each thing begins after the first bar line, its rank there, its tokens, and how long it is."""
        for chord in sheet.chords:
            root = (chord.root - key.tonic) % 12 if chord.quality != "none" else 0
            yield _steps(chord.start_ticks + offset_ticks), 0, [self.ids[f"chord:{root}:{chord.quality}"]], 0
        for drum in sheet.drums:
            piece = _DRUM_FAMILIES.get(drum.pitch, drum.pitch)
            if piece in _DRUMS:
                yield _steps(drum.start_ticks + offset_ticks), 1, [self.ids[f"drum:{piece}"]], 0
        zero = reference_pitch(sheet.notes, key)
        starts = [_steps(note.start_ticks + offset_ticks) for note in sheet.notes]
        for note, start, following in zip(sheet.notes, starts, [*starts[1:], None], strict=True):
            if following == start:  # too short for the grid
                continue
            length = _nearest(_LENGTHS, max(1, _steps(note.stop_ticks + offset_ticks) - start))
            if following is not None and start + length > following:
                length = _LENGTHS[bisect_right(_LENGTHS, following - start) - 1]
            pitch = _folded(note.pitch - zero)
            yield start, 2, [self.ids[f"pitch:{pitch}"], self.ids[f"length:{length}"]], length

    def decode(
        self, tokens: Sequence[int], *, tonic_pitch: int = 60, title: str = "", tempo_bpm: float = 120.0
    ) -> Score:
        """Read tokens as a lead sheet; pitches count from ``tonic_pitch``, a MIDI number.

        Raises FormatError where the tokens are no piece: :class:`TokenState` says what may follow what.
        """
        state = TokenState(self)
        notes, chords, drums, sections = [], [], [], []
        for token in tokens:
            place = state.place
            if token == PADDING:
                continue
            if not state.may(token):
                raise FormatError(f"{self.names[token]} cannot stand after {state.told}", code="tokens")
            name, _, value = self.names[token].partition(":")
            if name == "length":
                notes.append(Note(place * _STEP_TICKS, int(value) * _STEP_TICKS, tonic_pitch + state.pitch))
            elif name == "chord":
                root, quality = value.split(":")
                pitch_class = (int(root) + tonic_pitch) % 12 if quality != "none" else 0
                chords.append(ChordSymbol(place * _STEP_TICKS, pitch_class, quality))
            elif name == "drum":
                drums.append(Note(place * _STEP_TICKS, 3 * _STEP_TICKS, int(value)))
            elif name == "section":
                sections.append(Section(state.bar_start * _STEP_TICKS, value))
            state.take(token)
        return _from_pickup(
            Score(
                title=title,
                notes=tuple(notes),
                key=Key(tonic_pitch % 12, state.mode),
                metre=state.metre,
                chords=tuple(chords),
                sections=tuple(sections),
                drums=tuple(drums),
                tempo_bpm=tempo_bpm,
            )
        )


class TokenState:
    """Where one is in a piece, and so what may come next; the grammar of the tokens."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Begin before the first token."""
        self.vocabulary = vocabulary
        self.told = "nothing"
        self.metre, self.mode = Metre(), Mode.MAJOR
        self.n_bars = self.bar_start = self.place = self.pitch = 0
        self._begun = self._silent_from = 0  # where the last thing began, and where the last note ends
        self._kind = ""

    @property
    def bar_steps(self) -> int:
        """How long a bar is, on the grid."""
        return self.metre.bar_ticks // _STEP_TICKS

    @property
    def is_full(self) -> bool:
        """Tell whether the bar is full to its end, as every bar is before the next begins."""
        return self.n_bars == 0 or self.place >= self.bar_start + self.bar_steps

    def may(self, token: int) -> bool:
        """Tell whether a token may come next."""
        name, _, value = self.vocabulary.names[token].partition(":")
        expected = {"": "begin", "begin": "style", "style": "mode", "mode": "metre", "metre": "bar", "pitch": "length"}
        if self._kind in expected:
            return name == expected[self._kind]
        inside = self.place < self.bar_start + self.bar_steps
        if name in ("bar", "end"):
            return self.is_full and self._kind != "end"
        if name == "section":
            return self._kind == "bar"
        if name == "at":
            place = self.bar_start + int(value)
            can = self.n_bars and self._kind not in ("at", "end")
            return bool(can) and self._begun <= place != self.place and int(value) <= self.bar_steps
        if name == "pitch" and self.place < self._silent_from:
            return False
        return name in ("pitch", "chord", "drum") and inside and self._kind != "end"

    def take(self, token: int) -> None:
        """Go on by a token that may come next."""
        name, _, value = self.vocabulary.names[token].partition(":")
        if name == "bar":
            self.bar_start += self.bar_steps if self.n_bars else 0
            self.n_bars += 1
            self.place = max(self.place, self.bar_start)
        elif name == "metre":
            self.metre = METRES[[str(metre) for metre in METRES].index(value)]
        elif name == "mode":
            self.mode = Mode(value)
        elif name == "at":
            self.place = self.bar_start + int(value)
        elif name == "pitch":
            self.pitch = int(value)
        elif name == "length":
            self._begun = self.place
            self.place += int(value)
            self._silent_from = self.place
        elif name in ("chord", "drum"):
            self._begun = self.place
        self._kind, self.told = name, self.vocabulary.names[token]


def reference_pitch(notes: Sequence[Note], key: Key) -> int:
    """Return the tonic that pitches count from: the one at or below the median note."""
    median = int(statistics.median_low([note.pitch for note in notes])) if notes else 60
    return median - (median - key.tonic) % 12


def _folded(pitch: int) -> int:
    while pitch < _LOWEST:
        pitch += 12
    while pitch > _HIGHEST:
        pitch -= 12
    return pitch


def _steps(ticks: int) -> int:
    """Put a time on the grid of thirty-seconds and triplets."""
    quarter, rest = divmod(max(0, ticks), TICKS_PER_QUARTER)
    return quarter * GRID + _nearest((*_ON_GRID, GRID), rest / _STEP_TICKS)


def _nearest(steps: Sequence[int], value: float) -> int:
    place = bisect_left(steps, value)
    around = steps[max(0, place - 1) : place + 1]
    return min(around, key=lambda step: abs(step - value))


def _from_pickup(score: Score) -> Score:
    """Begin a piece where its first bar does: what is silent before the first note of a pickup is cut off."""
    starts = [note.start_ticks for note in (*score.notes, *score.drums)] + [c.start_ticks for c in score.chords]
    bar = (score.metre or Metre()).bar_ticks
    silent = min(starts, default=0)
    if not 0 < silent < bar:
        return score
    return Score(
        title=score.title,
        notes=tuple(Note(n.start_ticks - silent, n.duration_ticks, n.pitch, n.part) for n in score.notes),
        key=score.key,
        metre=score.metre,
        chords=tuple(ChordSymbol(c.start_ticks - silent, c.root, c.quality) for c in score.chords),
        sections=tuple(Section(max(0, s.start_ticks - silent), s.name) for s in score.sections),
        drums=tuple(Note(n.start_ticks - silent, n.duration_ticks, n.pitch) for n in score.drums),
        pickup_ticks=bar - silent,
        tempo_bpm=score.tempo_bpm,
    )
