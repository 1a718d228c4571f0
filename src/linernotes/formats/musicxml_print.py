"""MusicXML, out: a lead sheet that a notation program opens.

Conventions
-----------
One part for the lead, one for the drums where there are any; a measure for each bar, the first one short for a pickup.
A note over a bar line is tied. A pitch is spelt with sharps or flats as its key has them. Divisions are 24 to a
quarter.

Source: MusicXML 4.0, W3C Community Group report, 2021.
"""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from linernotes.formats.musicxml import KINDS
from linernotes.model.scores import TICKS_PER_QUARTER, ChordSymbol, Key, Metre, Mode, Note, Score

__all__ = ["write_musicxml"]

_DIVISIONS = 24
_STEP = TICKS_PER_QUARTER // _DIVISIONS
_SHARP = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_TYPES = {96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}
_DRUM_PLACES = {36: ("F", 4), 38: ("C", 5), 42: ("G", 5), 46: ("G", 5), 45: ("A", 4), 50: ("D", 5)}


def write_musicxml(score: Score) -> bytes:
    """Write a score of one line, with chord symbols, sections and drums."""
    root = ET.Element("score-partwise", version="4.0")
    _text(root, "work/work-title", score.title)
    identification = ET.SubElement(root, "identification")
    for name, text in score.remarks:
        if name in ("rights", "copyright"):
            ET.SubElement(identification, "rights").text = text
    miscellaneous = ET.SubElement(identification, "miscellaneous")
    for name, text in score.remarks:
        if name not in ("rights", "copyright", "title"):
            ET.SubElement(miscellaneous, "miscellaneous-field", name=name).text = text
    parts = [("P1", "Lead", score.notes), ("P2", "Drums", score.drums)]
    listed = ET.SubElement(root, "part-list")
    for number, name, notes in parts:
        if notes or number == "P1":
            ET.SubElement(ET.SubElement(listed, "score-part", id=number), "part-name").text = name
    for number, name, notes in parts:
        if notes or number == "P1":
            _part(ET.SubElement(root, "part", id=number), score, notes, is_drums=name == "Drums")
    ET.indent(root)
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">'
    )
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n{body}\n'.encode()


def _text(parent: ET.Element, path: str, text: object) -> None:
    for name in path.split("/"):
        parent = ET.SubElement(parent, name)
    parent.text = str(text)


def _bars(score: Score) -> Iterator[tuple[int, int]]:
    """Yield where each bar begins and ends, in ticks."""
    bar = (score.metre or Metre()).bar_ticks
    start, stop = 0, score.pickup_ticks or bar
    while start == 0 or start < score.stop_ticks:
        yield start, stop
        start, stop = stop, stop + bar


def _part(part: ET.Element, score: Score, notes: Sequence[Note], *, is_drums: bool) -> None:
    number = 0 if score.pickup_ticks else 1
    for start, stop in _bars(score):
        measure = ET.SubElement(part, "measure", number=str(number))
        if start == 0:
            if score.pickup_ticks:
                measure.set("implicit", "yes")
            _attributes(measure, score, is_drums=is_drums)
        if not is_drums:
            for section in score.sections:
                if start <= section.start_ticks < stop:
                    _text(measure, "direction/direction-type/rehearsal", section.name)
        _bar(
            measure,
            score,
            [note for note in notes if note.start_ticks < stop and note.stop_ticks > start],
            (start, stop),
            is_drums=is_drums,
        )
        number += 1


def _attributes(measure: ET.Element, score: Score, *, is_drums: bool) -> None:
    key, metre = score.key or Key(0), score.metre or Metre()
    attributes = ET.SubElement(measure, "attributes")
    _text(attributes, "divisions", _DIVISIONS)
    signature = ET.SubElement(attributes, "key")
    _text(signature, "fifths", key.fifths)
    _text(signature, "mode", key.mode if key.mode in (Mode.MAJOR, Mode.MINOR) else key.mode.value)
    time = ET.SubElement(attributes, "time")
    _text(time, "beats", metre.beats)
    _text(time, "beat-type", metre.unit)
    _text(attributes, "clef/sign", "percussion" if is_drums else "G")
    if not is_drums:
        direction = ET.SubElement(measure, "direction")
        _text(direction, "direction-type/words", f"♩ = {score.tempo_bpm:.0f}")
        ET.SubElement(direction, "sound", tempo=f"{score.tempo_bpm:.2f}")


