"""Sound and places that tests share; everything is seeded."""

import contextlib
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray
from sqlalchemy import insert

from linernotes import audio
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    Contribution,
    Evidence,
    EvidenceKind,
    Party,
    Recording,
    RecordingEntry,
    Reference,
    RightType,
    Role,
    Share,
    Transform,
    UseType,
    Voice,
    Work,
)
from linernotes.render import band
from linernotes.rights import claims as claim_rules
from linernotes.store import schema
from linernotes.store.catalogue import Catalogue
from linernotes.store.claims import Claims
from linernotes.store.database import writing
from linernotes.workspace import Workspace

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RATE_HZ = 22_050
# A test says what holds, not how fast: the machine may be busy with others.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings named by LINERNOTES_DATA; skips where it is not."""
    folder = os.environ.get("LINERNOTES_DATA")
    if not folder or not (Path(folder) / "music" / "manifest.csv").is_file():
        pytest.skip("no real recordings here: set LINERNOTES_DATA to a folder with music/manifest.csv")
    return Path(folder)


@pytest.fixture(scope="session")
def songs() -> list[NDArray[np.float32]]:
    """Four different songs, mono at 22.05 kHz, 16 s each."""
    styles = ("indie folk", "synth pop", "jazz trio", "rock")
    played = [
        band.perform(band.compose(seed, style=style, duration_s=16.0), sample_rate_hz=RATE_HZ)
        for seed, style in enumerate(styles, 100)
    ]
    return [song.mean(axis=1) for song in played]


@pytest.fixture(scope="session")
def song_files(tmp_path_factory: pytest.TempPathFactory, songs: list[NDArray[np.float32]]) -> list[Path]:
    """The songs as files: WAV, FLAC, MP3, M4A."""
    folder = tmp_path_factory.mktemp("songs")
    files = [folder / name for name in ("one.wav", "two.flac", "three.mp3", "four.m4a")]
    for file, song in zip(files, songs, strict=True):
        audio.write(file, song, sample_rate_hz=RATE_HZ)
    return files


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command line in an empty folder; gives what it printed and its exit code."""

    def run_command(*arguments: str | Path, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "linernotes", *map(str, arguments)]
        environment = {k: v for k, v in os.environ.items() if k != "LINERNOTES_HOME"} | dict(env or {})
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, timeout=300
        )

    return run_command


# ── databases ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Start a PostgreSQL server of our own on a Unix socket; gives a function that makes an empty database's URL."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("pg_ctl", path=os.pathsep.join([*map(str, binaries[::-1]), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip("no PostgreSQL here: install the server, or put its pg_ctl on the PATH")
    # The server refuses to be root; then it is the user that Debian's package makes. A socket's path must be short.
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if as_owner:
        shutil.chown(folder, "postgres")

    def pg(*command: str) -> None:
        subprocess.run([*as_owner, *command], check=True, capture_output=True, cwd=folder)

    server = [found, "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c timezone=Asia/Tokyo"
    numbers = itertools.count(1)

    def new_database() -> str:
        name = f"test{next(numbers)}"
        pg(str(Path(found).with_name("createdb")), "-h", str(folder), "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={folder}"

    pg(str(Path(found).with_name("initdb")), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8")
    pg(*server, "-o", options, "start")
    try:
        yield new_database
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            pg(*server, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.extras)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty database of each kind: a file that is not there yet, or the URL of a real server's."""
    if request.param == "sqlite":
        return tmp_path / "catalogue.sqlite3"
    return str(request.getfixturevalue("postgresql")())


# ── claims ───────────────────────────────────────────────────────────────────

THREE_AT = datetime(2026, 10, 1, tzinfo=UTC)


def _recording(recording_id: str, title: str, artist: str, *, work_id: str | None = None) -> Recording:
    sha256 = hashlib.sha256(recording_id.encode()).hexdigest()
    return Recording(recording_id, title, artist, sha256, f"/music/{title}.wav", 60.0, 44_100, 2, work_id=work_id)


