"""Workers: killed, stalled, cancelled; what they do is done once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes import audio
from linernotes.journeys import worker
from linernotes.journeys.queue import queue_import, queue_run, queue_traces
from linernotes.journeys.register import register
from linernotes.journeys.subscribe import subscribe
from linernotes.journeys.uploads import Incoming, Kept, path_of, sweep
from linernotes.journeys.worker import work_once
from linernotes.journeys.workers import Workers
from linernotes.model import AccountRole, JobKind, JobState, UserAccount
from linernotes.webhook import Answer
from linernotes.workspace import Workspace
from tests.conftest import RATE_HZ

N_UPLOADS = 8


@pytest.fixture
def workspace(tmp_path: Path, song_files: list[Path]) -> Workspace:
    """A workspace with a registered song, its label's account, and an uploader's."""
    opened = Workspace(tmp_path / "worked", writable=True)
    table = tmp_path / "songs.csv"
    table.write_text(f"file,title,artist,label\n{song_files[0]},Anvil,Ada,Bea\n")
    register(opened, [song_files[0]], metadata=table)
    return opened


def keep(workspace: Workspace, name: str, content: bytes) -> Kept:
    with Incoming(workspace) as incoming:
        incoming.write(content)
        return incoming.keep(name)


def uploads(workspace: Workspace, song: NDArray[np.float32], count: int) -> list[Kept]:
    """Keep stretches of a song, each another."""
    step = RATE_HZ // 10
    return [
        keep(workspace, f"{n}.wav", audio.encode(song[n * step : n * step + 8 * RATE_HZ], sample_rate_hz=RATE_HZ))
        for n in range(count)
    ]


def test_uploads_whose_workers_are_killed_are_each_heard_and_claimed_once(
    workspace: Workspace, songs: list[NDArray[np.float32]]
) -> None:
    kept = uploads(workspace, songs[0], N_UPLOADS)
    jobs = queue_traces(workspace, kept, account_id="acc", claim=True, at=datetime.now(UTC))
    kills = 0
    with Workers(workspace, 2, keep_days=30) as workers:
        while not all(workspace.jobs.get(job.id).is_over for job in jobs):
            time.sleep(1.0)
            running = workspace.jobs.page(limit=99, state=JobState.RUNNING)
            if running and kills < 3:
                os.kill(workers.process_ids[kills % 2], signal.SIGKILL)
                kills += 1
    done = [workspace.jobs.get(job.id) for job in jobs]
    assert [(job.state, job.problem and job.problem["code"]) for job in done if job.state is not JobState.DONE] == []
    claims = list(workspace.claims.find())
    assert Counter(stored.claim.upload_sha256 for stored in claims) == Counter({each.sha256: 1 for each in kept})
    proposals = [step for s in claims for step in workspace.claims.history(s.claim.id) if step.command == "propose"]
    assert len(proposals) == N_UPLOADS
    assert workspace.claims.verify()[2] == []
    assert done[0].result is not None
    assert done[0].result["notes"]["claims"][0]["id"] in {stored.claim.id for stored in claims}
    assert str(workspace.folder) not in json.dumps([job.result for job in done])


def test_a_file_that_is_no_sound_is_told_and_nothing_is_tried_again(workspace: Workspace) -> None:
    kept = keep(workspace, "<script>.wav", b"not sound at all")
    (job,) = queue_traces(workspace, [kept], account_id="acc", claim=True, at=datetime.now(UTC))
    assert work_once(workspace, "w")
    done = workspace.jobs.get(job.id)
    assert done.state is JobState.DONE
    assert done.result is not None
    (problem,) = done.result["notes"]["problems"]
    assert problem["where"] == "<script>.wav"
    assert "uploads" not in json.dumps(done.result)


def test_an_upload_is_removed_once_it_is_not_needed_any_more(workspace: Workspace) -> None:
    kept = keep(workspace, "x.wav", b"not sound")
    path = path_of(workspace, kept.sha256, kept.file)
    queue_traces(workspace, [kept], account_id="acc", claim=False, at=datetime.now(UTC))
    assert sweep(workspace, before=datetime.now(UTC) + timedelta(days=1)) == 0
    work_once(workspace, "w")
    assert sweep(workspace, before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert path.exists()
    assert sweep(workspace, before=datetime.now(UTC) + timedelta(days=1)) == 1
    assert not path.exists()


def test_catalogues_and_reports_come_in_and_a_month_is_run(workspace: Workspace) -> None:
    at = datetime.now(UTC)
    table = keep(workspace, "new.csv", b"title,artist,year\nBluebird,Bo,1999\nBad,Bo,nineteen\n")
    usage = keep(
        workspace,
        "usage.csv",
        b"period,territory,currency,amount,quantity,title,source\n2026-09,DE,EUR,10.00,5,Bluebird,A service\n",
    )
    ids = [
        queue_import(workspace, JobKind.CATALOGUE_IMPORT, table, account_id="acc", at=at, why="new").id,
        queue_import(workspace, JobKind.USAGE_IMPORT, usage, account_id="acc", at=at, why="new").id,
        queue_run(workspace, "2026-09", close=True, account_id="acc", at=at, why="it is over").id,
    ]
    while work_once(workspace, "w"):
        pass
    imported, used, ran = (workspace.jobs.get(job_id) for job_id in ids)
    assert imported.result is not None
    assert imported.result["n_recordings"] == 1
    assert imported.result["problems"][0]["where"].startswith("new.csv:3")
    assert used.result is not None
    assert used.result["n_faulty"] == 0
    assert ran.result is not None
    assert ran.result["closed"]
    assert workspace.books.closed_periods() == ["2026-09"]


def test_webhooks_are_tried_again_until_they_arrive_and_each_event_is_told_once(
    workspace: Workspace, songs: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, answers, posted = [datetime.now(UTC)], [Answer(503, "later"), Answer(200, "thanks")], []
    account = UserAccount("acc_up", "up", AccountRole.UPLOADER, None, now[0])
    workspace.accounts.add(account, "", actor="tests", why="for the tests")
    subscribe(workspace, account.id, "https://hooks.example/", ["trace.done"], at=now[0])

    def post(url: str, body: bytes, **options: object) -> Answer:
        posted.append((url, json.loads(body)["type"], options["idempotency_key"]))
        return answers.pop(0)

    monkeypatch.setattr("linernotes.webhook.post", post)
    monkeypatch.setattr(worker, "_now", lambda: now[0])
    (kept,) = uploads(workspace, songs[0], 1)
    (job,) = queue_traces(workspace, [kept], account_id=account.id, claim=False, at=now[0])
    while work_once(workspace, "w"):
        pass
    now[0] += timedelta(minutes=5)
    while work_once(workspace, "w"):
        pass
    assert workspace.jobs.get(job.id).state is JobState.DONE
    assert [(url, kind) for url, kind, _ in posted] == [("https://hooks.example/", "trace.done")] * 2
    assert posted[0][2] == posted[1][2]  # the same key: who gets it twice can tell
    assert [each.state for each in workspace.jobs.page(limit=9, kinds=[JobKind.WEBHOOK])] == [JobState.DONE]


def test_who_forks_the_workers_may_be_killed_too_and_takes_them_along_when_told_to_stop(workspace: Workspace) -> None:
    with Workers(workspace, 1, keep_days=30) as workers:
        while not (first := workers.process_ids):
            time.sleep(0.05)
        assert workers._forking is not None
        workers._forking.kill()
        while (second := workers.process_ids) == first:
            time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(second[0], 0)


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has niceness alone")
def test_a_worker_lets_pages_come_first() -> None:
    code = (
        "import os; from linernotes.journeys import workers; workers._CORES_ENOUGH = 1; workers._step_back();"
        "print(os.nice(0), os.sched_getscheduler(0), len(os.sched_getaffinity(0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    niceness, scheduler, n_cores = map(int, done.stdout.split())
    assert (niceness, scheduler) == (min(19, os.nice(0) + 15), os.SCHED_BATCH)
    assert n_cores == max(1, len(os.sched_getaffinity(0)) - 1)
