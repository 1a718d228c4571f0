"""The lines of a table, cut into cells; one that cannot be cut spoils no other."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from linernotes.errors import FormatError

__all__ = ["Header", "Line", "no_text", "read_cells"]

Line = tuple[int, list[str] | str]
"""The number of a line, and its cells, or what is wrong with it."""

_LINES_MAX = 5_000_000
_CELL_CHARACTERS_MAX = 20_000
_CHUNK_LINES = 10_000
_BLOCK_LINES = 1000


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says: what separates cells, which column is which, which are left alone."""

    delimiter: str
    columns: Sequence[str]
    ignored: Sequence[str]
    encoding: str


def read_cells(path: Path, header: Header) -> Iterator[list[Line]]:
    """Yield the lines after the header, some thousand at a time.

    Raises FormatError if the file is not text or too long.
    """
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    chunk: list[Line] = []
    try:
        with path.open(encoding=header.encoding, newline="") as handle:
            handle.readline()
            for lines in _cut(handle, header.delimiter):
                if lines and (number := lines[-1][0]) > _LINES_MAX:
                    raise FormatError(f"{path}:{number}: more than {_LINES_MAX} lines; split the table")
                chunk += lines
                if len(chunk) >= _CHUNK_LINES:
                    yield chunk
                    chunk = []
    except UnicodeDecodeError as error:
        raise no_text(path, error) from None
    if chunk:
        yield chunk


def _cut(source: Iterator[str], delimiter: str) -> Iterator[list[Line]]:
    """Cut lines into cells: a block of them at once, if each is a row of its own."""
    number = 2
    while block := list(islice(source, _BLOCK_LINES)):
        try:
            rows = list(csv.reader(block, delimiter=delimiter, strict=True))
        except csv.Error:
            rows = []
        if len(rows) == len(block):
            yield [(at, cells) for at, cells in enumerate(rows, number) if _says_something(cells)]
            number += len(block)
        else:
            for ends, lines in _cut_singly(block, source, delimiter, number):
                number = ends
                yield lines


def _cut_singly(
    block: Sequence[str], below: Iterator[str], delimiter: str, number: int
) -> Iterator[tuple[int, list[Line]]]:
    """Cut a block into rows, with lines below where the last goes on; yield where each ends, and the row.

    After a row that cannot be cut, go on with the line below where it began.
    """
    waiting = [*reversed(block)]
    held: list[str] = []  # the lines of the row being read

    def feed() -> Iterator[str]:
        while line := waiting.pop() if waiting else next(below, ""):
            held.append(line)
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while waiting:
        try:
            cells = next(reader)
        except csv.Error as error:
            yield number + 1, [(number, f"not a CSV line ({error}); is a quote not closed?")]
            number += 1
            waiting += reversed(held[1:])
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        else:
            number += len(held)
            yield number, [(number - 1, cells)] if _says_something(cells) else []
        held.clear()


def _says_something(cells: Sequence[str]) -> bool:
    text = "".join(cells)
    return bool(text) and not text.isspace()


def no_text(path: Path, error: UnicodeDecodeError) -> FormatError:
    """Return what to say of a file that is not text."""
    return FormatError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8")
