"""Sound and places that tests share; everything is seeded."""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes import audio
from linernotes.render import band

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RATE_HZ = 22_050


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

    def run_command(*arguments: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        command: Sequence[str] = [sys.executable, "-m", "linernotes", *map(str, arguments)]
        environment = {k: v for k, v in os.environ.items() if k != "LINERNOTES_HOME"}
        environment |= options.pop("env", {})  # type: ignore[call-overload]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
            timeout=120,
            **options,  # type: ignore[call-overload]
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
