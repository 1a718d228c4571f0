"""The chain: tone, width, dynamics, then gain and limiter, settled to a loudness."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.model import MasteringPlan, MasteringResult, Meters

__all__ = ["Rendering"]


class Rendering:
    """A master that can be read any number of times, each time the same, bit for bit.

    Parameters
    ----------
    open_blocks : opens the sound from its start, in blocks of any size, shape (n, channels); called once, or, where the
        plan shapes nothing, for each pass
    before : what :func:`measure` told of the sound
    folder : where the shaped sound is kept meanwhile (8 bytes a stereo frame); the system's place for such things if None
    """

    def __init__(
        self,
        open_blocks: Callable[[], Iterable[NDArray[np.float32]]],
        plan: MasteringPlan,
        *,
        before: Meters,
        folder: Path | None = None,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the scratch file back."""

    def settle(self, *, ceiling_dbtp: float | None = None, loudness_lufs: float | None = None) -> None:
        """Search the gain again under another ceiling or for another loudness; the shaping is not repeated."""
        raise NotImplementedError

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Read the master from its start; a block holds until the next is asked for."""
        raise NotImplementedError

    def result(self) -> MasteringResult:
        """Tell what was done, after :meth:`blocks` ran to its end (it runs by itself if it has not)."""
        raise NotImplementedError
