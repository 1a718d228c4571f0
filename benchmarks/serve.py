"""How fast the server answers while a trace runs, and whether killed workers do each upload exactly once.

Conventions
-----------
``look_up_p50_ms``, ``p99``: requests at a steady 200 a second over kept connections on loopback, timed from when each
was due (a late start counts), by eight accounts, among trace lists, a trace, claim lists, a claim, catalogue
searches and look-ups, while a worker traces recordings of ten minutes without pause. ``n_late``: those not answered.
``page_…``: the same of pages, at the same rate, right after: the lists of uploads, claims and recordings, an upload's
liner notes or how far they are, a recording, policies, money.
``uploads_per_s``: tiny uploads, queued through the API, heard, claimed; a worker is killed every three seconds
(``n_kills``). ``n_not_once``: uploads that have not exactly one claim, proposed once, and a job done.
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
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np

from benchmarks.outcome import Outcome, arguments, tell
from linernotes import audio
from linernotes.journeys import signing_in
from linernotes.journeys.queue import queue_traces
from linernotes.journeys.register import register
from linernotes.journeys.uploads import Incoming, Kept
from linernotes.journeys.worker import Workers
from linernotes.model import AccountRole, JobState
from linernotes.render import band
from linernotes.workspace import Workspace

__all__ = ["main", "measure"]

_RATE_HZ = 22_050
_ACCOUNTS = 8


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
def served(folder: Path, *, workers: int) -> Iterator[str]:
    """Run ``linernotes serve`` as users do; gives its address."""
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
        yield address
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


async def asked(address: str, tokens: list[str], paths: list[str], *, per_s: float, duration_s: float) -> list[float]:
    """Ask at a steady rate; return how long each answer took from when its question was due, in seconds."""
    took: list[float] = []
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=address, timeout=10, limits=limits) as client:
        loop = asyncio.get_running_loop()
        begin = loop.time()

        async def one(due: float, path: str, token: str) -> None:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == 200:
                took.append(loop.time() - due)

        asking = []
        turns = zip(itertools.cycle(paths), itertools.cycle(tokens), strict=False)
        for number, (path, token) in zip(range(round(per_s * duration_s)), turns, strict=False):
            due = begin + number / per_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            asking.append(asyncio.create_task(one(due, path, token)))
        await asyncio.gather(*asking, return_exceptions=True)
    return took


def look_ups(folder: Path, *, per_s: float, duration_s: float) -> dict[str, float]:
    """Measure look-ups while a worker traces."""
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
    with served(folder, workers=1) as address:
        asyncio.run(asked(address, keys, paths + pages, per_s=20, duration_s=3))  # everything once, before it counts
        took = asyncio.run(asked(address, keys, paths, per_s=per_s, duration_s=duration_s))
        took_pages = asyncio.run(asked(address, keys, pages, per_s=per_s, duration_s=duration_s))
    n_asked = round(per_s * duration_s)
    with Workspace(folder, writable=True) as workspace:
        n_traced = len(workspace.jobs.page(limit=100, state=JobState.DONE))
        for job in workspace.jobs.page(limit=100):
            if not job.is_over:
                workspace.jobs.cancel(job.id, at=datetime.now(UTC))
    return {
        "requests_per_s": per_s,
        **spread("look_up", took),
        **spread("page", took_pages),
        "n_late": 2 * n_asked - len(took) - len(took_pages),
        "n_traced_meanwhile": n_traced,
    }


def spread(name: str, took: list[float]) -> dict[str, float]:
    """Return the middle, the worst but for one in a hundred, and the worst of what took so many seconds."""
    ms = sorted(1000 * each for each in took)
    middle, late, worst = statistics.median(ms), ms[int(0.99 * len(ms))], ms[-1]
    return {f"{name}_p50_ms": middle, f"{name}_p99_ms": late, f"{name}_max_ms": worst}


# ── killing workers ──────────────────────────────────────────────────────────


def killed(folder: Path, count: int, *, kill_every_s: float) -> dict[str, float]:
    """Queue tiny uploads, kill a worker every few seconds, and count what was not done exactly once."""
    at = datetime.now(UTC)
    played = song(7, duration_s=60.0)
    with Workspace(folder, writable=True) as workspace:
        start, step = 0, (len(played) - 6 * _RATE_HZ) // count
        kept = [keep(workspace, f"{n}.wav", played[start + n * step :][: 6 * _RATE_HZ]) for n in range(count)]
        jobs = queue_traces(workspace, kept, account_id="benchmark", claim=True, at=at)
        began, n_kills = time.monotonic(), 0
        with Workers(workspace, 2, keep_days=1) as workers:
            while open_jobs(workspace):
                time.sleep(kill_every_s)
                if workspace.jobs.page(limit=1, state=JobState.RUNNING):  # else it is only starting
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
        done = {job.id for job in jobs if workspace.jobs.get(job.id).state is JobState.DONE}
        once = sum(proposed[each.sha256] == 1 and job.id in done for each, job in zip(kept, jobs, strict=True))
        _, _, problems = workspace.claims.verify()
        attempts = sum(workspace.jobs.get(job.id).attempts for job in jobs)
    return {
        "n_uploads": count,
        "n_kills": n_kills,
        "n_begun_again": attempts - count,
        "n_not_once": count - once,
        "n_faults_in_chain": len(problems),
        "uploads_per_s": count / took_s,
    }


def open_jobs(workspace: Workspace) -> bool:
    """Tell whether any job is not over."""
    return any(workspace.jobs.page(limit=1, state=state) for state in (JobState.QUEUED, JobState.RUNNING))


def measure(*, quick: bool, only: str | None = None, uploads: int | None = None, kill_every_s: float = 3.0) -> Outcome:
    """Measure both, each in a workspace of its own."""
    figures: dict[str, float] = {}
    for name, part in (("load", look_ups), ("kills", killed)):
        if only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            sound = Path(folder) / "song.wav"
            audio.write(sound, song(7, duration_s=60.0), sample_rate_hz=_RATE_HZ)
            (Path(folder) / "songs.csv").write_text("file,title,artist,label\nsong.wav,A song,Ada,Bea\n")
            place = Path(folder) / "workspace"
            with Workspace(place, writable=True) as workspace:
                register(workspace, [sound], metadata=Path(folder) / "songs.csv")
            if part is look_ups:
                figures |= look_ups(place, per_s=200, duration_s=8 if quick else 30)
            else:
                figures |= killed(place, uploads or (50 if quick else 1000), kill_every_s=kill_every_s)
    return Outcome("serve", "songs of the demo's band", figures)


def main() -> None:
    """Measure and print."""
    parser: argparse.ArgumentParser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["load", "kills"], help="just this part")
    parser.add_argument("--uploads", type=int, help="how many are queued while workers are killed")
    parser.add_argument("--kill-every", type=float, default=3.0, metavar="S", help="seconds from kill to kill")
    given = parser.parse_args()
    tell(
        measure(quick=given.quick, only=given.only, uploads=given.uploads, kill_every_s=given.kill_every),
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
