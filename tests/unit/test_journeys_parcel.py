"""Parcels: whatever goes in comes out, under a name of its own, and any part of it is small."""

import io
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from linernotes.journeys.parcel import parcel

NAMES = st.text(st.characters(min_codepoint=32, exclude_characters="/\\", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.lists(st.tuples(NAMES.filter(lambda name: len(name.encode()) < 1000), st.binary(max_size=99)), max_size=6))
def test_what_goes_in_comes_out_each_under_a_name_of_its_own(files: list[tuple[str, bytes]]) -> None:
    packed = zipfile.ZipFile(io.BytesIO(b"".join(parcel(files))))
    assert packed.testzip() is None
    assert [packed.read(info) for info in packed.infolist()] == [content for _, content in files]
    assert len({name.lower() for name in packed.namelist()}) == len(files)


def test_a_large_file_is_sent_in_parts_and_the_same_parcel_twice(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(bytes(3 * 2**20))
    files: list[tuple[str, Path | bytes]] = [
        ("song.wav", tmp_path / "song.wav"),
        ("SONG.wav", b"another"),
        ("song", b"x"),
        ("song", b"y"),
    ]
    parts = list(parcel(files))
    assert max(map(len, parts)) < 2**19
    assert zipfile.ZipFile(io.BytesIO(b"".join(parts))).namelist() == ["song.wav", "SONG-2.wav", "song", "song-2"]
    assert b"".join(parcel(files)) == b"".join(parts)
