"""How far a long task is that has parts: each part tells of itself, and the whole is told."""

from collections.abc import Callable, Iterator, Sequence

__all__ = ["Progress", "parts"]

Progress = Callable[[int, int], None]
"""Hears how much is done, and of how much."""


def parts(progress: Progress | None, sizes: Sequence[int]) -> Iterator[Callable[..., None]]:
    """Give each part a progress of its own; ``progress`` hears them as one task of all ``sizes`` together.

    A part may count in units of its own. Check: the second of parts 30 and 10, at 1 of 2, is 35 of 40.
    """
    begun, total = 0, sum(sizes)
    for size in sizes:

        def tell(done: int, n_all: int, *_: float, begun: int = begun, size: int = size) -> None:
            if progress is not None:
                progress(begun + size * done // max(1, n_all), total)

        yield tell
        begun += size
