"""How fast the server answers while a trace runs, and whether killed workers do each upload exactly once.

Conventions
-----------
``look_up_p50_ms``, ``p99``: requests at a steady 200 a second over kept connections on loopback, timed from when each
was due (a late start counts), by eight accounts, among trace lists, a trace, claim lists, a job, catalogue
searches and look-ups, while a worker traces recordings of ten minutes without pause (``--workers 0``: nobody does).
``n_late``: those not answered.
``page_…``: the same of pages, at the same rate, right after: the lists of uploads, claims and recordings, an upload's
liner notes or how far they are, a recording, policies, money. Each route has a row of its own. ``…_cpu_ms``: what the
server itself used for each in processor time, which a busy machine lengthens less than the wall.

``uploads_per_s``: tiny uploads, queued, heard, claimed; a worker is killed every three seconds (``n_kills``).
``n_not_once``: uploads that have not exactly one claim, proposed once, and a job done, told from the database alone;
``n_open``: those not reached within ``--seconds``. With ``--folder`` the same command goes on where it was cut off.
"""

import argparse
import asyncio
import itertools
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.outcome import Outcome, arguments, tell
from benchmarks.steady import asked
from linernotes import audio
from linernotes.journeys import signing_in
from linernotes.journeys.queue import queue_traces
from linernotes.journeys.register import register
from linernotes.journeys.uploads import Incoming, Kept
from linernotes.journeys.workers import Workers
from linernotes.model import AccountRole, JobState
from linernotes.render import band
from linernotes.workspace import Workspace

__all__ = ["main", "measure"]

_RATE_HZ = 22_050
_ACCOUNTS = 8
_DEATHS_MAX = 4  # of one job: after six it would be set aside, as it should

Rows = list[dict[str, Any]]


def song(seed: int, *, duration_s: float) -> np.ndarray:
    """Return a song that the demo's band plays, shape (n,)."""
    played = band.perform(band.compose(seed, style="indie folk", duration_s=duration_s), sample_rate_hz=_RATE_HZ)
    mono: np.ndarray = played.mean(axis=1)
    return mono


def keep(workspace: Workspace, name: str, samples: np.ndarray) -> Kept:
    """Keep sound as if it had been uploaded."""
    with Incoming(workspace) as incoming:
        incoming.write(audio.encode(samples, sample_rate_hz=_RATE_HZ))
        return incoming.keep(name)


