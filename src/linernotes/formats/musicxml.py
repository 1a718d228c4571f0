"""MusicXML, plain and compressed, in and out.

Conventions
-----------
Read are partwise scores: notes with their ties joined, chord symbols, the first key and metre, rehearsal marks as
sections, rights. Grace notes are left out; repeats are not unfolded. Written is one part of a measure each bar.

Source: MusicXML 4.0, W3C Community Group report, 2021.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree import ElementTree as ET

from linernotes.errors import FormatError
from linernotes.model.scores import TICKS_PER_QUARTER, ChordSymbol, Key, Metre, Mode, Note, Score, Section

__all__ = ["KINDS", "read_musicxml"]

_BYTES_MAX = 32 << 20
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MODES = {"dorian": Mode.DORIAN, "mixolydian": Mode.MIXOLYDIAN, "minor": Mode.MINOR, "aeolian": Mode.MINOR}
_TONIC_STEPS = {Mode.MAJOR: 0, Mode.DORIAN: 2, Mode.MIXOLYDIAN: 7, Mode.MINOR: 9}

KINDS = {
    "maj": "major",
    "min": "minor",
    "dim": "diminished",
    "aug": "augmented",
    "dom7": "dominant",
    "maj7": "major-seventh",
    "min7": "minor-seventh",
    "hdim7": "half-diminished",
    "sus4": "suspended-fourth",
    "none": "none",
}
"""What MusicXML calls each quality of chord."""

_QUALITIES = {
    **{kind: quality for quality, kind in KINDS.items()},
    **dict.fromkeys(("major-sixth", "major-minor", "power", "pedal", "suspended-second", "maj69"), "maj"),
    **dict.fromkeys(("dominant-ninth", "dominant-11th", "dominant-13th", "augmented-ninth"), "dom7"),
    **dict.fromkeys(("minor-ninth", "minor-11th", "minor-13th"), "min7"),
    **dict.fromkeys(("major-ninth", "major-11th", "major-13th"), "maj7"),
    **dict.fromkeys(("minor-sixth", "minor-major"), "min"),
    "diminished-seventh": "dim",
    "augmented-seventh": "aug",
}


@dataclass(slots=True)
class _Sheet:
    """What the parts of a file said so far."""

    notes: list[Note] = field(default_factory=list)
    chords: list[ChordSymbol] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    key: Key | None = None
    metre: Metre | None = None
    tempo_bpm: float | None = None
    pickup_ticks: int = 0


def read_musicxml(data: bytes, *, where: str) -> Score:
    """Read a ``.musicxml`` or ``.mxl``; FormatError says what is wrong in ``where``."""
    root = _tree(_unpacked(data, where) if data[:2] == b"PK" else data, where)
    if root.tag != "score-partwise":
        raise FormatError(f"{where}: {root.tag!r} is not a partwise MusicXML score", code="musicxml")
    sheet = _Sheet()
    try:
        for number, part in enumerate(root.findall("part")):
            _read_part(part, number, sheet)
    except (ValueError, ZeroDivisionError, KeyError) as error:
        raise FormatError(f"{where}: a number or name in it cannot be: {error}", code="musicxml") from None
    if not sheet.notes:
        raise FormatError(f"{where}: MusicXML without notes", code="musicxml")
    title = root.findtext("work/work-title") or root.findtext("movement-title") or where.rsplit("/", 1)[-1]
    return Score(
        title=title.strip(),
        notes=tuple(sorted(sheet.notes, key=lambda note: (note.part, note.start_ticks, note.pitch))),
        key=sheet.key,
        metre=sheet.metre,
        chords=tuple(sorted(dict.fromkeys(sheet.chords), key=lambda chord: chord.start_ticks)),
        sections=tuple(sheet.sections),
        pickup_ticks=sheet.pickup_ticks,
        tempo_bpm=sheet.tempo_bpm or 120.0,
        remarks=tuple(_remarks(root)),
    )


def _unpacked(data: bytes, where: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [
                info
                for info in archive.infolist()
                if info.filename.endswith((".xml", ".musicxml")) and not info.filename.startswith("META-INF/")
            ]
            if not inside or inside[0].file_size > _BYTES_MAX:
                raise FormatError(f"{where}: no MusicXML of at most {_BYTES_MAX >> 20} MiB in it", code="musicxml")
            return archive.read(inside[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise FormatError(f"{where}: not a readable archive: {error}", code="musicxml") from None


def _tree(data: bytes, where: str) -> ET.Element:
    if len(data) > _BYTES_MAX or b"<!ENTITY" in data or b"\x00" in data[:200]:
        raise FormatError(f"{where}: MusicXML with entities of its own, in UTF-16 or over 32 MiB", code="musicxml")
    try:
        return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to expand or fetch
    except ET.ParseError as error:
        raise FormatError(f"{where}: not XML: {error}", code="musicxml") from None


def _remarks(root: ET.Element) -> Iterator[tuple[str, str]]:
    for element in root.iter("rights"):
        yield "rights", element.text or ""
    for element in root.findall("identification/creator"):
        yield element.get("type", "creator"), element.text or ""
    for element in root.iter("miscellaneous-field"):
        yield element.get("name", "field"), element.text or ""


# ── a part ───────────────────────────────────────────────────────────────────


def _read_part(part: ET.Element, number: int, sheet: _Sheet) -> None:
    bar, divisions = Fraction(0), Fraction(1)
    ties: dict[int, Note] = {}
    for measure in part.findall("measure"):
        place = start = furthest = bar
        for item in measure:
            length = Fraction(item.findtext("duration") or "0") / divisions
            if item.tag == "attributes":
                divisions = Fraction(item.findtext("divisions") or divisions)
                if divisions <= 0:
                    raise ValueError(f"divisions {divisions}")
                _attributes(item, sheet)
            elif item.tag == "backup":
                place -= length
            elif item.tag == "forward":
                place += length
            elif item.tag == "harmony" and number == 0:
                sheet.chords.append(_chord(item, place + Fraction(item.findtext("offset") or "0") / divisions))
            elif item.tag == "direction" and number == 0:
                _direction(item, place, sheet)
            elif item.tag == "note" and item.find("grace") is None:
                if item.find("chord") is None:
                    start, place = place, place + length
                _note(item, (start, length, number), ties, sheet)
            furthest = max(furthest, place)
        if bar == 0 and number == 0 and sheet.metre and 0 < _ticks(furthest) < sheet.metre.bar_ticks:
            sheet.pickup_ticks = _ticks(furthest)
        bar = furthest
    sheet.notes += ties.values()


def _ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS_PER_QUARTER)


def _attributes(item: ET.Element, sheet: _Sheet) -> None:
    if sheet.key is None and item.find("key/fifths") is not None:
        mode = _MODES.get((item.findtext("key/mode") or "").strip(), Mode.MAJOR)
        sheet.key = Key((int(item.findtext("key/fifths") or 0) * 7 + _TONIC_STEPS[mode]) % 12, mode)
    if sheet.metre is None and item.find("time/beats") is not None:
        beats = sum(int(part) for part in (item.findtext("time/beats") or "4").split("+"))
        unit = int(item.findtext("time/beat-type") or 4)
        if not (0 < beats <= 64 and unit in (1, 2, 4, 8, 16, 32)):
            raise ValueError(f"metre {beats}/{unit}")
        sheet.metre = Metre(beats, unit)


def _pitch_class(item: ET.Element, path: str) -> int:
    step, alter = item.findtext(f"{path}-step") or "C", item.findtext(f"{path}-alter") or "0"
    return (_STEPS[step.strip()] + round(float(alter))) % 12


def _chord(item: ET.Element, place: Fraction) -> ChordSymbol:
    quality = _QUALITIES.get((item.findtext("kind") or "").strip(), "maj")
    root = 0 if item.find("root") is None else _pitch_class(item, "root/root")
    return ChordSymbol(max(0, _ticks(place)), root, quality if item.find("root") is not None else "none")


def _direction(item: ET.Element, place: Fraction, sheet: _Sheet) -> None:
    for mark in item.iter("rehearsal"):
        sheet.sections.append(Section(_ticks(place), (mark.text or "").strip()))
    for sound in item.iter("sound"):
        if sheet.tempo_bpm is None and float(sound.get("tempo") or 0) > 0:
            sheet.tempo_bpm = float(sound.get("tempo") or 0)


def _note(item: ET.Element, at: tuple[Fraction, Fraction, int], ties: dict[int, Note], sheet: _Sheet) -> None:
    start, length, part = at
    pitched = item.find("pitch")
    if pitched is None or length <= 0:
        return
    step, octave = (pitched.findtext("step") or "").strip(), int(pitched.findtext("octave") or 4)
    pitch = 12 * (octave + 1) + _STEPS[step] + round(float(pitched.findtext("alter") or 0))
    if not 0 <= pitch <= 127:
        raise ValueError(f"pitch {pitch}")
    note = Note(_ticks(start), max(1, _ticks(start + length) - _ticks(start)), pitch, part)
    held = ties.pop(pitch, None)
    kinds = {tie.get("type") for tie in item.findall("tie")}
    if held and "stop" in kinds and held.stop_ticks == note.start_ticks:
        note = Note(held.start_ticks, held.duration_ticks + note.duration_ticks, pitch, part)
    elif held:
        sheet.notes.append(held)
    if "start" in kinds:
        ties[pitch] = note
    else:
        sheet.notes.append(note)
