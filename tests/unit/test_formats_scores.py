from pathlib import Path

import pytest

from linernotes.errors import FormatError
from linernotes.formats.midi import write_midi
from linernotes.formats.scores import read_score
from linernotes.model.scores import ChordSymbol, Key, Metre, Mode, Note, Score

KERN = (
    b"!!!OTL: Scale\n"
    b"**kern\t**kern\n*G:\t*G:\n*M3/4\t*M3/4\n4G\t4b\n=1\t=1\n[2G\t4.dd\n.\t8cc#\n4G]\t4r\n=\t=\n*-\t*-\n"
)
ABC = b'X:1\nT:Scale\nM:6/8\nL:1/8\nK:Ddor\n%%rights nobody\n"Dm"D2 E F>G A | (3ABc d2 z |\nP:B\n^F2 G- G3 |]\n'
MUSICXML = b"""<?xml version="1.0"?><score-partwise><work><work-title>Scale</work-title></work>
<identification><rights>All reserved</rights></identification><part id="P1">
<measure number="1"><attributes><divisions>2</divisions><key><fifths>1</fifths><mode>major</mode></key>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
<harmony><root><root-step>G</root-step></root><kind>dominant-ninth</kind></harmony>
<note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>2</duration></note>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration><tie type="start"/></note></measure>
<measure number="2"><note><pitch><step>G</step><octave>4</octave></pitch><duration>4</duration><tie type="stop"/></note>
</measure></part></score-partwise>"""


def read(tmp_path: Path, data: bytes) -> Score:
    (tmp_path / "piece").write_bytes(data)
    return read_score(tmp_path / "piece")


def spans(score: Score, part: int = 0) -> list[tuple[int, int, int]]:
    return [(note.start_ticks, note.duration_ticks, note.pitch) for note in score.notes if note.part == part]


def test_kern_has_the_highest_voice_first_and_joins_ties(tmp_path: Path) -> None:
    score = read(tmp_path, KERN)
    assert (score.title, score.key, score.metre, score.pickup_ticks) == ("Scale", Key(7), Metre(3, 4), 480)
    assert spans(score) == [(0, 480, 71), (480, 720, 74), (1200, 240, 73)]
    assert spans(score, 1) == [(0, 480, 55), (480, 1440, 55)]


def test_abc_knows_modes_broken_rhythm_tuplets_and_accidentals(tmp_path: Path) -> None:
    score = read(tmp_path, ABC)
    assert (score.key, score.metre) == (Key(2, Mode.DORIAN), Metre(6, 8))
    assert [pitch for _, _, pitch in spans(score)] == [62, 64, 65, 67, 69, 69, 71, 72, 74, 66, 67]
    assert [length for _, length, _ in spans(score)] == [480, 240, 360, 120, 240, 160, 160, 160, 480, 480, 960]
    assert score.chords == (ChordSymbol(0, 2, "min"),)
    assert ("rights", "nobody") in score.remarks
    assert [section.start_ticks for section in score.sections] == [2640]


def test_abc_has_the_first_of_its_voices_alone(tmp_path: Path) -> None:
    score = read(tmp_path, b"X:1\nM:2/4\nL:1/4\nK:C\nV:1 name=Tune\nC D|\nV:2\nE, G,|\nV:1\nE F|\n")
    assert [pitch for _, _, pitch in spans(score)] == [60, 62, 64, 65]


def test_musicxml_joins_ties_and_keeps_rights(tmp_path: Path) -> None:
    score = read(tmp_path, MUSICXML)
    assert (score.key, score.metre) == (Key(7), Metre(2, 4))
    assert spans(score) == [(0, 480, 66), (480, 1440, 67)]
    assert score.chords == (ChordSymbol(0, 7, "dom7"),)
    assert ("rights", "All reserved") in score.remarks


def test_midi_comes_back_as_it_was_written(tmp_path: Path) -> None:
    notes = tuple(Note(480 * step, 480, 60 + step) for step in range(8))
    drums = (Note(0, 60, 36), Note(480, 60, 38))
    score = Score("Scale", notes, Key(9, Mode.MINOR), Metre(3, 4), drums=drums, pickup_ticks=480, tempo_bpm=90.0)
    back = read(tmp_path, write_midi(score))
    assert (back.notes, back.drums, back.key, back.metre) == (notes, drums, score.key, score.metre)
    assert (back.pickup_ticks, round(back.tempo_bpm), back.title) == (480, 90, "Scale")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MThd",
        b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\x90\x3c",
        b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0",
        b"MThd\0\0\0\6\0\2\0\1\1\xe0",
        b"PK\3\4 not a zip",
        b"<score-partwise>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><score-partwise/>',
        b"<html/>",
        b"**kern\n4Q\n*-\n",
        b"**kern\t**kern\n4c\n",
        b"X:1\nK:C\n",
        b"X:1\nL:1/0\nK:C\nC",
    ],
)
def test_what_is_no_score_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FormatError, match="piece"):
        read(tmp_path, data)
