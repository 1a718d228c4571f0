"""Lead sheets: what a model learns of a piece, its melody, chords, drums and form, with key and metre.

Conventions
-----------
The melody is the highest note of the lead part at any time, one at a time. The lead is the part that is highest
on average and sounds for most of the time. Chords are those the file names, else what the parts sound together on each
beat. Key and metre are the file's; what it does not say is inferred. A MIDI file says nothing of a pickup: the bar line
is where more, and longer, notes fall on it.

Source: C. Krumhansl, Cognitive Foundations of Musical Pitch, 1990, for what a tonic weighs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

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

__all__ = ["find_key", "find_metre", "find_sections", "lead_sheet"]

_PHRASE_BARS = 8
_ALIKE = 0.6
_BLOCK_NOTES = 2.5
_METRES = (Metre(4, 4), Metre(3, 4), Metre(2, 4), Metre(6, 8))
_TONIC_WEIGHTS = (1.0, 0.0, 0.35, 0.0, 0.45, 0.25, 0.0, 0.6, 0.0, 0.3, 0.0, 0.15)


def lead_sheet(score: Score) -> Score:
    """Reduce a piece to melody, chords, drums and form; key, metre and sections are always there."""
    melody = _melody(score.notes)
    metre = score.metre or find_metre(melody)
    pickup = score.pickup_ticks or _find_pickup(melody, metre)
    reduced = replace(
        score,
        notes=melody,
        key=find_key(melody, signature=score.key),
        metre=metre,
        pickup_ticks=pickup,
        chords=_without_repeats(score.chords or _heard_chords(score.notes, metre, pickup)),
    )
    return replace(reduced, sections=score.sections or find_sections(reduced))


def _melody(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return the top line of the lead part, each note cut where the next begins."""
    parts = _by_part(notes)
    longest = max(map(_sounding, parts.values()), default=0.0)
    leading = [part for part in parts.values() if 2 * _sounding(part) >= longest]
    lead = max(leading, key=lambda part: sum(n.pitch for n in part) / len(part), default=[])
    line: list[Note] = []
    for note in sorted(lead, key=lambda n: (n.start_ticks, -n.pitch)):
        if line and note.start_ticks < line[-1].stop_ticks:
            last = line[-1]
            if note.start_ticks - last.start_ticks < TICKS_PER_QUARTER // 16 or note.pitch < last.pitch - 12:
                continue
            line[-1] = replace(last, duration_ticks=note.start_ticks - last.start_ticks)
        line.append(replace(note, part=0))
    return tuple(line)


def _by_part(notes: Sequence[Note]) -> dict[int, list[Note]]:
    parts: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        parts[note.part].append(note)
    return parts


def _density(part: Sequence[Note]) -> float:
    """Count the notes that a part begins at once, on average."""
    return len(part) / len({note.start_ticks for note in part})


def _sounding(part: Sequence[Note]) -> float:
    """Say for how many ticks a part sounds; what it sounds at once counts once."""
    return sum(note.duration_ticks for note in part) / _density(part)


# ── harmony ──────────────────────────────────────────────────────────────────


def find_key(notes: Sequence[Note], *, signature: Key | None = None) -> Key:
    """Say which key notes are in: among those of the signature where there is one; the last note weighs most.

    Check: C D E F G A B C is C major; with the signature of one flat and D at its end, D minor.
    """
    weights = [0.0] * 12
    for note in notes:
        weights[note.pitch % 12] += note.duration_ticks
    total = sum(weights) or 1.0
    last = notes[-1].pitch % 12 if notes else 0

    def fit(key: Key) -> float:
        inside = sum(weights[pitch] for pitch in key.scale) / total
        around = sum(weights[(key.tonic + step) % 12] * weight for step, weight in enumerate(_TONIC_WEIGHTS)) / total
        third = weights[(key.tonic + (4 if key.mode in (Mode.MAJOR, Mode.MIXOLYDIAN) else 3)) % 12] / total
        usual = key.mode in (Mode.MAJOR, Mode.MINOR)
        said = signature is not None and key == signature
        return 4 * inside + around + 0.5 * third + 0.5 * (last == key.tonic) + 0.05 * usual + 0.15 * said

    keys = [Key(tonic, mode) for tonic in range(12) for mode in Mode]
    if signature is not None:
        keys = [key for key in keys if key.parent == signature.parent]
    return max(keys, key=fit)


