"""Reading a large table in processes of their own, so that the one that writes does nothing else.

Each process cuts the whole file into lines, which costs little, and makes rows of every n-th chunk of them. It reads a
few chunks ahead, so that it need not stop while what was written is brought to the disk, and then waits until one is
taken: memory does not grow with the file, however slow the writing is.
"""

import fcntl
import gc
import multiprocessing
import pickle
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from linernotes.errors import FormatError, StorageError
from linernotes.formats.csv_lines import read_cells
from linernotes.formats.tables import read_header
from linernotes.journeys.table_rows import Told, from_lines

__all__ = ["in_other_processes", "seldom_collected"]

_OBJECTS_PER_COLLECTION = 500_000
_CHUNKS_AHEAD = 6  # of some 4 MB
_HELPED = 7  # of so many chunks one: to read takes a third longer than to write what was read
_PIPE_BYTES = 1 << 20  # the usual 64 KiB would make the thread that sends wait fifty times a chunk for its turn
_TURN_S = 0.0005  # how soon it has its turn


def in_other_processes(path: Path, *, jobs: int, is_helped: bool = False) -> Iterator[Told]:
    """Yield what the lines of a table say, in their order.

    ``is_helped``: whoever asks has time to read some chunks too, where there is but one other to read.

    Raises FormatError where :func:`read_cells` does, StorageError if a process dies.
    """
    # A process of our own may have threads (a progress bar): it must not be forked.
    context = multiprocessing.get_context("spawn")
    turns = _Turns(jobs, _HELPED if is_helped and jobs == 1 else 0)
    ends: list[Connection] = []
    processes = []
    try:
        for part in range(jobs):
            ours, theirs = context.Pipe(duplex=False)
            with suppress(AttributeError, OSError):  # Linux alone, and not beyond what a user may have
                fcntl.fcntl(ours.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            processes.append(context.Process(target=_send, args=(path, theirs, part, turns), daemon=True))
            processes[-1].start()
            theirs.close()
            ends.append(ours)
        sources = [*(end.recv for end in ends), _chunks(path, jobs, turns).__next__]
        number = 0
        while (told := sources[turns.of(number)]()) is not None:
            if isinstance(told, tuple):
                raise FormatError(told[0], code=told[1])
            yield told
            number += 1
    except EOFError:
        message = f"{path}: a process that read it died; is there enough memory? What was entered stays"
        raise StorageError(message, code="memory") from None
    finally:
        for end in ends:
            end.close()
        for process in processes:
            process.join()


@dataclass(frozen=True, slots=True)
class _Turns:
    """Who reads a chunk: one of ``jobs`` processes or, as number ``jobs``, who writes: of ``helped`` the last."""

    jobs: int
    helped: int

    def of(self, number: int) -> int:
        """Return who reads a chunk."""
        is_last = self.helped > 0 and (number + 1) % self.helped == 0
        return self.jobs if is_last else number % self.jobs


def _send(path: Path, end: Connection, part: int, turns: _Turns) -> None:
    """Send the chunks that are this process's turn, then None, or the words and code of what is wrong with the file."""
    sys.setswitchinterval(_TURN_S)
    ahead: deque[Future[None]] = deque()
    try:
        with seldom_collected(), ThreadPoolExecutor(1) as sender:
            for told in _chunks(path, part, turns):
                ahead.append(sender.submit(end.send_bytes, pickle.dumps(told, pickle.HIGHEST_PROTOCOL)))
                if len(ahead) > _CHUNKS_AHEAD:
                    ahead.popleft().result()
            for sent in ahead:
                sent.result()
    except BrokenPipeError:
        return  # whoever asked has given up


def _chunks(path: Path, part: int, turns: _Turns) -> Iterator[Told | tuple[str, str] | None]:
    try:
        header = read_header(path)
        for number, lines in enumerate(read_cells(path, header)):
            if turns.of(number) == part:
                yield from_lines(path, header, lines)
        yield None
    except FormatError as error:
        yield str(error), error.code


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for cycles seldom: it would walk millions of rows, none in a cycle, again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
