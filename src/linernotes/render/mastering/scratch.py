"""A sound kept on the disk while it is worked on: written once, read many times, never mapped into memory."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import StorageError

__all__ = ["BLOCK_FRAMES", "Scratch"]

BLOCK_FRAMES = 1 << 16


class Scratch:
    """Blocks of float32, shape (n, channels), in a nameless file of ``folder``; gone when closed.

    Raises
    ------
    StorageError if there is no room
    """

    def __init__(self, channels: int, *, folder: Path | None = None) -> None:
        self.channels = channels
        self.n_frames = 0
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (closed by close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back."""
        self._file.close()

    def append(self, block: NDArray[np.float32]) -> None:
        """Write the next frames."""
        data = np.ascontiguousarray(block, np.float32).reshape(-1).view(np.uint8).data
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise StorageError(f"no room to work: {error}; name a folder with more") from error
        self.n_frames += len(block)

    def fill(self, blocks: Iterable[NDArray[np.float32]]) -> Self:
        """Write all blocks."""
        for block in blocks:
            self.append(block)
        return self

    def blocks(self, n: int = BLOCK_FRAMES, *, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Read ``n`` frames at a time, and the first of the next; a block holds until the next is asked for."""
        buffer = np.empty((n + overlap, self.channels), np.float32)
        frame_bytes = buffer.strides[0]
        for start in range(0, max(0, self.n_frames - overlap), n):
            block = buffer[: min(n + overlap, self.n_frames - start)]
            view, done = block.reshape(-1).view(np.uint8).data, 0
            self._file.seek(start * frame_bytes)
            while done < len(view):
                done += self._file.readinto(view[done:])
            yield block
