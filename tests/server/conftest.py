"""A server with a story in it: three parties, an upload that uses something of each, and somebody in every role."""

import csv
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from linernotes.api import Settings, create_app
from linernotes.api.callers import csrf_token_of
from linernotes.api.listening import server_of
from linernotes.formats.liner_notes import TracedUpload
from linernotes.journeys import notice, pay, signing_in
from linernotes.journeys.claim import decide, propose, set_policy
from linernotes.journeys.earnings import statements
from linernotes.journeys.platforms import add_platform
from linernotes.journeys.subscribe import subscribe
from linernotes.journeys.uploads import Incoming
from linernotes.journeys.usage import import_usage
from linernotes.model import (
    AccountRole,
    Action,
    Contribution,
    Evidence,
    JobKind,
    Party,
    Policy,
    Recording,
    RecordingEntry,
    Role,
    UserAccount,
    UseType,
)
from linernotes.store.jobs import NewJob
from linernotes.workspace import Workspace
from tests.model_samples import told_release

AT = datetime.now(UTC) + timedelta(days=400)  # long after everything here was registered: nobody came late
PASSWORD = "a password of the tests"
_NO_TLS = ssl.SSLContext(
    ssl.PROTOCOL_TLS_CLIENT
)  # reading the certificates of the world for each client takes its time
PERIOD = "2026-10"
PEOPLE = {
    "ada": (AccountRole.RIGHTS_HOLDER, "pty_ada"),
    "bea": (AccountRole.RIGHTS_HOLDER, "pty_bea"),
    "uploader": (AccountRole.UPLOADER, None),
    "another": (AccountRole.UPLOADER, None),
    "auditor": (AccountRole.AUDITOR, None),
    "admin": (AccountRole.ADMIN, None),
}


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of this machine, as ``linernotes serve`` does; gives its address."""
    server = server_of(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Served:
    """A workspace that is served, who is there, and the ids of what is in it."""

    url: str
    workspace: Workspace
    app: FastAPI
    people: dict[str, UserAccount]
    ids: dict[str, str] = field(default_factory=dict)

    def client(self, name: str | None = None) -> httpx.Client:
        """Give a browser in which this person is signed in, that shows the token our pages would."""
        client = httpx.Client(base_url=self.url, timeout=60, verify=_NO_TLS)
        if name is not None:
            secret = f"secret-of-{name}-{time.monotonic_ns()}"
            at = datetime.now(UTC)
            digest = sha256(secret.encode()).hexdigest()
            until = at + timedelta(hours=1)
            self.workspace.accounts.open_session(digest, self.people[name].id, at=at, until=until, replacing=None)
            client.cookies.set("linernotes", secret)
            client.headers["X-CSRF-Token"] = csrf_token_of(secret)
        return client


def people_in(workspace: Workspace) -> dict[str, UserAccount]:
    """Make everybody's account; all have the same password, which is hashed once."""
    hashed = signing_in.password_hash(PASSWORD)
    made = {name: UserAccount(f"acc_{name}", name, role, party, AT) for name, (role, party) in PEOPLE.items()}
    for account in made.values():
        workspace.accounts.add(account, hashed, actor="tests", why="for the tests")
    return made


def tell_story(workspace: Workspace, heard: dict[str, Evidence], sound: bytes) -> dict[str, str]:
    """Let the uploader's upload use something of Ada, Bea and Cara; import usage, run it. Gives the ids."""
    anchor = Recording("rec_00000000000000aa", "Anchor", "Ada", "aa" * 32, "/music/anchor.wav", 60.0, 44_100, 2)
    ada = Contribution(anchor.id, "pty_ada", Role.PERFORMER)
    workspace.catalogue.add(RecordingEntry(anchor, parties=[Party("pty_ada", "Ada")], contributions=[ada]))
    rooms = {"masters": tell_masters(workspace), "model": tell_model(workspace)}
    with Incoming(workspace) as incoming:
        incoming.write(sound)
        kept = incoming.keep("midnight.wav")
    new = NewJob(
        JobKind.TRACE,
        "acc_uploader",
        {"name": kept.name, "sha256": kept.sha256, "file": kept.file, "claim": True},
        upload_sha256=kept.sha256,
    )
    (job,) = workspace.jobs.add([new], at=AT)
    leased = workspace.jobs.lease("tests", now=AT, until=AT + timedelta(days=1), attempts_max=5)
    assert leased is not None
    proposed = propose(workspace, TracedUpload(kept.name, kept.name, kept.sha256, list(heard.values()), []), at=AT)
    notes: dict[str, Any] = {"query": {"path": kept.name, "sha256": kept.sha256}, "synthetic": None, "provenance": None}
    notes |= {"evidence": [], "claims": [], "credits": [], "problems": []}
    workspace.jobs.finish(leased, result={"notes": notes, "waveform": [[-0.5, 0.5]]}, at=AT)
    (waiting,) = workspace.jobs.add([NewJob(JobKind.TRACE, "acc_uploader", dict(new.payload) | {"name": "b"})], at=AT)
    claims = {claim.party_id: claim.id for claim in proposed.claims}
    ids = {"trace": job.id, "waiting": waiting.id, "claim": claims["pty_ada"], "claim_of_bea": claims["pty_bea"]}
    return ids | {"upload": kept.sha256} | rooms | _of_ada(workspace, heard)


