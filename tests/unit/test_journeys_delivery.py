"""Delivery to a real server on this machine that fails, hangs, is slow, answers twice; and through a kill -9."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from linernotes import webhook
from linernotes.journeys import delivery, platforms
from linernotes.journeys import notice as journey
from linernotes.journeys.delivery import ATTEMPTS_MAX, deliver
from linernotes.journeys.keys import key, key_path
from linernotes.journeys.notice import Contact, NoticeVerb, Statements, Wishes
from linernotes.workspace import Workspace

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHA = "ab" * 32
WISHES = Wishes(
    Contact("Ada", "Example Street 1", "+49 30 1", "ada@example.org"),
    Statements("/s/ Ada", True, True, True),  # noqa: FBT003
)


@dataclass
class Platform:
    """A platform that keeps to the idempotency key: what it was told twice it has once."""

    url: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    taken_down: dict[str, Any] = field(default_factory=dict)
    answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)

    def told(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        name = handler.headers["Idempotency-Key"]
        self.received.append((name, dict(handler.headers.items()), body))
        answer = self.answers.pop(0) if self.answers else 200
        if callable(answer):
            answer(handler)
            return
        if answer == 200:
            self.taken_down.setdefault(name, json.loads(body))
        handler.send_response(answer)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@contextmanager
def serve(platform: Platform) -> Iterator[Platform]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            platform.told(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        platform.url = f"http://127.0.0.1:{http.server_port}/notices"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield platform
        finally:
            http.shutdown()
            thread.join()


def add(workspace: Workspace, name: str, url: str | None) -> None:
    platforms.add_platform(
        workspace, name, agent="Agent", regime="dmca", country="US", webhook_url=url, private_allowed=True
    )
    platforms.locate(workspace, SHA, name, f"https://{name.lower()}.example/1", at=AT)


def issue(workspace: Workspace) -> list[str]:
    now = datetime.now(UTC)
    return [n.id for n in journey.issue(workspace, ["clm_sample"], WISHES, actor="Ada", why="no", at=now).notices]


@pytest.fixture
def streamhaus(decided: Workspace) -> Iterator[Platform]:
    with serve(Platform()) as platform:
        add(decided, "Streamhaus", platform.url)
        yield platform


def quick(workspace: Workspace, **options: Any) -> delivery.Delivered:
    return deliver(workspace, **({"patience_s": 20.0, "timeout_s": 2.0} | options))


def test_a_notice_arrives_once_signed_and_whole(decided: Workspace, streamhaus: Platform) -> None:
    (notice_id,) = issue(decided)
    assert quick(decided).arrived == [f"{notice_id}-1"]
    assert quick(decided) == delivery.Delivered()
    ((name, headers, body),) = streamhaus.received
    secret = key(decided, platforms.key_name(decided.platforms.get("Streamhaus").id))
    assert webhook.verify(body, headers, secret=secret, now=round(time.time()))
    told = json.loads(body)
    assert (name, told["type"], told["notice"]["id"]) == (f"{notice_id}-1", "notice", notice_id)
    assert told["notice"]["locations"] == ["https://streamhaus.example/1"]
    assert "under penalty of perjury" in " ".join(told["text"].split())
    assert decided.notices.get(notice_id).state == "sent"
    assert [row.kind for row in decided.notices.history(notice_id)] == ["notice.issued", "notice.delivered"]


def test_one_decision_reaches_every_platform_though_one_hangs(decided: Workspace, streamhaus: Platform) -> None:
    with serve(Platform(answers=[lambda _: time.sleep(2)])) as slow, serve(Platform()) as third:
        add(decided, "Klangwerk", slow.url)
        add(decided, "Radio", third.url)
        add(decided, "Paper", None)
        assert len(issue(decided)) == 4
        began = time.monotonic()
        done = quick(decided, timeout_s=0.5)
        assert time.monotonic() - began < 8
    assert len(done.arrived) == 3
    assert all(len(platform.taken_down) == 1 for platform in (streamhaus, slow, third))


def test_failures_are_tried_again_with_growing_patience(decided: Workspace, streamhaus: Platform) -> None:
    issue(decided)
    streamhaus.answers = [500, 503, 429]
    slept: list[float] = []

    def sleep(wait_s: float) -> None:
        slept.append(wait_s)
        time.sleep(wait_s)

    assert len(quick(decided, sleep=sleep).arrived) == 1
    assert [round(wait_s) for wait_s in slept if wait_s > 0.5] == [1, 2, 4]
    assert len({name for name, _, _ in streamhaus.received}) == 1
    assert len({body for _, _, body in streamhaus.received}) == 1


def test_a_platform_that_took_it_and_could_not_say_so_has_it_once(decided: Workspace, streamhaus: Platform) -> None:
    issue(decided)

    def take_and_vanish(handler: BaseHTTPRequestHandler) -> None:
        name, _, body = streamhaus.received[-1]
        streamhaus.taken_down.setdefault(name, json.loads(body))
        handler.connection.shutdown(socket.SHUT_RDWR)

    streamhaus.answers = [take_and_vanish]
    assert len(quick(decided).arrived) == 1
    assert (len(streamhaus.received), len(streamhaus.taken_down)) == (2, 1)


def test_what_a_platform_refuses_is_given_up_and_said_and_can_be_sent_again(
    decided: Workspace, streamhaus: Platform
) -> None:
    issue(decided)
    streamhaus.answers = [401]
    done = quick(decided)
    assert (len(done.given_up), done.arrived) == (1, [])
    assert "401" in done.problems[0].message
    assert quick(decided) == delivery.Delivered()
    assert len(quick(decided, again=True).arrived) == 1


def test_a_platform_that_never_answers_is_given_up_after_twelve_attempts(
    decided: Workspace, streamhaus: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notice_id,) = issue(decided)
    streamhaus.answers = [500] * 20
    moved = timedelta(0)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + moved

    def sleep(wait_s: float) -> None:
        nonlocal moved
        moved += timedelta(seconds=wait_s)

    monkeypatch.setattr(delivery, "datetime", Clock)
    done = quick(decided, patience_s=10_000, sleep=sleep)
    assert len(done.given_up) == 1
    assert len(streamhaus.received) == ATTEMPTS_MAX
    assert timedelta(seconds=2**11 - 3) <= moved < timedelta(seconds=2**11 + 5)  # 1 + 2 + 4 … + 1024
    assert decided.notices.deliveries(notice_id=notice_id)[0].state == "failed"


def test_a_wait_longer_than_the_patience_is_left_for_the_next_run(decided: Workspace, streamhaus: Platform) -> None:
    issue(decided)
    streamhaus.answers = [500, 500, 500, 500]
    done = quick(decided, patience_s=0.1)
    assert (len(done.waiting), done.problems) == (1, [])


def test_a_missing_key_or_webhook_is_said(decided: Workspace, streamhaus: Platform) -> None:
    issue(decided)
    entry = decided.platforms.get("Streamhaus")
    path = key_path(decided, platforms.key_name(entry.id))
    path.rename(path.with_suffix(".gone"))
    assert "the key is not there" in quick(decided).problems[0].message
    path.with_suffix(".gone").rename(path)
    platforms.add_platform(decided, "Streamhaus", agent="Agent", regime="dmca", country="US")
    assert "no webhook any more" in quick(decided, again=True).problems[0].message
    assert streamhaus.received == []


def test_a_withdrawal_before_delivery_cancels_and_after_it_is_told(decided: Workspace, streamhaus: Platform) -> None:
    (first,) = issue(decided)
    journey.step(decided, first, NoticeVerb.WITHDRAW, on=AT.date(), actor="Ada", why="changed my mind", at=AT)
    assert quick(decided) == delivery.Delivered()
    (second,) = issue(decided)
    quick(decided)
    journey.step(decided, second, NoticeVerb.WITHDRAW, on=AT.date(), actor="Ada", why="we agreed", at=AT)
    assert quick(decided).arrived == [f"{second}-2"]
    assert json.loads(streamhaus.received[-1][2]) == {"type": "withdrawal", "notice_id": second, "why": "we agreed"}
    assert [name for name, _, _ in streamhaus.received] == [f"{second}-1", f"{second}-2"]


def test_files_that_a_crash_left_out_are_written(decided: Workspace, streamhaus: Platform) -> None:
    (notice_id,) = issue(decided)
    folder = journey.open_file(decided, notice_id).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "notice.pdf").unlink()
    quick(decided)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_two_processes_do_not_make_the_same_attempt(decided: Workspace, streamhaus: Platform) -> None:
    issue(decided)

    def fail_slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        handler.send_error(500)

    streamhaus.answers = [fail_slowly]
    threads = [threading.Thread(target=quick, args=(decided,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name for name, _, _ in streamhaus.received] == [streamhaus.received[0][0]] * 2  # one failed, one arrived
    assert len(streamhaus.taken_down) == 1


KILLED = """
import sys
from linernotes.journeys.delivery import deliver
from linernotes.workspace import Workspace
folder, url = sys.argv[1], sys.argv[2] or None
with Workspace(folder, database_url=url, writable=True) as workspace:
    deliver(workspace, timeout_s=3.0)
