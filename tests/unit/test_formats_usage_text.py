import gzip
import hashlib
from pathlib import Path

import pytest

from linernotes.errors import FormatError
from linernotes.formats.usage_text import LINE_BYTES_MAX, first_lines, settle


def settled(tmp_path: Path, data: bytes, *, name: str = "report.tsv") -> tuple[bytes, int, list[str], str]:
    path, folder = tmp_path / name, tmp_path / "beside"
    path.write_bytes(data)
    folder.mkdir(exist_ok=True)
    text = settle(path, folder)
    return text.path.read_bytes(), text.n_lines, [f"{f.line}: {f.reason}" for f in text.faults], text.sha256


@pytest.mark.parametrize("data", [b"a\tb\nc\n", b"a\r\nb\r\n", "\ufeffä\n\nö".encode(), b"\n", b"x"])
def test_a_fine_text_is_used_where_it_lies(tmp_path: Path, data: bytes) -> None:
    read, n_lines, faults, digest = settled(tmp_path, data)
    assert (read, faults) == (data, [])
    assert n_lines == len(data.decode().splitlines())
    assert digest == hashlib.sha256(data).hexdigest()


def test_a_gzip_has_the_digest_of_what_is_inside(tmp_path: Path) -> None:
    data = b"a\nb\n" * 1000
    assert settled(tmp_path, gzip.compress(data)) == settled(tmp_path, data)
    assert settled(tmp_path, gzip.compress(data[:1000]) + gzip.compress(data[1000:])) == settled(tmp_path, data)


def test_a_gzip_cut_short_or_damaged_is_one_clear_error(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(range(256)) * 5000)
    with pytest.raises(FormatError, match=r"report\.tsv: the gzip is cut short; ask for the file again"):
        settled(tmp_path, packed[: len(packed) // 2])
    with pytest.raises(FormatError, match="damaged gzip"):
        settled(tmp_path, packed[:-8] + b"\0" * 8)
    with pytest.raises(FormatError, match=r"damaged gzip|cut short"):
        settled(tmp_path, b"\x1f\x8bnothing")
    with pytest.raises(FormatError, match=r"damaged gzip|cut short"):
        first_lines(tmp_path / "report.tsv")


def test_utf_16_is_turned_round(tmp_path: Path) -> None:
    read, n_lines, faults, _ = settled(tmp_path, "période\tée\r\nx\ty\r\n".encode("utf-16"))
    assert (read.decode().split(), n_lines, faults) == (["période", "ée", "x", "y"], 2, [])
    assert first_lines(tmp_path / "report.tsv") == ["période\tée", "x\ty"]


def test_a_hostile_line_is_emptied_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    long = b"x" * (3 * LINE_BYTES_MAX)
    data = b"one\n\xff bad\nthr\0ee\nfo\rur\n" + long + b"\nsix\r\n" + long
    read, n_lines, faults, _ = settled(tmp_path, data)
    assert read == b"one\n\n\n\n\nsix\n\n"
    assert n_lines == 7
    assert faults == [
        "2: not UTF-8: byte 0xff at place 1",
        "3: a NUL in the line",
        "4: a carriage return within the line",
        f"5: the line is longer than {LINE_BYTES_MAX} bytes",
        f"7: the line is longer than {LINE_BYTES_MAX} bytes",
    ]


def test_lines_that_cross_blocks_are_counted_once(tmp_path: Path) -> None:
    line = "é" * 300 + "\n"
    data = line.encode() * 20_000
    read, n_lines, faults, _ = settled(tmp_path, data)
    assert (read == data, n_lines, faults) == (True, 20_000, [])


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="an empty file"):
        settled(tmp_path, b"")
    with pytest.raises(FormatError, match="no such file"):
        settle(tmp_path / "none.tsv", tmp_path)
    with pytest.raises(FormatError, match="no such file"):
        first_lines(tmp_path)
