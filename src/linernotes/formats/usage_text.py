"""The text of a report, ready to be read set-wise: whole lines of UTF-8, each ended alike, none of them hostile.

Conventions
-----------
A file is read once, in blocks: its SHA-256 (of what is inside, where it is gzipped), its lines counted, its bytes
checked. A file that is fine is used where it lies. One that is gzipped or UTF-16 is laid out beside; a line that holds
a NUL, what is no UTF-8, a carriage return of its own or more than a mebibyte becomes empty there and a fault here, so
that the numbers of the other lines stay.
"""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from linernotes.errors import FormatError
from linernotes.model.usage import UsageFault

__all__ = ["LINE_BYTES_MAX", "UsageText", "first_lines", "settle"]

LINE_BYTES_MAX = 1 << 20

_BLOCK_BYTES = 4 << 20
_LOOK_BYTES = 1 << 16
_TEXT_BYTES_MAX = 256 << 30
_RAW_CHARACTERS_MAX = 2000
_GZIP, _UTF16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class UsageText:
    """A readable copy of a file (or the file itself), its SHA-256, its lines, and those that were emptied."""

    name: str
    path: Path
    sha256: str
    n_lines: int
    faults: tuple[UsageFault, ...]


def settle(path: Path, folder: Path, *, progress: Callable[[int], None] = lambda _: None) -> UsageText:
    """Make the text of ``path`` readable; what must be written goes into ``folder``, which is the caller's to remove.

    ``progress`` is told how many bytes of the file are read. Raises FormatError if the file is not there, is empty, or
    is a gzip cut short.
    """
    laid_out = folder / "text"
    try:
        with path.open("rb") as raw:
            mark = raw.read(2)
            raw.seek(0)
            source, copied = raw, False
            if mark == _GZIP:
                source, copied = gzip.GzipFile(fileobj=raw), True  # type: ignore[assignment]
            sha256, n_lines, clean = hashlib.sha256(), 0, True
            blocks = _blocks(source, sha256.update)
            with laid_out.open("wb") as out:
                for block in _in_utf8(blocks):
                    progress(raw.tell())
                    copied = copied or block.transcoded
                    n_lines += block.text.count(b"\n")
                    clean = clean and _is_clean(block.text)
                    ended = block.text.endswith(b"\n")
                    if copied:
                        out.write(block.text)
                    n_lines += 0 if ended or not block.last else 1
    except (FileNotFoundError, IsADirectoryError):
        raise FormatError(f"{path}: no such file") from None
    except EOFError:
        raise FormatError(f"{path}: the gzip is cut short; ask for the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: damaged gzip ({error}); ask for the file again") from None
    if n_lines == 0:
        raise FormatError(f"{path}: an empty file")
    text = laid_out if copied else path
    faults: tuple[UsageFault, ...] = ()
    if not clean:
        text, faults = _cleaned(text, folder / "clean")
    return UsageText(path.name, text, sha256.hexdigest(), n_lines, faults)


def first_lines(path: Path) -> list[str]:
    """Return the lines in the first bytes of a file, for a look at what it is; FormatError as for :func:`settle`."""
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == _GZIP
            raw.seek(0)
            start = (gzip.GzipFile(fileobj=raw) if gzipped else raw).read(_LOOK_BYTES)
    except (FileNotFoundError, IsADirectoryError):
        raise FormatError(f"{path}: no such file") from None
    except EOFError:
        raise FormatError(f"{path}: the gzip is cut short; ask for the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: damaged gzip ({error}); ask for the file again") from None
    encoding = "utf-16" if start[:2] in _UTF16 else "utf-8-sig"
    return start.decode(encoding, errors="replace").splitlines()


@dataclass(frozen=True, slots=True)
class _Block:
    text: bytes
    last: bool
    transcoded: bool


def _blocks(source: IO[bytes], hashed: Callable[[bytes], None]) -> Iterator[bytes]:
    """Yield the bytes, in blocks that end with a line where a line ends in them."""
    held, n_bytes = b"", 0
    while block := source.read(_BLOCK_BYTES):
        hashed(block)
        n_bytes += len(block)
        if n_bytes > _TEXT_BYTES_MAX:
            raise FormatError(f"more than {_TEXT_BYTES_MAX >> 30} GiB of text; cut the report into files")
        stop = block.rfind(b"\n") + 1
        if stop:
            yield held + block[:stop]
            held = block[stop:]
        elif len(held) > _BLOCK_BYTES:
            yield held + block
            held = b""
        else:
            held += block
    if held:
        yield held


def _in_utf8(blocks: Iterator[bytes]) -> Iterator[_Block]:
    """Turn UTF-16 into UTF-8; say of each block whether it is the last."""
    decoder: codecs.IncrementalDecoder | None = None
    before: bytes | None = None
    for block in blocks:
        if before is None and block[:2] in _UTF16:
            decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        if before is not None:
            yield _Block(before, last=False, transcoded=decoder is not None)
        before = decoder.decode(block).encode() if decoder else block
    if before is not None:
        yield _Block(before, last=True, transcoded=decoder is not None)


def _is_clean(block: bytes) -> bool:
    n_returns = block.count(b"\r")
    if n_returns and not n_returns == block.count(b"\r\n") == block.count(b"\n"):
        return False
    if b"\0" in block or len(block) > _BLOCK_BYTES + LINE_BYTES_MAX:
        return False
    half = LINE_BYTES_MAX // 2
    if any(block.find(b"\n", at, at + half) < 0 for at in range(0, len(block) - half, half)):
        return False
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cleaned(source: Path, target: Path) -> tuple[Path, tuple[UsageFault, ...]]:
    """Write the text anew with every hostile line empty, and say what each was."""
    faults = []
    with source.open("rb") as lines, target.open("wb") as out:
        number = 0
        while line := lines.readline(LINE_BYTES_MAX):
            number += 1
            reason = ""
            if not line.endswith(b"\n") and len(line) == LINE_BYTES_MAX:
                reason = f"the line is longer than {LINE_BYTES_MAX} bytes"
                while (more := lines.readline(LINE_BYTES_MAX)) and not more.endswith(b"\n"):
                    pass
            body = line.rstrip(b"\n").removesuffix(b"\r")
            reason = reason or _hostility(body)
            if reason:
                raw = body[: 4 * _RAW_CHARACTERS_MAX].decode(errors="backslashreplace").replace("\0", "\\x00")
                faults.append(UsageFault(number, reason, raw[:_RAW_CHARACTERS_MAX]))
            out.write(b"\n" if reason else body + b"\n")
    return target, tuple(faults)


def _hostility(line: bytes) -> str:
    if b"\0" in line:
        return "a NUL in the line"
    if b"\r" in line:
        return "a carriage return within the line"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.object[error.start]:#04x} at place {error.start + 1}"
    return ""