def _heard_chords(notes: Sequence[Note], metre: Metre, pickup: int) -> tuple[ChordSymbol, ...]:
    """Name what sounds on each beat, where it is a chord; parts that play chords have the word where there are any."""
    if len({note.part for note in notes}) < 2:
        return ()
    parts = _by_part(notes)
    notes = [note for part in parts.values() if _density(part) >= _BLOCK_NOTES for note in part] or notes
    beat = metre.bar_ticks // (metre.beats // 3 if metre.unit == 8 and metre.beats % 3 == 0 else metre.beats)
    sounding: dict[int, Counter[int]] = defaultdict(Counter)
    for note in notes:
        for number in range((note.start_ticks - pickup) // beat, -((pickup - note.stop_ticks) // beat)):
            inside = min(note.stop_ticks, pickup + (number + 1) * beat) - max(note.start_ticks, pickup + number * beat)
            sounding[number][note.pitch % 12] += inside
    basses: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: -n.pitch):
        basses[(note.start_ticks - pickup) // beat] = note.pitch % 12
    named = [(number, _name(sounding[number], basses.get(number), beat)) for number in sorted(sounding)]
    return tuple(ChordSymbol(max(0, pickup + number * beat), *name) for number, name in named if name)


def _name(sounding: Counter[int], bass: int | None, beat: int) -> tuple[int, str] | None:
    """Return root and quality of the chord that explains most of a beat, or None where there is none."""
    strong = {pitch for pitch, ticks in sounding.items() if ticks >= beat / 2}
    if len(strong) < 3:
        return None
    best = None
    for root in sorted(strong):
        for quality, steps in CHORD_STEPS.items():
            tones = {(root + step) % 12 for step in steps}
            if steps and tones <= strong:
                rank = (len(tones) - 2 * len(strong - tones), root == bass, -len(steps))
                best = max(best, (rank, (root, quality))) if best else (rank, (root, quality))
    return best[1] if best else None


def _without_repeats(chords: Iterable[ChordSymbol]) -> tuple[ChordSymbol, ...]:
    kept: list[ChordSymbol] = []
    for chord in chords:
        if kept and kept[-1].start_ticks == chord.start_ticks:
            kept.pop()
        if not kept or (kept[-1].root, kept[-1].quality) != (chord.root, chord.quality):
            kept.append(chord)
    return tuple(kept)


# ── metre ────────────────────────────────────────────────────────────────────


def _accent(notes: Sequence[Note], bar: int, phase: int) -> float:
    """Say how well bar lines fit notes: those on them are many and long."""
    if not notes:
        return 0.0
    stop = notes[-1].stop_ticks
    on_lines = [n.duration_ticks for n in notes if (n.start_ticks - phase) % bar < TICKS_PER_QUARTER // 16]
    lines = max(1, (stop - phase) // bar)
    return len(on_lines) / lines * (sum(on_lines) / max(1, len(on_lines))) ** 0.5 * (bar**0.5)


def find_metre(notes: Sequence[Note]) -> Metre:
    """Guess the metre whose bar lines have most, and longest, notes on them."""
    thirds = sum((n.start_ticks * 2) % (3 * TICKS_PER_QUARTER) == 0 for n in notes)
    halves = sum(n.start_ticks % TICKS_PER_QUARTER == 0 for n in notes)

    def fit(metre: Metre) -> float:
        phases = range(0, metre.bar_ticks, TICKS_PER_QUARTER // 2)
        grouped = (thirds > halves) == (metre.unit == 8)
        return max(_accent(notes, metre.bar_ticks, phase) for phase in phases) * (1.0 if grouped else 0.7)

    return max(_METRES, key=fit)


def _find_pickup(notes: Sequence[Note], metre: Metre) -> int:
    """Say how much comes before the first bar line; 0 unless another place is clearly better."""
    bar = metre.bar_ticks
    plain = _accent(notes, bar, 0)
    best = max(range(0, bar, TICKS_PER_QUARTER // 2), key=lambda phase: _accent(notes, bar, phase))
    return best if _accent(notes, bar, best) > 1.25 * plain and best <= bar // 2 else 0


# ── form ─────────────────────────────────────────────────────────────────────


def find_sections(score: Score) -> tuple[Section, ...]:
    """Divide a lead sheet into phrases of eight bars; those with much the same melody have one name, A to H."""
    metre = score.metre or Metre()
    length = _PHRASE_BARS * metre.bar_ticks
    phrases: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for note in score.notes:
        number, place = divmod(max(0, note.start_ticks - score.pickup_ticks), length)
        phrases[number].append((place, note.pitch))
    models: list[list[tuple[int, int]]] = []
    sections = []
    for number in range(max(phrases, default=-1) + 1):
        phrase = phrases[number]
        alike = [SequenceMatcher(None, model, phrase, autojunk=False).ratio() for model in models]
        best = max(range(len(alike)), key=alike.__getitem__, default=-1)
        if best < 0 or (alike[best] < _ALIKE and len(models) < 8):
            models.append(phrase)
            best = len(models) - 1
        start = score.pickup_ticks + number * length if number else 0
        sections.append(Section(start, "ABCDEFGH"[best]))
    return tuple(sections)
