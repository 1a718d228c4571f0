"""A parcel: several files as one ZIP, made while it is sent; it is never whole in memory or on the disk."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["parcel"]

_PART_BYTES = 2**18
_NEW_YEAR = (1980, 1, 1, 0, 0, 0)  # the same files are the same parcel


class _Outbox:
    """Holds what was written until it is taken."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is here for whoever takes it."""

    def close(self) -> None:
        """Do nothing: what was written is still to be taken."""

    def taken(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


def parcel(files: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """Yield a ZIP of files under these names, as they are: sound does not get smaller.

    A name that comes twice is numbered. Raises OSError if a file cannot be read.
    """
    outbox = _Outbox()
    taken: set[str] = set()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as packed:
        for name, content in files:
            free = next(each for each in _names(name) if each.lower() not in taken)
            taken.add(free.lower())
            about = zipfile.ZipInfo(free, _NEW_YEAR)
            about.external_attr = 0o644 << 16
            with packed.open(about, "w", force_zip64=True) as place, _opened(content) as source:
                while part := source.read(_PART_BYTES):
                    place.write(part)
                    yield outbox.taken()
    yield outbox.taken()


def _opened(content: Path | bytes) -> io.BufferedIOBase:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _names(name: str) -> Iterator[str]:
    yield name
    stem, dot, ending = name.rpartition(".")
    number = 1
    while True:
        number += 1
        yield f"{stem}-{number}.{ending}" if dot and stem else f"{name}-{number}"