@contextmanager
def served(folder: Path, *, workers: int) -> Iterator[tuple[str, int]]:
    """Run ``linernotes serve`` as users do; gives its address and its process."""
    port = 20_000 + secrets.randbelow(20_000)
    command = [sys.executable, "-m", "linernotes", "serve", "--workspace", str(folder), "--port", str(port)]
    process = subprocess.Popen([*command, "--workers", str(workers), "--requests", "1000"], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{address}/v1/session")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def tokens(workspace: Workspace, count: int) -> list[str]:
    """Make accounts of admins; return a token of each that may read."""
    made = []
    for number in range(count):
        at, name = datetime.now(UTC), f"load {number}"
        password = secrets.token_hex()
        options = {"role": AccountRole.ADMIN, "actor": "benchmark", "why": "to measure", "at": at}
        account = signing_in.new_account(workspace, name, password, **options)  # type: ignore[arg-type]
        scopes = ["traces:read", "claims:read", "catalogue:read", "traces:write", "policies:read", "royalties:read"]
        made.append(signing_in.make_token(workspace, account, name, scopes, at=at, days=1)[1])
    return made


# ── looking things up ────────────────────────────────────────────────────────


def look_ups(folder: Path, *, per_s: float, duration_s: float, workers: int) -> tuple[dict[str, float], Rows]:
    """Measure look-ups, then pages, while a worker traces; return the figures, and a row for each route."""
    at = datetime.now(UTC)
    with Workspace(folder, writable=True) as workspace:
        keys = tokens(workspace, _ACCOUNTS)
        long = np.tile(song(7, duration_s=60.0), 10)
        kept = [keep(workspace, f"{n}.wav", long[n * 1000 :]) for n in range(40)]
        jobs = queue_traces(workspace, kept, account_id="benchmark", claim=True, at=at)
        (recording,) = itertools.islice(workspace.catalogue, 1)
    paths = ["/v1/traces", f"/v1/traces/{jobs[0].id}", "/v1/claims", "/v1/catalogue?query=song"]
    paths += [f"/v1/catalogue/{recording.id}", f"/v1/jobs/{jobs[-1].id}"]
    pages = ["/trace", f"/uploads/{jobs[0].id}", "/inbox", "/catalogue?q=song", f"/catalogue/{recording.id}"]
    pages += ["/policies", "/money"]
    figures: dict[str, float] = {"requests_per_s": per_s, "n_late": 0}
    rows: Rows = []
    with served(folder, workers=workers) as (address, process_id):
        asyncio.run(asked(address, keys, paths + pages, per_s=20, duration_s=3))  # everything once, before it counts
        for name, asked_for in (("look_up", paths), ("page", pages)):
            used_s = cpu_s(process_id)
            took = asyncio.run(asked(address, keys, asked_for, per_s=per_s, duration_s=duration_s))
            used_s = cpu_s(process_id) - used_s
            n_asked, n_answered = round(per_s * duration_s), sum(map(len, took.values()))
            figures |= spread(name, [each for times in took.values() for each in times])
            figures |= {f"{name}_cpu_ms": 1000 * used_s / max(1, n_answered)}
            figures["n_late"] += n_asked - n_answered
            rows += [{"route": path, "n": len(times), **spread("", times)} for path, times in took.items() if times]
    with Workspace(folder, writable=True) as workspace:
        n_traced = len(workspace.jobs.page(limit=100, state=JobState.DONE))
        for job in workspace.jobs.page(limit=100):
            if not job.is_over:
                workspace.jobs.cancel(job.id, at=datetime.now(UTC))
    return figures | {"n_traced_meanwhile": n_traced}, rows


def cpu_s(process_id: int) -> float:
    """Return the processor time that a process used so far, without that of its children."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spread(name: str, took: list[float]) -> dict[str, float]:
    """Return the middle, the worst but for one in a hundred, and the worst of what took so many seconds."""
    ms = sorted(1000 * each for each in took)
    middle, late, worst = statistics.median(ms), ms[int(0.99 * len(ms))], ms[-1]
    start = f"{name}_" if name else ""
    return {f"{start}p50_ms": middle, f"{start}p99_ms": late, f"{start}max_ms": worst}


# ── killing workers ──────────────────────────────────────────────────────────


def killed(folder: Path, count: int, *, kill_every_s: float, time_s: float) -> dict[str, float]:
    """Queue tiny uploads, kill a worker every few seconds, and count what was not done exactly once.

    What was queued here before is not queued again: a run that was cut off goes on.
    """
    at = datetime.now(UTC)
    played = song(7, duration_s=60.0)
    with Workspace(folder, writable=True) as workspace:
        start, step = 0, (len(played) - 6 * _RATE_HZ) // count
        kept = [keep(workspace, f"{n}.wav", played[start + n * step :][: 6 * _RATE_HZ]) for n in range(count)]
        jobs = queue_traces(workspace, kept, account_id="benchmark", claim=True, at=at, key="kills")
        n_done_before = sum(workspace.jobs.get(job.id).is_over for job in jobs)
        began, n_kills = time.monotonic(), 0
        with Workers(workspace, 2, keep_days=1) as workers:
            while open_jobs(workspace) and time.monotonic() < began + time_s:
                time.sleep(kill_every_s)
                running = workspace.jobs.page(limit=9, state=JobState.RUNNING)
                if running and all(job.attempts < _DEATHS_MAX for job in running):  # else it is only starting
                    with suppress(ProcessLookupError):  # it was just followed by another
                        os.kill(workers.process_ids[n_kills % 2], signal.SIGKILL)
                        n_kills += 1
        took_s = time.monotonic() - began
        claims = list(workspace.claims.find(upload_sha256s=[each.sha256 for each in kept]))
        proposed = Counter(
            stored.claim.upload_sha256
            for stored in claims
            for step in workspace.claims.history(stored.claim.id)
            if step.command == "propose"
        )
        n_open = sum(not workspace.jobs.get(job.id).is_over for job in jobs)
        done = {job.id for job in jobs if workspace.jobs.get(job.id).state is JobState.DONE}
        once = sum(proposed[each.sha256] == 1 and job.id in done for each, job in zip(kept, jobs, strict=True))
        _, _, problems = workspace.claims.verify()
        attempts = sum(workspace.jobs.get(job.id).attempts for job in jobs)
    return {
        "n_uploads": count,
        "n_kills": n_kills,
        "n_begun_again": attempts - (count - n_open),
        "n_open": n_open,
        "n_not_once": count - n_open - once,
        "n_faults_in_chain": len(problems),
        "uploads_per_s": (count - n_open - n_done_before) / took_s,
    }


def open_jobs(workspace: Workspace) -> bool:
    """Tell whether any job is not over."""
    return any(workspace.jobs.page(limit=1, state=state) for state in (JobState.QUEUED, JobState.RUNNING))


def prepare(place: Path) -> None:
    """Make a workspace with a registered song, if it is not there."""
    if (place / "song.wav").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    table = place / "songs.csv"
    table.write_text("file,title,artist,label\nsong.wav,A song,Ada,Bea\n")
    audio.write(place / "song.wav", song(7, duration_s=60.0), sample_rate_hz=_RATE_HZ)
    with Workspace(place, writable=True) as workspace:
        register(workspace, [place / "song.wav"], metadata=table)


def measure(given: argparse.Namespace) -> Outcome:
    """Measure both, each in a workspace of its own."""
    figures: dict[str, float] = {}
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "load"):
            place, duration_s = Path(folder) / "load", 8 if given.quick else 30
            prepare(place)
            figures, rows = look_ups(place, per_s=given.rate, duration_s=duration_s, workers=given.workers)
        if given.only in (None, "kills"):
            place = given.folder or Path(folder) / "kills"
            prepare(place)
            count = given.uploads or (50 if given.quick else 1000)
            figures |= killed(place, count, kill_every_s=given.kill_every, time_s=given.seconds)
    return Outcome("serve", "songs of the demo's band", figures, rows=rows)


def main() -> None:
    """Measure and print."""
    parser: argparse.ArgumentParser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["load", "kills"], help="just this part")
    parser.add_argument("--rate", type=float, default=200.0, metavar="HZ", help="requests a second")
    parser.add_argument("--workers", type=int, default=1, help="that trace meanwhile; 0: nobody traces")
    parser.add_argument("--uploads", type=int, help="how many are queued while workers are killed")
    parser.add_argument("--kill-every", type=float, default=3.0, metavar="S", help="seconds from kill to kill")
    parser.add_argument("--seconds", type=float, default=600.0, metavar="S", help="stop after so long")
    parser.add_argument("--folder", type=Path, help="keep the uploads here; the same command goes on")
    given = parser.parse_args()
    tell(measure(given), as_json=given.json)


if __name__ == "__main__":
    main()
