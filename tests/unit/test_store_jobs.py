"""The queue: each job ends once, whoever began it and however often; the same on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import Job, JobKind, JobState
from linernotes.store.jobs import Jobs, NewJob

AT = datetime(2026, 11, 22, tzinfo=UTC)
LATER = AT + timedelta(seconds=30)
NEW = NewJob(JobKind.TRACE, "acc", {"name": "a.wav"}, upload_sha256="ab" * 32)


@pytest.fixture
def jobs(place: Path | str) -> Iterator[Jobs]:
    opened = Jobs(place, writable=True)
    yield opened
    opened.close()


def lease(jobs: Jobs, *, now: datetime = AT, attempts_max: int = 3, worker: str = "w") -> Job | None:
    return jobs.lease(worker, now=now, until=now + timedelta(seconds=10), attempts_max=attempts_max)


def test_jobs_are_worked_off_in_order_and_end_with_their_result(jobs: Jobs) -> None:
    first, second = jobs.add([NEW, NEW], at=AT)
    taken = lease(jobs)
    assert taken is not None
    assert (taken.id, taken.state, taken.attempts) == (first.id, JobState.RUNNING, 1)
    assert jobs.extend(taken, until=LATER, progress=(1, 2))
    assert jobs.get(first.id).progress == (1, 2)
    assert jobs.finish(taken, result={"n": 1}, at=AT, then=[replace(NEW, kind=JobKind.WEBHOOK)])
    done = jobs.get(first.id)
    assert (done.state, done.result, done.is_over) == (JobState.DONE, {"n": 1}, True)
    assert [job.kind for job in jobs.page(limit=9)] == [JobKind.WEBHOOK, JobKind.TRACE, JobKind.TRACE]
    assert [job.id for job in jobs.page(limit=9, before=second.id)] == [first.id]


def test_a_lost_lease_ends_nothing(jobs: Jobs) -> None:
    jobs.add([NEW], at=AT)
    slow = lease(jobs)
    assert slow is not None
    assert lease(jobs, now=AT + timedelta(seconds=9)) is None  # it is alive
    fast = lease(jobs, now=AT + timedelta(seconds=10))
    assert fast is not None
    assert not jobs.extend(slow, until=LATER)
    assert not jobs.finish(slow, result={"by": "slow"}, at=LATER, then=[NEW])
    assert not jobs.give_up(slow, code="x", message="x", at=LATER)
    assert not jobs.postpone(slow, code="x", message="x", due_at=LATER)
    assert jobs.finish(fast, result={"by": "fast"}, at=LATER)
    assert not jobs.finish(fast, result={"by": "fast again"}, at=LATER)
    assert jobs.get(fast.id).result == {"by": "fast"}
    assert len(jobs.page(limit=9)) == 1


def test_what_kills_its_workers_is_set_aside_with_its_reason(jobs: Jobs) -> None:
    poison, good = jobs.add([NEW, NEW], at=AT)
    for attempt in range(3):
        taken = lease(jobs, now=AT + timedelta(minutes=attempt), worker=f"w{attempt}")
        assert taken is not None
        assert taken.id == poison.id
        jobs.free(f"w{attempt}", at=AT + timedelta(minutes=attempt))  # who looks after the workers saw it die
    then = lease(jobs, now=AT + timedelta(minutes=3))
    assert then is not None
    assert then.id == good.id
    aside = jobs.get(poison.id)
    assert aside.state is JobState.FAILED
    assert aside.problem is not None
    assert aside.problem["code"] == "poison"


def test_a_job_that_is_put_off_comes_back_when_it_is_due(jobs: Jobs) -> None:
    jobs.add([NEW], at=AT)
    taken = lease(jobs)
    assert taken is not None
    assert jobs.postpone(taken, code="unavailable", message="try later", due_at=LATER)
    assert lease(jobs, now=LATER - timedelta(seconds=1)) is None
    again = lease(jobs, now=LATER)
    assert again is not None
    assert (again.attempts, again.problem) == (2, {"code": "unavailable", "message": "try later"})


def test_cancelled_is_cancelled(jobs: Jobs) -> None:
    queued, running = jobs.add([NEW, NEW], at=AT)
    jobs.cancel(queued.id, at=AT)
    taken = lease(jobs)
    assert taken is not None
    assert taken.id == running.id
    assert jobs.cancel(running.id, at=AT).state is JobState.CANCELLED
    assert not jobs.extend(taken, until=LATER)
    with pytest.raises(ConflictError, match="cancelled"):
        jobs.cancel(running.id, at=AT)
    with pytest.raises(NotFoundError):
        jobs.cancel("job_nothing", at=AT)
    assert lease(jobs, now=LATER) is None


def test_the_same_request_is_the_same_job_and_a_queue_is_not_endless(jobs: Jobs) -> None:
    keyed = replace(NEW, request_key="k")
    (first,), (again,) = jobs.add([keyed], at=AT), jobs.add([keyed], at=LATER)
    assert first == again
    assert jobs.add([replace(keyed, account_id="other")], at=AT) != [first]
    with pytest.raises(ConflictError, match="more than 2"):
        jobs.add([NEW, NEW], at=AT, open_max=2)
    assert len(jobs.page(limit=9, account_id="acc")) == 1  # all or none
    with pytest.raises(NotFoundError):
        jobs.get(first.id, account_id="other")


def test_many_workers_take_each_job_once(jobs: Jobs) -> None:
    jobs.add([NEW] * 40, at=AT)
    taken: list[str] = []

    def work(worker: str) -> None:
        while (job := lease(jobs, worker=worker)) is not None:
            taken.append(job.id)
            jobs.finish(job, result={}, at=AT)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_an_answer_is_given_once_and_a_key_is_for_one_request(jobs: Jobs) -> None:
    assert jobs.begin_answer("acc", "k", "request", at=AT) is None
    with pytest.raises(ConflictError, match="being answered"):
        jobs.begin_answer("acc", "k", "request", at=AT)
    jobs.end_answer("acc", "k", (201, "{}"))
    assert jobs.begin_answer("acc", "k", "request", at=AT) == (201, "{}")
    with pytest.raises(ConflictError, match="another request"):
        jobs.begin_answer("acc", "k", "another", at=AT)
    jobs.forget_answers(before=LATER)
    assert jobs.begin_answer("acc", "k", "another", at=AT) is None
    jobs.end_answer("acc", "k", None)
    assert jobs.begin_answer("acc", "k", "third", at=AT) is None


def test_a_server_that_died_while_answering_does_not_keep_the_key(jobs: Jobs) -> None:
    assert jobs.begin_answer("acc", "k", "request", at=AT) is None
    assert jobs.begin_answer("acc", "k", "request", at=AT + timedelta(minutes=11)) is None


def test_an_uploads_sound_is_spent_when_its_last_job_is_over(jobs: Jobs) -> None:
    jobs.add([NEW, NEW, replace(NEW, upload_sha256="cd" * 32)], at=AT)
    for _ in range(2):
        taken = lease(jobs)
        assert taken is not None
        assert jobs.spent_uploads(before=LATER) == set()
        jobs.finish(taken, result={}, at=AT)
    assert jobs.spent_uploads(before=LATER) == {"ab" * 32}
    assert jobs.spent_uploads(before=AT) == set()
    assert jobs.has_uploaded("acc", "cd" * 32)
    assert not jobs.has_uploaded("other", "cd" * 32)
