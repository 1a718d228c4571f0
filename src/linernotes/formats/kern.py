"""Humdrum ``**kern``: read.

Conventions
-----------
The highest voice, the last spine, is part 0. Read are durations with dots, tuplets, ties, chords in a spine, spines
that split and join, key, metre, section labels, reference records. Grace notes are left out; repeats are not unfolded.

Source: D. Huron, The Humdrum Toolkit: Reference Manual, 1995; humdrum.org, the kern representation.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction

from linernotes.errors import FormatError
from linernotes.model.scores import TICKS_PER_QUARTER, Key, Metre, Mode, Note, Score, Section

__all__ = ["read_kern"]

_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE = re.compile(r"([a-gA-G])\1*")
_DURATION = re.compile(r"(\d+)(?:%(\d+))?(\.*)")
_KEY = re.compile(r"\*([a-gA-G])([#\-]?):(dor|mix|)")
_METRE = re.compile(r"\*M([1-9]\d?)/(1|2|4|8|16)$")
_SECTION = re.compile(r"\*>([^\[\]]+)$")


@dataclass(slots=True)
class _Sheet:
    notes: list[Note] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    ties: dict[tuple[int, int], tuple[Fraction, Fraction]] = field(default_factory=dict)
    key: Key | None = None
    metre: Metre | None = None
    first_bar: Fraction | None = None


@dataclass(slots=True)
class _Spine:
    part: int
    is_kern: bool
    until: Fraction = Fraction(0)


def read_kern(data: bytes, *, where: str) -> Score:
    """Read a kern file; FormatError says what is wrong in ``where``."""
    sheet, spines, now = _Sheet(), list[_Spine](), Fraction(0)
    remarks: list[tuple[str, str]] = []
    for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), 1):
        cells = line.split("\t")
        if line.startswith("!!!"):
            name, _, text = line[3:].partition(":")
            remarks.append((name.split("@")[0].strip(), text.strip()))
        elif line.startswith("**"):
            spines = [_Spine(len(cells) - 1 - place, cell == "**kern") for place, cell in enumerate(cells)]
        elif not line.strip() or line.startswith("!"):
            continue
        elif len(cells) != len(spines):
            raise FormatError(f"{where}, line {number}: {len(cells)} cells in {len(spines)} spines", code="kern")
        elif line.startswith("*"):
            spines = _interpret(cells, spines, now, sheet)
        elif line.startswith("="):
            now = max((spine.until for spine in spines), default=now)
            if sheet.first_bar is None and now > 0:
                sheet.first_bar = now
        else:
            now = _sound(cells, spines, now, sheet, f"{where}, line {number}")
    return _score(sheet, remarks, where)


def _score(sheet: _Sheet, remarks: list[tuple[str, str]], where: str) -> Score:
    if not sheet.notes:
        raise FormatError(f"{where}: kern without notes", code="kern")
    first = _ticks(sheet.first_bar or Fraction(0))
    parts = {part: number for number, part in enumerate(sorted({note.part for note in sheet.notes}))}
    notes = [Note(n.start_ticks, n.duration_ticks, n.pitch, parts[n.part]) for n in sheet.notes]
    return Score(
        title=next((text for name, text in remarks if name == "OTL"), where.rsplit("/", 1)[-1]),
        notes=tuple(sorted(notes, key=lambda note: (note.part, note.start_ticks, note.pitch))),
        key=sheet.key,
        metre=sheet.metre,
        sections=tuple(sheet.sections),
        pickup_ticks=first if sheet.metre and first < sheet.metre.bar_ticks else 0,
        remarks=tuple(remarks),
    )


def _ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS_PER_QUARTER)


def _interpret(cells: list[str], spines: list[_Spine], now: Fraction, sheet: _Sheet) -> list[_Spine]:
    """Read a line of interpretations; return the spines after it."""
    for cell in cells:
        if (key := _KEY.match(cell)) and sheet.key is None:
            tonic = _STEPS[key[1].lower()] + (key[2] == "#") - (key[2] == "-")
            mode = {"dor": Mode.DORIAN, "mix": Mode.MIXOLYDIAN}.get(
                key[3], Mode.MAJOR if key[1].isupper() else Mode.MINOR
            )
            sheet.key = Key(tonic % 12, mode)
        elif (
            (metre := _METRE.match(cell))
            and sheet.metre is None
            and int(metre[1])
            and int(metre[2]) in (1, 2, 4, 8, 16)
        ):
            sheet.metre = Metre(int(metre[1]), int(metre[2]))
    if section := _SECTION.match(cells[0]):
        sheet.sections.append(Section(_ticks(now), section[1]))
    after: list[_Spine] = []
    joining = False
    for cell, spine in zip(cells, spines, strict=True):
        if cell == "*^":
            after += [spine, _Spine(spine.part, spine.is_kern, spine.until)]
        elif cell != "*-" and not (cell == "*v" and joining):
            after.append(spine)
        joining = cell == "*v"
    return after


def _sound(cells: list[str], spines: list[_Spine], now: Fraction, sheet: _Sheet, where: str) -> Fraction:
    """Read a line of notes, all of which begin at one time: when the first of the sounding ones ends."""
    begins = [spine for cell, spine in zip(cells, spines, strict=True) if spine.is_kern and cell != "."]
    now = max((spine.until for spine in begins), default=now)
    for cell, spine in zip(cells, spines, strict=True):
        if not spine.is_kern or cell == ".":
            continue
        spine.until = max(spine.until, now)
        length = Fraction(0)
        for token in cell.split():
            if "q" not in token.lower():
                length = max(length, _note(token, spine.part, now, sheet, where))
        spine.until = now + length
    return now


def _note(token: str, part: int, now: Fraction, sheet: _Sheet, where: str) -> Fraction:
    """Read a note or rest; return how long it is, in quarters."""
    found = _DURATION.search(token)
    if found is None:
        raise FormatError(f"{where}: {token!r} has no duration", code="kern")
    value, over = int(found[1]), int(found[2] or 1)
    length = Fraction(4 * over, value) if value else Fraction(8)
    length *= 2 - Fraction(1, 2 ** len(found[3]))
    name = _NOTE.search(token)
    if "r" in token or name is None:
        return length
    octave = 4 + len(name[0]) - 1 if name[1].islower() else 3 - (len(name[0]) - 1)
    pitch = 12 * (octave + 1) + _STEPS[name[1].lower()] + token.count("#") - token.count("-")
    start, before = now, Fraction(0)
    if "]" in token or "_" in token:
        start, before = sheet.ties.pop((part, pitch), (start, before))
    if "[" in token or "_" in token:
        sheet.ties[part, pitch] = (start, before + length)
    else:
        ticks = _ticks(start + before + length) - _ticks(start)
        if not 0 <= pitch <= 127 or ticks <= 0:
            raise FormatError(f"{where}: {token!r} is out of range", code="kern")
        sheet.notes.append(Note(_ticks(start), ticks, pitch, part))
    return length
