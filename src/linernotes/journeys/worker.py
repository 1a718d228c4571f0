"""A worker: works off what is queued; it may be killed at any moment, and another does the rest."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from linernotes.errors import ConflictError, InputError, NotFoundError, UnavailableError
from linernotes.journeys.ordering import sweep_orders
from linernotes.journeys.uploads import sweep
from linernotes.journeys.work import work_off
from linernotes.model import Job
from linernotes.workspace import Workspace

__all__ = ["work", "work_once"]

ATTEMPTS_MAX = 6
_LEASE = timedelta(seconds=30)
_BEAT_S = 5.0
_POLL_S = 0.2
_SWEEP_EVERY_S = 600.0
_ANSWERS_KEPT = timedelta(days=1)
_LOST = 75  # EX_TEMPFAIL: somebody else has the job now


def _now() -> datetime:
    return datetime.now(UTC)


class _Attempt:
    """One attempt at a job: keeps the lease alive, and notes what a bug of ours says before it ends the process."""

    def __init__(self, workspace: Workspace, job: Job) -> None:
        self._jobs, self._job = workspace.jobs, job
        self._progress: tuple[int, int] | None = None
        self._over = threading.Event()
        self._beat = threading.Thread(target=self._keep_alive, daemon=True)

    def __enter__(self) -> Self:
        self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._beat.join()
        if error is not None:
            self.failed("bug", repr(error), again=True)

    def note(self, done: int, of: int, _sound: float = 0.0) -> None:
        """Say how far the work is; told with the next beat."""
        self._progress = (done, of)

    def failed(self, code: str, message: str, *, again: bool) -> None:
        """Put the job back for later, or set it aside if there is no use in that."""
        job = self._job
        if again and job.attempts < ATTEMPTS_MAX:
            due_at = _now() + timedelta(seconds=4**job.attempts)
            self._jobs.postpone(job, code=code, message=message, due_at=due_at)
        else:
            self._jobs.give_up(job, code=code, message=message, at=_now())

    def _keep_alive(self) -> None:
        while not self._over.wait(_BEAT_S):
            if not self._jobs.extend(self._job, until=_now() + _LEASE, progress=self._progress):
                # Cancelled, or taken over while this process was stopped. Long work has no place to ask, and may be
                # killed anywhere: so it is.
                os._exit(_LOST)


def work_once(workspace: Workspace, name: str) -> bool:
    """Work off the oldest job that is due; False if there is none."""
    job = workspace.jobs.lease(name, now=_now(), until=_now() + _LEASE, attempts_max=ATTEMPTS_MAX)
    if job is None:
        return False
    with _Attempt(workspace, job) as attempt:
        try:
            # The index of a long-lived workspace would be the one of when it was opened.
            with Workspace(workspace.folder, database_url=workspace.database_url, writable=True) as fresh:
                worked = work_off(fresh, job, at=_now(), progress=attempt.note)
        except (InputError, NotFoundError) as error:
            attempt.failed(error.code, str(error), again=False)
        except (ConflictError, UnavailableError) as error:
            attempt.failed(error.code, str(error), again=True)
        else:
            workspace.jobs.finish(job, result=worked.result, at=_now(), then=worked.then)
    return True


def work(folder: str, name: str, keep_days: float) -> None:
    """Work until whoever started this is gone; what the last of this name was at when it died goes on at once."""
    parent = os.getppid()
    sweep_at = time.monotonic()
    with Workspace(folder, writable=True) as workspace:
        workspace.jobs.free(name, at=_now())
        while os.getppid() == parent:
            if time.monotonic() >= sweep_at:
                spent = _now() - timedelta(days=keep_days)
                sweep(workspace, before=spent)
                sweep_orders(workspace, now=_now(), before=spent)
                workspace.jobs.forget_answers(before=_now() - _ANSWERS_KEPT)
                sweep_at = time.monotonic() + _SWEEP_EVERY_S
            # Some of the catalogue's words before each job: where the queue is never empty, searches become fast too.
            if not any((workspace.catalogue.index_words(), work_once(workspace, name))):
                time.sleep(_POLL_S)
