"""The queue of long work: in the database, so that it survives whatever happens to who works it off.

Conventions
-----------
A worker takes a job on lease and keeps the lease alive while it works. Whoever does not (killed, stalled, cut off)
loses the job to the next worker, and only the holder of the lease may end it: a job ends once, however many began it.
Effects must bear being begun twice, as those of all our journeys do: the same thing told twice is one. A job that was
begun too often is set aside with its reason.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import Job, JobKind, JobState
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.platforms import instant
from linernotes.store.serving_tables import answers, jobs

__all__ = ["Jobs", "NewJob", "new_job_id"]

_ANSWERING_MAX = timedelta(minutes=10)  # who has not answered by then never will
_OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)
_ALL_BUT_RESULT = [column for column in jobs.c if column.name != "result"]


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be queued. ``request_key``: the same from the same account is the same job. ``id``: where it is known."""

    kind: JobKind
    account_id: str
    payload: Mapping[str, Any]
    upload_sha256: str | None = None
    request_key: str | None = None
    id: str | None = None


def new_job_id() -> str:
    """Return an id that no job has."""
    return f"job_{secrets.token_hex(12)}"


class Jobs:
    """Jobs, and the answers that were given to requests with an idempotency key."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the jobs in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ── asking for work ──────────────────────────────────────────────────────

    def add(self, new: Sequence[NewJob], *, at: datetime, open_max: int | None = None) -> list[Job]:
        """Queue jobs, all or none; one whose key is known is the job that is there.

        Raises ConflictError if an account would have more than ``open_max`` that are not over.
        """
        with explained(self._place), writing(self._engine) as connection:
            entered = [_entered(connection, job, at) for job in new]
            for account_id in {job.account_id for job in new} if open_max is not None else ():
                mine = jobs.c.account_id == account_id, jobs.c.state.in_(_OPEN)
                waiting = connection.scalar(select(func.count()).select_from(jobs).where(*mine)) or 0
                if open_max is not None and waiting > open_max:
                    raise ConflictError(f"more than {open_max} jobs would wait: try again later", code="queue_full")
        return entered

    def get(self, job_id: str, *, account_id: str | None = None, result: bool = True) -> Job:
        """Return a job, without its ``result`` if that is not asked for: it may be large.

        Raises NotFoundError if it is not here, or not this account's.
        """
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(_one(result), {"id": job_id}).first()
        if row is None or account_id not in (None, row.account_id):
            raise NotFoundError(f"no job {job_id!r}")
        return _job(row)

    def page(
        self,
        *,
        limit: int,
        before: str | None = None,
        account_id: str | None = None,
        kinds: Sequence[JobKind] = (),
        state: JobState | None = None,
    ) -> list[Job]:
        """Return the newest jobs, or those older than the job ``before``; their results are left out."""
        asked = {
            "before": before,
            "account_id": account_id,
            "kinds": [kind.value for kind in kinds] or None,
            "state": state and state.value,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        with explained(self._place), reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(_newest(frozenset(given)), given | {"limit": limit})]

    def cancel(self, job_id: str, *, at: datetime) -> Job:
        """End a job that is not over; ConflictError if it is. Who works on it loses the lease."""
        open_ = (jobs.c.id == job_id) & jobs.c.state.in_(_OPEN)
        with explained(self._place), writing(self._engine) as connection:
            done = connection.execute(update(jobs).where(open_).values(_ended(JobState.CANCELLED, at)))
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
        if row is None:
            raise NotFoundError(f"no job {job_id!r}")
        if not done.rowcount:
            raise ConflictError(f"job {job_id} is {row.state}: nothing to cancel", code="job_over")
        return _job(row)

    def has_uploaded(self, account_id: str, upload_sha256: str) -> bool:
        """Tell whether an upload came from this account."""
        query = select(jobs.c.id).where(jobs.c.account_id == account_id, jobs.c.upload_sha256 == upload_sha256)
        with explained(self._place), reading(self._engine) as connection:
            return connection.execute(query.limit(1)).first() is not None

    def uploaders(self, upload_sha256: str) -> set[str]:
        """Return the accounts that an upload came from."""
        query = select(jobs.c.account_id).where(jobs.c.upload_sha256 == upload_sha256).distinct()
        with explained(self._place), reading(self._engine) as connection:
            return set(connection.scalars(query))

    def spent_uploads(self, *, before: datetime) -> set[str]:
        """Return the uploads whose last job was over before a moment: nobody needs the sound any more."""
        later = jobs.alias()
        wanted = later.c.finished_at.is_(None) | (later.c.finished_at >= instant(before))
        needed = exists().where(later.c.upload_sha256 == jobs.c.upload_sha256, wanted)
        query = select(jobs.c.upload_sha256).where(jobs.c.upload_sha256.is_not(None), ~needed).distinct()
        with explained(self._place), reading(self._engine) as connection:
            return {sha256 for sha256 in connection.scalars(query) if sha256 is not None}

    # ── working it off ───────────────────────────────────────────────────────

    def lease(self, worker: str, *, now: datetime, until: datetime, attempts_max: int) -> Job | None:
        """Take the oldest job that is due, and count the attempt; set aside those that were begun too often."""
        lost = (jobs.c.state == JobState.RUNNING.value) & (jobs.c.leased_until <= instant(now))
        due = or_((jobs.c.state == JobState.QUEUED.value) & (jobs.c.due_at <= instant(now)), lost)
        oldest = select(jobs).where(due).order_by(jobs.c.number).limit(1)
        with explained(self._place), reading(self._engine) as connection:
            if connection.execute(oldest).first() is None:
                return None
        with explained(self._place), writing(self._engine) as connection:
            why = f"whoever worked on it died {attempts_max} times: set aside"
            poison = _ended(JobState.FAILED, now) | {"problem": _text({"code": "poison", "message": why})}
            connection.execute(update(jobs).where(lost, jobs.c.attempts >= attempts_max).values(poison))
            row = connection.execute(oldest).first()
            if row is None:
                return None
            values = {
                "state": JobState.RUNNING.value,
                "attempts": row.attempts + 1,
                "lease": secrets.token_hex(16),
                "leased_until": instant(until),
                "worker": worker,
                "started_at": row.started_at or instant(now),
            }
            connection.execute(update(jobs).where(jobs.c.number == row.number).values(values))
            return _job(connection.execute(select(jobs).where(jobs.c.number == row.number)).one())

    def extend(self, job: Job, *, until: datetime, progress: tuple[int, int] | None = None) -> bool:
        """Keep a lease alive and say how far the work is; False if the lease is lost."""
        values = {"leased_until": instant(until)} | ({} if progress is None else {"progress": _text(progress)})
        with explained(self._place), writing(self._engine) as connection:
            return bool(connection.execute(update(jobs).where(_held(job)).values(values)).rowcount)

    def finish(self, job: Job, *, result: Mapping[str, Any], at: datetime, then: Sequence[NewJob] = ()) -> bool:
        """End a job well, and queue what follows from it; False, and nothing is done, if the lease is lost."""
        with explained(self._place), writing(self._engine) as connection:
            values = _ended(JobState.DONE, at) | {"result": _text(result)}
            if not connection.execute(update(jobs).where(_held(job)).values(values)).rowcount:
                return False
            for new in then:
                _entered(connection, new, at)
            return True

    def give_up(self, job: Job, *, code: str, message: str, at: datetime) -> bool:
        """Set a job aside with its reason; False if the lease is lost."""
        values = _ended(JobState.FAILED, at) | {"problem": _text({"code": code, "message": message})}
        with explained(self._place), writing(self._engine) as connection:
            return bool(connection.execute(update(jobs).where(_held(job)).values(values)).rowcount)

    def postpone(self, job: Job, *, code: str, message: str, due_at: datetime) -> bool:
        """Queue a job again for later, with what went wrong this time; False if the lease is lost."""
        values = {
            "state": JobState.QUEUED.value,
            "lease": None,
            "leased_until": None,
            "worker": None,
            "due_at": instant(due_at),
            "problem": _text({"code": code, "message": message}),
        }
        with explained(self._place), writing(self._engine) as connection:
            return bool(connection.execute(update(jobs).where(_held(job)).values(values)).rowcount)

    def free(self, worker: str, *, at: datetime) -> None:
        """End the leases of a worker that is dead."""
        his = (jobs.c.worker == worker) & (jobs.c.state == JobState.RUNNING.value)
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(update(jobs).where(his).values(leased_until=instant(at)))

    # ── answers given once ───────────────────────────────────────────────────

    def begin_answer(self, account_id: str, key: str, request: str, *, at: datetime) -> tuple[int, str] | None:
        """Note that a request is being answered; return the answer if it was given before.

        Raises ConflictError if the key came with another request, or the first is still being answered.
        """
        same = (answers.c.account_id == account_id) & (answers.c.key == key)
        with explained(self._place), writing(self._engine) as connection:
            dead = same & answers.c.status.is_(None) & (answers.c.created_at < instant(at - _ANSWERING_MAX))
            connection.execute(answers.delete().where(dead))
            row = connection.execute(select(answers).where(same)).first()
            if row is None:
                values = {"account_id": account_id, "key": key, "request": request, "created_at": instant(at)}
                connection.execute(insert(answers).values(values))
                return None
        if row.request != request:
            raise ConflictError(f"the idempotency key {key!r} came with another request before", code="key_reused")
        if row.status is None:
            raise ConflictError(f"the request with the key {key!r} is being answered: ask again", code="key_in_use")
        return row.status, row.body

    def end_answer(self, account_id: str, key: str, answer: tuple[int, str] | None) -> None:
        """Keep the answer for whoever asks again; None: there was none, and the key is free again."""
        same = (answers.c.account_id == account_id) & (answers.c.key == key)
        with explained(self._place), writing(self._engine) as connection:
            if answer is None:
                connection.execute(answers.delete().where(same))
            else:
                connection.execute(update(answers).where(same).values(status=answer[0], body=answer[1]))

    def forget_answers(self, *, before: datetime) -> None:
        """Forget answers that were given before a moment."""
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(answers.delete().where(answers.c.created_at < instant(before)))


# What is asked all the time is put together once: that takes longer than to run it.


@cache
def _one(result: bool) -> Select[Any]:  # noqa: FBT001  (a key of the cache)
    return select(*(jobs.c if result else _ALL_BUT_RESULT)).where(jobs.c.id == bindparam("id"))


@cache
def _newest(given: frozenset[str]) -> Select[Any]:
    conditions = {
        "before": jobs.c.number < select(jobs.c.number).where(jobs.c.id == bindparam("before")).scalar_subquery(),
        "account_id": jobs.c.account_id == bindparam("account_id"),
        "kinds": jobs.c.kind.in_(bindparam("kinds", expanding=True)),
        "state": jobs.c.state == bindparam("state"),
    }
    chosen = [condition for name, condition in conditions.items() if name in given]
    return select(*_ALL_BUT_RESULT).where(*chosen).order_by(jobs.c.number.desc()).limit(bindparam("limit"))


def _held(job: Job) -> ColumnElement[bool]:
    return and_(jobs.c.id == job.id, jobs.c.lease == job.lease, jobs.c.state == JobState.RUNNING.value)


def _ended(state: JobState, at: datetime) -> dict[str, Any]:
    return {"state": state.value, "finished_at": instant(at), "lease": None, "leased_until": None, "worker": None}


def _entered(connection: Connection, new: NewJob, at: datetime) -> Job:
    if new.request_key is not None:
        same = (jobs.c.account_id == new.account_id) & (jobs.c.request_key == new.request_key)
        known = connection.execute(select(jobs).where(same)).first()
        if known is not None:
            return _job(known)
    number = (connection.scalar(select(func.max(jobs.c.number))) or 0) + 1
    row = {
        "number": number,
        "id": new.id or new_job_id(),
        "kind": new.kind.value,
        "account_id": new.account_id,
        "request_key": new.request_key,
        "payload": _text(new.payload),
        "upload_sha256": new.upload_sha256,
        "state": JobState.QUEUED.value,
        "attempts": 0,
        "due_at": instant(at),
        "created_at": instant(at),
    }
    connection.execute(insert(jobs).values(row))
    return _job(connection.execute(select(jobs).where(jobs.c.number == number)).one())


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _job(row: Row[Any]) -> Job:
    progress = json.loads(row.progress) if row.progress else None
    result = getattr(row, "result", None)  # lists leave it out: it is long
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        account_id=row.account_id,
        state=JobState(row.state),
        payload=json.loads(row.payload),
        created_at=datetime.fromisoformat(row.created_at),
        attempts=row.attempts,
        progress=None if progress is None else (progress[0], progress[1]),
        result=json.loads(result) if result else None,
        problem=json.loads(row.problem) if row.problem else None,
        upload_sha256=row.upload_sha256,
        started_at=_moment(row.started_at),
        finished_at=_moment(row.finished_at),
        lease=row.lease,
    )