@pytest.fixture
def fill_with_three() -> Callable[[Path | str], None]:
    """Fill a database with A's recording, B's work, C's voice and the label that released C: who the story is about."""

    def fill(place: Path | str) -> None:
        whole = Fraction(1)
        catalogue, claims = Catalogue(place, writable=True), Claims(place, writable=True)
        catalogue.add(
            RecordingEntry(
                _recording("rec_anvil", "Anvil", "Ada"),
                parties=[Party("pty_ada", "Ada")],
                contributions=[Contribution("rec_anvil", "pty_ada", Role.PERFORMER)],
                shares=[Share("rec_anvil", "pty_ada", RightType.MASTER, whole)],
            )
        )
        catalogue.add(
            RecordingEntry(
                _recording("rec_bird", "Bluebird", "Bo", work_id="wrk_bird"),
                work=Work("wrk_bird", "Bluebird"),
                parties=[Party("pty_bea", "Bea"), Party("pty_bo", "Bo")],
                contributions=[
                    Contribution("rec_bird", "pty_bo", Role.PERFORMER),
                    Contribution("wrk_bird", "pty_bea", Role.WRITER),
                ],
                shares=[Share("wrk_bird", "pty_bea", RightType.MECHANICAL, whole)],
            )
        )
        catalogue.add(
            RecordingEntry(
                _recording("rec_copper", "Copper", "Cara"),
                parties=[Party("pty_cara", "Cara"), Party("pty_label", "Copper Records")],
                contributions=[
                    Contribution("rec_copper", "pty_cara", Role.PERFORMER),
                    Contribution("rec_copper", "pty_label", Role.LABEL),
                ],
            )
        )
        voice = Voice("voi_cara", "pty_cara", "Cara", "signed on paper, 2026-10-01")
        with writing(claims.engine) as connection:
            connection.execute(insert(schema.voices).values(asdict(voice) | {"registered_at": THREE_AT}))
        catalogue.close()
        claims.close()

    return fill


@pytest.fixture
def heard_three() -> dict[str, Evidence]:
    """What is heard of the three in one upload of 60 s."""

    def heard(kind: EvidenceKind, reference: Reference, start_s: float, stop_s: float) -> Evidence:
        return Evidence(
            kind=kind,
            reference=reference,
            query_start_s=start_s,
            query_stop_s=stop_s,
            reference_start_s=0.0,
            reference_stop_s=stop_s - start_s,
            score=0.8,
            probability=0.97,
            transform=Transform() if kind is EvidenceKind.RECORDING else None,
            explanation=f"This {kind} was heard.",
            parameter_id="test",
        )

    return {
        "sample": heard(EvidenceKind.RECORDING, Reference("rec_anvil", "Anvil", "Ada", None, None), 10.0, 20.0),
        "version": heard(EvidenceKind.VERSION, Reference("wrk_bird", "Bluebird", "Bea", None, None), 20.0, 60.0),
        "voice": heard(EvidenceKind.VOICE, Reference("voi_cara", "Cara", "Cara", None, None), 0.0, 60.0),
    }


# ── notices ──────────────────────────────────────────────────────────────────


@pytest.fixture
def decided(
    tmp_path: Path,
    place: Path | str,
    fill_with_three: Callable[[Path | str], None],
    heard_three: dict[str, Evidence],
) -> Iterator[Workspace]:
    """A workspace where A, B and C have each decided to block what the upload ``abab…`` uses of theirs."""
    fill_with_three(place)
    url = place if isinstance(place, str) else None
    with Workspace(tmp_path, database_url=url, writable=True) as workspace:
        sha256 = "ab" * 32
        _, ids = workspace.claims.add_evidence(sha256, "up/midnight.wav", list(heard_three.values()), seen_at=THREE_AT)
        rows = (
            ("clm_sample", "pty_ada", "rec_anvil", RightType.MASTER, UseType.RECORDING),
            ("clm_version", "pty_bea", "wrk_bird", RightType.MECHANICAL, UseType.VERSION),
            ("clm_voice", "pty_cara", "voi_cara", RightType.VOICE, UseType.VOICE),
        )
        for (claim_id, party, subject, right, use), evidence_id, heard in zip(
            rows, ids, heard_three.values(), strict=True
        ):
            claim = Claim(
                id=claim_id,
                upload_sha256=sha256,
                upload_path="up/midnight.wav",
                evidence_id=evidence_id,
                evidence=heard,
                subject_id=subject,
                party_id=party,
                right_type=right,
                use_type=use,
                action=Action.REVIEW,
                share=None,
                side=None,
                state=ClaimState.PROPOSED,
                because=(),
            )
            (stored,) = workspace.claims.enter(
                [[claim_rules.propose(claim, actor="linernotes", why="heard", at=THREE_AT)]]
            )
            workspace.claims.advance(
                stored,
                lambda seen: claim_rules.decide(seen, action=Action.BLOCK, actor=seen.party_id, why="no", at=THREE_AT),
            )
        yield workspace
