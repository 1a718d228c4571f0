"""Sound and places that tests share; everything is seeded."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
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

    def run_command(*arguments: str | Path, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "linernotes", *map(str, arguments)]
        environment = {k: v for k, v in os.environ.items() if k != "LINERNOTES_HOME"} | dict(env or {})
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, timeout=300
        )

    return run_command
