"""The lines of a table, cut into cells; one that cannot be cut spoils no other."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linernotes.errors import FormatError

__all__ = ["Header", "no_text", "read_cells"]

_LINES_MAX = 5_000_000
_CELL_CHARACTERS_MAX = 20_000
_CHUNK_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says: what separates cells, which column is which, which are left alone."""

    delimiter: str
    columns: Sequence[str]
    ignored: Sequence[str]
    encoding: str


def read_cells(path: Path, header: Header) -> Iterator[list[tuple[int, list[str] | str]]]:
    """Yield the lines after the header, some thousand at a time: number and cells, or what is wrong with the line.

    Raises FormatError if the file is not text or too long.
    """
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    chunk: list[tuple[int, list[str] | str]] = []
    try:
        with path.open(encoding=header.encoding, newline="") as handle:
            handle.readline()
            for number, cells in _cut(handle, header.delimiter):
                if number > _LINES_MAX:
                    raise FormatError(f"{path}:{number}: more than {_LINES_MAX} lines; split the table")
                chunk.append((number, cells))
                if len(chunk) >= _CHUNK_LINES:
                    yield chunk
                    chunk = []
    except UnicodeDecodeError as error:
        raise no_text(path, error) from None
    if chunk:
        yield chunk


def _cut(handle: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Cut lines into cells; after one that cannot be cut, go on with the line below where it began."""
    source = iter(handle)
    held: list[str] = []  # the lines of the row being read
    again: list[str] = []  # lines that a quote never closed had swallowed

    def feed() -> Iterator[str]:
        while again or (line := next(source, "")):
            held.append(again.pop() if again else line)
            yield held[-1]

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    number = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number + 1, f"not a CSV line ({error}); is a quote not closed?"
            again += reversed(held[1:])
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
            number += 1
        else:
            if cells is None:
                return
            if (text := "".join(cells)) and not text.isspace():
                yield number + len(held), cells
            number += len(held)
        held.clear()


def no_text(path: Path, error: UnicodeDecodeError) -> FormatError:
    """Return what to say of a file that is not text."""
    return FormatError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8")
