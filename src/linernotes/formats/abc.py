"""ABC notation: read.

Conventions
-----------
The first tune of a file, its first voice; notes, rests, broken rhythm, tuplets, ties, accidentals until the bar ends,
chord symbols in quotes, ``P:`` as sections. Grace notes and decorations are left out; repeats are not unfolded.

Source: The ABC music standard 2.1, abcnotation.com, 2011.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction

from linernotes.errors import FormatError
from linernotes.model.scores import TICKS_PER_QUARTER, ChordSymbol, Key, Metre, Mode, Note, Score, Section

__all__ = ["read_abc"]

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MODES = {
    "": Mode.MAJOR,
    "maj": Mode.MAJOR,
    "ion": Mode.MAJOR,
    "m": Mode.MINOR,
    "min": Mode.MINOR,
    "aeo": Mode.MINOR,
    "dor": Mode.DORIAN,
    "mix": Mode.MIXOLYDIAN,
}
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]{0,3})")
_ITEM = re.compile(
    r'"(?P<quoted>[^"]*)"|\((?P<tuplet>[2-9])(?::\d*)*|\{[^}]*\}|![^!]*!|\[(?P<field>[A-Za-z]):(?P<value>[^\]]*)\]'
    r"|(?P<bar>[|:\]]+[|:\[\]]*\d*|\[\d|\[\|)|(?P<open>\[)"
    r"|(?P<accidental>\^{1,2}|_{1,2}|=)?(?P<letter>[A-Ga-gzx])(?P<octave>[,']*)(?P<length>\d*/*\d*)(?P<tie>-?)"
    r"|(?P<broken>[<>]+)"
)
_CHORD = re.compile(r"([A-G])([#b]?)(.*)")
_QUALITY = (
    ("maj7", "maj7"),
    ("m7b5", "hdim7"),
    ("dim", "dim"),
    ("aug", "aug"),
    ("+", "aug"),
    ("sus", "sus4"),
    ("m7", "min7"),
    ("min7", "min7"),
    ("min", "min"),
    ("m", "min"),
    ("7", "dom7"),
    ("9", "dom7"),
)
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


@dataclass(slots=True)
class _Tune:
    key: Key | None = None
    metre: Metre | None = None
    unit: Fraction | None = None
    tempo_bpm: float = 120.0
    remarks: list[tuple[str, str]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    chords: list[ChordSymbol] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    now: Fraction = Fraction(0)
    first_bar: Fraction | None = None
    altered: dict[str, int] = field(default_factory=dict)
    factor: Fraction = Fraction(1)  # what broken rhythm asks of the next note
    tuplet: tuple[int, Fraction] = (0, Fraction(1))
    tied: Note | None = None
    voices: list[str] = field(default_factory=list)  # in order of appearance
    voice: str = ""


def read_abc(data: bytes, *, where: str) -> Score:
    """Read the first tune of an ABC file; FormatError says what is wrong in ``where``."""
    tune, begun = _Tune(), False
    for line in data.decode("utf-8", errors="replace").splitlines():
        text = line.split("%")[0].rstrip()
        if line.startswith("%%"):
            name, _, value = line[2:].partition(" ")
            tune.remarks.append((name, value.strip()))
        elif re.match(r"[A-Za-z]:", text):
            if text[0] == "X" and begun:
                break
            begun = begun or text[0] == "K"
            _field(tune, text[0], text[2:].strip(), where)
        elif begun and text and tune.voice in [*tune.voices[:1], ""]:
            _line(tune, text, where)
    if not tune.notes:
        raise FormatError(f"{where}: ABC without notes", code="abc")
    first = round((tune.first_bar or Fraction(0)) * TICKS_PER_QUARTER)
    return Score(
        title=next((text for name, text in tune.remarks if name == "T"), where.rsplit("/", 1)[-1]),
        notes=tuple(tune.notes),
        key=tune.key,
        metre=tune.metre,
        chords=tuple(tune.chords),
        sections=tuple(tune.sections),
        pickup_ticks=first if tune.metre and first < tune.metre.bar_ticks else 0,
        tempo_bpm=tune.tempo_bpm,
        remarks=tuple(tune.remarks),
    )


def _field(tune: _Tune, name: str, value: str, where: str) -> None:
    tune.remarks.append((name, value))
    if name == "V" and value:
        tune.voice = value.split(maxsplit=1)[0]
        tune.voices += [tune.voice] if tune.voice not in tune.voices else []
    elif name == "M" and not tune.notes:
        found = re.match(r"(\d+)/(\d+)", {"C": "4/4", "C|": "2/2"}.get(value, value))
        if found and int(found[1]) and int(found[2]) in (1, 2, 4, 8, 16):
            tune.metre = Metre(int(found[1]), int(found[2]))
    elif name == "L":
        found = re.match(r"(\d+)/(\d+)$", value)
        if found is None or not int(found[2]) or not int(found[1]):
            raise FormatError(f"{where}: L:{value} is not a length", code="abc")
        tune.unit = Fraction(int(found[1]), int(found[2])) * 4
    elif name == "Q" and (found := re.search(r"(\d+)\s*$", value)) and int(found[1]):
        tune.tempo_bpm = float(found[1])
    elif name == "K" and (found := _KEY.match(value)) and tune.key is None:
        tonic = (_STEPS[found[1]] + (found[2] == "#") - (found[2] == "b")) % 12
        tune.key = Key(tonic, _MODES.get(found[3].lower(), Mode.MAJOR))
    elif name == "P" and tune.key is not None:
        tune.sections.append(Section(round(tune.now * TICKS_PER_QUARTER), value))


def _line(tune: _Tune, text: str, where: str) -> None:
    chord_start: Fraction | None = None
    for item in _ITEM.finditer(text):
        if item["quoted"] is not None:
            _quoted(tune, item["quoted"])
        elif item["tuplet"]:
            count = int(item["tuplet"])
            tune.tuplet = (count, Fraction(_TUPLET_TIME.get(count, 2), count))
        elif item["field"]:
            _field(tune, item["field"], item["value"].strip(), where)
        elif item["open"]:
            chord_start = tune.now
        elif item["bar"]:
            if chord_start is not None and item["bar"].startswith("]"):
                chord_start = None
            else:
                _bar(tune)
        elif item["broken"]:
            _broken(tune, item["broken"])
        elif item["letter"]:
            if chord_start is not None:
                tune.now = chord_start
            _note(tune, item)


def _bar(tune: _Tune) -> None:
    tune.altered.clear()
    if tune.first_bar is None and tune.now > 0:
        tune.first_bar = tune.now


def _quoted(tune: _Tune, text: str) -> None:
    found = _CHORD.match(text)
    if found:
        root = (_STEPS[found[1]] + (found[2] == "#") - (found[2] == "b")) % 12
        quality = next((quality for sign, quality in _QUALITY if found[3].startswith(sign)), "maj")
        tune.chords.append(ChordSymbol(round(tune.now * TICKS_PER_QUARTER), root, quality))


def _broken(tune: _Tune, signs: str) -> None:
    """Lengthen the note before and shorten the next, or the other way round: ``A>B``."""
    small = Fraction(1, 2 ** len(signs))
    mine, following = (2 - small, small) if signs[0] == ">" else (small, 2 - small)
    tune.factor = following
    if tune.notes:
        last = tune.notes.pop()
        start = Fraction(last.start_ticks, TICKS_PER_QUARTER)
        length = Fraction(last.duration_ticks, TICKS_PER_QUARTER) * mine
        tune.notes.append(Note(last.start_ticks, round(length * TICKS_PER_QUARTER), last.pitch))
        tune.now = start + length


def _length(text: str) -> Fraction:
    over, slash, under = text.partition("/")
    slashes = 1 + under.count("/") if slash else 0
    digits = under.strip("/")
    return Fraction(int(over or 1), (int(digits) or 1) if digits else 2**slashes)


def _note(tune: _Tune, item: re.Match[str]) -> None:
    bar = tune.metre.bar_ticks if tune.metre else 4 * TICKS_PER_QUARTER
    default = Fraction(1, 2) if bar >= 3 * TICKS_PER_QUARTER else Fraction(1, 4)
    length = _length(item["length"]) * (tune.unit or default) * tune.factor
    tune.factor = Fraction(1)
    if tune.tuplet[0]:
        length *= tune.tuplet[1]
        tune.tuplet = (tune.tuplet[0] - 1, tune.tuplet[1])
    start, stop = round(tune.now * TICKS_PER_QUARTER), round((tune.now + length) * TICKS_PER_QUARTER)
    tune.now += length
    if item["letter"] in "zx" or stop <= start:
        return
    letter = item["letter"].upper()
    if item["accidental"]:
        tune.altered[letter] = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}[item["accidental"]]
    alter = tune.altered.get(letter, _signature(tune.key).get(letter, 0))
    octave = 5 if item["letter"].islower() else 4
    pitch = 12 * (octave + 1 + item["octave"].count("'") - item["octave"].count(",")) + _STEPS[letter] + alter
    note = Note(start, stop - start, min(127, max(0, pitch)))
    if tune.tied and tune.tied.pitch == note.pitch and tune.tied.stop_ticks == start:
        tune.notes.remove(tune.tied)
        note = Note(tune.tied.start_ticks, stop - tune.tied.start_ticks, note.pitch)
    tune.notes.append(note)
    tune.tied = note if item["tie"] else None


def _signature(key: Key | None) -> dict[str, int]:
    fifths = key.fifths if key else 0
    return dict.fromkeys(_SHARPS[:fifths], 1) if fifths > 0 else dict.fromkeys(_FLATS[:-fifths], -1)