"""


def test_after_a_kill_in_the_middle_nothing_is_sent_twice_and_nothing_forgotten(
    decided: Workspace, streamhaus: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_LEASE_MARGIN_S", 0.5)
    (notice_id,) = issue(decided)
    process: list[subprocess.Popen[bytes]] = []

    def kill(handler: BaseHTTPRequestHandler) -> None:
        name, _, body = streamhaus.received[-1]
        streamhaus.taken_down.setdefault(name, json.loads(body))  # it acts on what it was told …
        os.kill(process[0].pid, signal.SIGKILL)  # … and the teller dies before it hears so
        process[0].wait()
        handler.close_connection = True

    streamhaus.answers = [kill]
    url = decided.database if isinstance(decided.database, str) else ""
    process.append(subprocess.Popen([sys.executable, "-c", KILLED, str(decided.folder), url]))
    process[0].wait(timeout=60)
    assert process[0].returncode == -signal.SIGKILL
    (pending,) = decided.notices.deliveries(pending=True)
    assert (pending.attempts, decided.notices.get(notice_id).state) == (1, "issued")
    assert quick(decided, patience_s=30.0).arrived == [f"{notice_id}-1"]
    assert [name for name, _, _ in streamhaus.received] == [f"{notice_id}-1"] * 2
    assert len(streamhaus.taken_down) == 1
    assert (decided.claims.verify()[2], decided.notices.verify()) == ([], [])
