"""Workers: processes forked off one that has everything loaded, so that one that dies is followed by another at once.

``python -m linernotes.journeys.workers FOLDER NAME COUNT KEEP_DAYS`` is the one that forks: it opens no file, starts no
thread, and tells on a line who works now, whenever that changes. :class:`Workers` keeps it going.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing import connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from linernotes.workspace import Workspace

__all__ = ["Workers", "main"]

Work = Callable[[str, str, float], None]

_PAUSE_S = 0.1  # before one that died is followed, lest one that cannot begin is started without end
_PARENT_S = 1.0
_NICENESS = 15
_CORES_ENOUGH = 2  # of two, leaving one would make every upload wait twice as long


def main(folder: str, name: str, count: int, keep_days: float) -> None:
    """Keep so many workers going until whoever started this is gone, or says to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told to all in a terminal: whoever started this decides
    signal.signal(signal.SIGTERM, _stop)
    _step_back()
    from linernotes.journeys.worker import work  # noqa: PLC0415  (seconds of loading: not before stepping back)

    parent = os.getppid()
    working: dict[str, ForkProcess] = {}
    try:
        while os.getppid() == parent:
            for each in (f"{name}-{number}" for number in range(count)):
                if each not in working or not working[each].is_alive():
                    working[each] = _forked(work, folder, each, keep_days)
                    told = " ".join(str(process.pid) for process in working.values())
                    os.write(sys.stdout.fileno(), f"{told}\n".encode())
            connection.wait([process.sentinel for process in working.values()], timeout=_PARENT_S)
            time.sleep(_PAUSE_S)
    finally:
        for process in working.values():
            process.kill()
            process.join()


def _stop(_: int, __: FrameType | None) -> None:
    raise SystemExit


def _forked(work: Work, *told: Any) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=_begin, args=(work, *told))
    process.start()
    return process


def _begin(work: Work, folder: str, name: str, keep_days: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is told there is who works
    work(folder, name, keep_days)


def _step_back() -> None:
    """Let pages come first, to the processor and to the disk; where there are cores enough, one is theirs alone."""
    os.nice(_NICENESS)
    if not hasattr(os, "sched_setscheduler"):
        return  # not Linux: the niceness must do
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # never takes a core from who has just woken
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > _CORES_ENOUGH:
        os.sched_setaffinity(0, cores[1:])


class Workers:
    """Some worker processes; one that dies is followed by another, and its job goes on at once."""

    def __init__(self, workspace: "Workspace", count: int, *, keep_days: float) -> None:
        self._workspace, self._count, self._keep_days = workspace, count, keep_days
        self._name = f"{os.uname().nodename}-{os.getpid()}"
        self._working: list[int] = []
        self._forking: subprocess.Popen[str] | None = None
        self._lock, self._is_over = threading.Lock(), False
        self._watch = threading.Thread(target=self._keep_going, daemon=True)

    def __enter__(self) -> Self:
        if self._count:
            self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_over = True
            if self._forking is not None:
                self._forking.terminate()
        if self._count:
            self._watch.join()
        for number in range(self._count):
            self._workspace.jobs.free(f"{self._name}-{number}", at=datetime.now(UTC))

    @property
    def process_ids(self) -> list[int]:
        """The processes that are there now."""
        return list(self._working)

    def _keep_going(self) -> None:
        while True:
            with self._lock:
                if self._is_over:
                    return
                self._forking = self._start()
            with self._forking as forking:
                assert forking.stdout is not None
                for line in forking.stdout:  # until it closes its end: then it is gone
                    self._working = [int(each) for each in line.split()]
            time.sleep(_PAUSE_S)

    def _start(self) -> "subprocess.Popen[str]":
        workspace, url = self._workspace, self._workspace.database_url
        arguments = [str(Path(workspace.folder).resolve()), self._name, str(self._count), str(self._keep_days)]
        # A pool of threads would not survive the fork.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | ({} if url is None else {"LINERNOTES_DATABASE": url})
        return subprocess.Popen(  # noqa: S603  (our own module, our own arguments)
            [sys.executable, "-m", "linernotes.journeys.workers", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
