"""The README does what it shows: its transcripts run, its Python runs, its promises are the gates of the evaluation."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes import audio

Run = Callable[..., "subprocess.CompletedProcess[str]"]
README = Path(__file__).parents[2] / "README.md"
TIME = re.compile(r"\d+:\d\d(?:\.\d)?")
PROBABILITY = re.compile(r"\b0\.\d\d\b")
# What differs between processors: hashes, the picture, spaces around it.
VARYING = [(re.compile(r"sha256 [0-9a-f]+"), "sha256"), (re.compile(r"[ ▁▂▃▄▅▆▇█]{20,}"), ""), (re.compile(r"━+"), "━")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def settled(text: str) -> tuple[str, list[float], list[float]]:
    """The words of a transcript, and its times and probabilities apart."""
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    times = [60 * float(t.split(":")[0]) + float(t.split(":")[1]) for t in TIME.findall(text)]
    words = " ".join(PROBABILITY.sub("P", TIME.sub("T", text)).split())
    return words, times, [float(p) for p in PROBABILITY.findall(text)]


def test_the_transcript_is_what_happens(run: Run, tmp_path: Path) -> None:
    transcript = blocks("console")[0]
    commands = re.findall(r"^\$ (.+)$", transcript, re.MULTILINE)
    shown = re.split(r"^\$ .+\n", transcript, flags=re.MULTILINE)[1:]
    assert len(commands) >= 2
    for command, expected in zip(commands, shown, strict=True):
        line, _, target = command.partition(" > ")
        done = run(*shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
        if target:
            continue
        words, times, chances = settled(done.stdout)
        expected_words, expected_times, expected_chances = settled(expected)
        assert words == expected_words
        np.testing.assert_allclose(times, expected_times, atol=0.3)
        np.testing.assert_allclose(chances, expected_chances, atol=0.02)
    told = (tmp_path / "linernotes-demo" / "statement.pdf").read_bytes()
    assert told.startswith(b"%PDF-")
    proved = run("ledger", "check", "--workspace", "linernotes-demo/workspace")
    assert (proved.returncode, "everything adds up" in proved.stdout) == (0, True), proved.stderr


def test_the_python_runs_without_a_main_guard(tmp_path: Path, songs: list[NDArray[np.float32]]) -> None:
    (code,) = blocks("python")
    (tmp_path / "my-music").mkdir()
    for name, song in zip(("tune.mp3", "other.flac"), songs, strict=False):
        audio.write(tmp_path / "my-music" / name, song, sample_rate_hz=22_050)
    audio.write(tmp_path / "upload.mp3", songs[0][88_200:], sample_rate_hz=22_050)
    (tmp_path / "script.py").write_text(code)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[('tune', 0.")


def test_make_knows_the_two_commands() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", blocks("console")[1], re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_table_of_figures_is_what_the_gates_hold() -> None:
    gates = pytest.importorskip("evaluations.gates")
    promised = re.findall(r"^\| .* \| (.+?) \| `python -m ([\w.]+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert promised
    assert {module for _, module in promised} >= {gate.module for gate in gates.GATES}