def _bar(measure: ET.Element, score: Score, notes: Sequence[Note], bounds: tuple[int, int], *, is_drums: bool) -> None:
    """Write what sounds in a bar, in order; rests between, chord symbols where they begin."""
    start, stop = bounds
    chords = [] if is_drums else [chord for chord in score.chords if start <= chord.start_ticks < stop]
    now = start
    for number, note in enumerate(notes):
        begins = max(start, note.start_ticks)
        later = [other.start_ticks for other in notes[number + 1 :] if other.start_ticks > begins]
        ends = min([stop, note.stop_ticks, *later]) if is_drums else min(stop, note.stop_ticks)
        together = is_drums and number > 0 and notes[number - 1].start_ticks == note.start_ticks
        if begins > now:
            _silence(measure, chords, now, begins, score)
        _harmonies(measure, chords, begins, ends, score)
        _note(measure, note, (begins, ends), score, is_drums=is_drums, together=together)
        now = max(now, ends)
    if now < stop:
        _silence(measure, chords, now, stop, score)


def _silence(measure: ET.Element, chords: list[ChordSymbol], start: int, stop: int, score: Score) -> None:
    _harmonies(measure, chords, start, stop, score)
    note = ET.SubElement(measure, "note")
    ET.SubElement(note, "rest")
    _length(note, stop - start)


def _harmonies(measure: ET.Element, chords: list[ChordSymbol], start: int, stop: int, score: Score) -> None:
    """Write the chord symbols that begin before ``stop``; each once."""
    while chords and chords[0].start_ticks < stop:
        chord = chords.pop(0)
        harmony = ET.SubElement(measure, "harmony")
        name = _spelt(chord.root, score.key)
        root = ET.SubElement(harmony, "root")
        _text(root, "root-step", name[0])
        _text(root, "root-alter", _alter(name))
        _text(harmony, "kind", KINDS[chord.quality])
        if chord.start_ticks > start:
            _text(harmony, "offset", (chord.start_ticks - start) // _STEP)


def _note(
    measure: ET.Element, note: Note, sounding: tuple[int, int], score: Score, *, is_drums: bool, together: bool
) -> None:
    item = ET.SubElement(measure, "note")
    if together:
        ET.SubElement(item, "chord")
    if is_drums:
        step, octave = _DRUM_PLACES.get(note.pitch, ("E", 5))
        unpitched = ET.SubElement(item, "unpitched")
        _text(unpitched, "display-step", step)
        _text(unpitched, "display-octave", octave)
    else:
        name = _spelt(note.pitch % 12, score.key)
        pitch = ET.SubElement(item, "pitch")
        _text(pitch, "step", name[0])
        _text(pitch, "alter", _alter(name))
        _text(pitch, "octave", (note.pitch - _alter(name)) // 12 - 1)
    ties = ["stop"] if sounding[0] > note.start_ticks else []
    ties += ["start"] if sounding[1] < note.stop_ticks and not is_drums else []
    _text(item, "duration", max(1, (sounding[1] - sounding[0]) // _STEP))
    for kind in ties:
        ET.SubElement(item, "tie", type=kind)
    _type(item, (sounding[1] - sounding[0]) // _STEP)
    if ties:
        notations = ET.SubElement(item, "notations")
        for kind in ties:
            ET.SubElement(notations, "tied", type=kind)


def _length(item: ET.Element, ticks: int) -> None:
    _text(item, "duration", max(1, ticks // _STEP))
    _type(item, ticks // _STEP)


def _type(item: ET.Element, length: int) -> None:
    """Say which note value a length is, where it is one, dotted or of a triplet; programs find others themselves."""
    for value, name in _TYPES.items():
        if length in (value, value * 3 // 2):
            _text(item, "type", name)
            if length != value:
                ET.SubElement(item, "dot")
            return
        if length * 3 == value * 2:
            _text(item, "type", name)
            modification = ET.SubElement(item, "time-modification")
            _text(modification, "actual-notes", 3)
            _text(modification, "normal-notes", 2)
            return


def _spelt(pitch_class: int, key: Key | None) -> str:
    return (_FLAT if key is not None and key.fifths < 0 else _SHARP)[pitch_class]


def _alter(name: str) -> int:
    return name.count("#") - name.count("b")
