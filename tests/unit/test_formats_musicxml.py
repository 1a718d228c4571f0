from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from linernotes.formats.musicxml_print import write_musicxml
from linernotes.formats.scores import read_score
from linernotes.model.scores import ChordSymbol, Key, Metre, Mode, Note, Score, Section


@pytest.fixture
def score() -> Score:
    notes = (Note(0, 480, 62), Note(480, 720, 65), Note(1200, 960, 70), Note(2400, 160, 69), Note(2560, 160, 67))
    return Score(
        title="Tied & dotted",
        notes=notes,
        key=Key(2, Mode.MINOR),
        metre=Metre(3, 4),
        chords=(ChordSymbol(480, 2, "min"), ChordSymbol(1920, 10, "maj7")),
        sections=(Section(0, "A"), Section(1920, "B")),
        drums=(Note(480, 60, 36), Note(480, 60, 42), Note(960, 60, 38)),
        pickup_ticks=480,
        tempo_bpm=96.0,
        remarks=(("copyright", "Made by hand"),),
    )


def test_what_is_written_is_read_again(score: Score, tmp_path: Path) -> None:
    (tmp_path / "score.musicxml").write_bytes(write_musicxml(score))
    back = read_score(tmp_path / "score.musicxml")
    assert [note for note in back.notes if note.part == 0] == list(score.notes)
    assert (back.key, back.metre, back.pickup_ticks, back.tempo_bpm) == (score.key, score.metre, 480, 96.0)
    assert (back.chords, back.sections, back.title) == (score.chords, score.sections, score.title)
    assert ("rights", "Made by hand") in back.remarks


def test_every_measure_is_full_and_the_first_is_a_pickup(score: Score) -> None:
    root = ET.fromstring(write_musicxml(score))
    for part in root.findall("part"):
        lengths = []
        for measure in part.findall("measure"):
            notes = [note for note in measure.findall("note") if note.find("chord") is None]
            lengths.append(sum(int(note.findtext("duration") or 0) for note in notes))
        assert lengths[0] == 24
        assert set(lengths[1:]) == {72}
        assert part.findall("measure")[0].get("implicit") == "yes"