def tell_model(workspace: Workspace) -> str:
    """Let a model of Cara's learn from Ada and from Bea, and make a piece. Gives the id."""
    owners = {"rec_anvil": ("pty_ada", "Ada", "Anvil"), "wrk_bird": ("pty_bea", "Bea", "Bluebird")}
    return told_release(workspace, owners, maker="pty_cara")


def tell_masters(workspace: Workspace) -> str:
    """Let the uploader have a song mastered; what is in the files is no sound. Gives the id."""
    payload: dict[str, Any] = {"name": "midnight.wav", "songs": [], "references": [], "presets": []}
    asked = {"album": False, "amounts": [], "codecs": []}
    (job,) = workspace.jobs.add([NewJob(JobKind.MASTER, "acc_uploader", payload | {"asked": asked})], at=AT)
    leased = workspace.jobs.lease("tests", now=AT, until=AT + timedelta(days=1), attempts_max=5)
    assert leased is not None
    folder = workspace.folder / "masters" / job.id
    for name in ("masters/midnight.wav", "excerpts/1-before.mp3", "excerpts/1-after.mp3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")
    (folder / "records.json").write_text('{"masters": [], "excerpts": {}}', encoding="utf-8")
    song = {"number": 1, "name": "midnight.wav", "file": "midnight.wav", "sha256": "ee" * 32, "notes": []}
    song |= {"before": None, "after": None, "problems": []}
    workspace.jobs.finish(leased, result={"album": False, "songs": [song]}, at=AT)
    return job.id


def _of_ada(workspace: Workspace, heard: dict[str, Evidence]) -> dict[str, str]:
    """Let Ada have a notice on another of the uploader's, a standing rule, a webhook; and the uploader a token."""
    other = {"name": "x.wav", "sha256": "cd" * 32, "file": "x.wav", "claim": True}
    workspace.jobs.add([NewJob(JobKind.TRACE, "acc_uploader", other, upload_sha256="cd" * 32)], at=AT)
    proposed = propose(workspace, TracedUpload("x", "x.wav", "cd" * 32, [heard["sample"]], []), at=AT)
    claim = proposed.claims[0].id
    decide(workspace, claim, action=Action.BLOCK, by="pty_ada", why="no", at=AT)
    add_platform(workspace, "Tube", agent="agent@tube.example", regime="dmca", country="US")
    wishes = notice.Wishes(
        notice.Contact("Ada", "1 Street, Town", "+1 555 0100", "ada@example.org"),
        notice.Statements(
            "Ada", good_faith=True, accurate=True, authorised_under_penalty_of_perjury=True, fair_use_considered=True
        ),
        platform="Tube",
        urls=("https://tube.example/1",),
    )
    issued = notice.issue(workspace, [claim], wishes, actor="pty_ada", why="down with it", at=AT)
    policy, _ = set_policy(workspace, Policy("", "pty_ada", UseType.MELODY, Action.ALLOW), by="Ada", why="yes", at=AT)
    hook, _ = subscribe(workspace, "acc_ada", "https://hooks.example/", ["claim.proposed", "claim.changed"], at=AT)
    uploader = workspace.accounts.get("acc_uploader")
    token, text = signing_in.make_token(workspace, uploader, "t", ["traces:read"], at=datetime.now(UTC), days=1)
    told = {"policy": policy.id, "webhook": hook.id, "token": token.id, "token_text": text}
    return told | {"notice": issued.notices[0].id}


def tell_month(workspace: Workspace) -> dict[str, str]:
    """Let Ada's recording be used, and divide what that brought."""
    table = workspace.folder / "usage.csv"
    (recording,) = workspace.catalogue.page_of("rec_anvil").recordings
    with table.open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["period", "territory", "currency", "amount", "quantity", "upload_sha256", "title", "source"])
        rows.writerow([PERIOD, "DE", "EUR", "123.45", 1000, recording.sha256, "Anvil", "A service"])
    report = import_usage(workspace, [table], at=AT).reports[0].id
    pay.run_royalties(workspace, PERIOD, at=AT)
    return {"report": report, "line": statements(workspace, "pty_ada", PERIOD)[0].lines[0].id}


@pytest.fixture
def serve(tmp_path: Path, fill_with_three: Callable[[Path | str], None]) -> Iterator[Callable[..., Served]]:
    """Serve a workspace with the three parties and everybody's accounts, under settings of one's own."""
    with Workspace(tmp_path / "served", writable=True) as workspace:
        fill_with_three(workspace.database)
        people = people_in(workspace)
        servers = []

        def start(**settings: object) -> Served:
            limits = {"requests_per_s": 1e6, "requests_burst": 10**6, "sign_ins_per_minute": 1e6} | settings
            app = create_app(workspace, Settings(**limits))  # type: ignore[arg-type]
            context = listening(app)
            servers.append(context)
            return Served(context.__enter__(), workspace, app, people)

        yield start
        for context in servers:
            context.__exit__(None, None, None)


@pytest.fixture
def story(serve: Callable[..., Served], heard_three: dict[str, Evidence], song_files: list[Path]) -> Served:
    """A served workspace in which the whole story has happened."""
    served = serve()
    served.ids |= tell_story(served.workspace, heard_three, song_files[0].read_bytes())
    return served


@pytest.fixture
def month(story: Served) -> Served:
    """The story, and a month whose usage was divided."""
    story.ids |= tell_month(story.workspace)
    return story
