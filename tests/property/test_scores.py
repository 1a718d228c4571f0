"""Scores from strangers: whatever a file holds, it is a score or a FormatError, and never anything else."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linernotes.errors import FormatError
from linernotes.formats.midi import write_midi
from linernotes.formats.musicxml_print import write_musicxml
from linernotes.formats.scores import read_score
from linernotes.learn.leads import lead_sheet
from linernotes.learn.tokens import Vocabulary
from tests.model_samples import tune

KERN = b"""**kern\t**kern
*k[f#]\t*
*G:\t*
*M3/4\t*M3/4
*^\t*
4G\t4e\t4b
*v\t*v\t*
=1\t=1
[2G\t4.dd
.\t8cc#
4G]\t4r
*-\t*-
"""
ABC = b'X:1\nT:Tune\nM:6/8\nL:1/8\nQ:90\nK:Ddor\n"Dm7"D2 E F>G A|(3ABc [ce]2 z|1 ^F2 G-G3:|2 {g}a4 b2|]\n'
FILES = (write_midi(tune(1)), write_musicxml(tune(2)), KERN, ABC)


@given(
    data=st.sampled_from(FILES),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 255), st.sampled_from(["set", "cut", "add"])), max_size=6
    ),
)
@settings(max_examples=300)
def test_a_damaged_file_is_a_score_or_a_format_error(data: bytes, changes: list[tuple[float, int, str]]) -> None:
    damaged = bytearray(data)
    for place, value, how in changes:
        at = int(place * max(0, len(damaged) - 1))
        if how == "set" and damaged:
            damaged[at] = value
        elif how == "cut":
            del damaged[at : at + value]
        else:
            damaged[at:at] = bytes([value])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(damaged)
        try:
            sheet = lead_sheet(read_score(path))
            tokens = Vocabulary().encode(sheet)
        except FormatError:
            return
        assert Vocabulary().decode(tokens) is not None


@pytest.mark.parametrize("data", FILES)
def test_what_is_not_damaged_is_a_score(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    assert read_score(tmp_path / "file").notes
