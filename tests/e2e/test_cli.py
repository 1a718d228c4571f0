import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from linernotes import audio

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RATE_HZ = 22_050


def test_register_trace_and_look_up(run: Run, song_files: list[Path], tmp_path: Path) -> None:
    done = run("register", song_files[0].parent, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (len(told["registered"]), told["problems"], told["workspace"]) == (4, [], "linernotes")
    again = json.loads(run("register", song_files[0].parent, "--json").stdout)
    assert (len(again["registered"]), len(again["already"])) == (0, 4)

    done = run("trace", song_files[2], "--json", "--html", "notes.html")
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)
    assert list(notes)[:7] == ["query", "synthetic", "evidence", "provenance", "claims", "credits", "problems"]
    (evidence,) = notes["evidence"]
    assert evidence["kind"] == "recording"
    assert set(evidence["reference"]) == {"id", "title", "artist", "isrc", "iswc"}
    assert evidence["transform"] == {"pitch_semitones": 0.0, "tempo_ratio": 1.0}
    assert "three" in (tmp_path / "notes.html").read_text(encoding="utf-8")

    listed = [json.loads(line) for line in run("catalogue", "list", "--json").stdout.splitlines()]
    assert sorted(recording["title"] for recording in listed) == ["four", "one", "three", "two"]
    shown = json.loads(run("catalogue", "show", evidence["reference"]["id"], "--json").stdout)
    assert shown["recording"]["title"] == "three"
    assert "three" in run("catalogue", "show", evidence["reference"]["id"]).stdout


def test_people_see_a_picture_and_no_control_codes_when_piped(run: Run, song_files: list[Path]) -> None:
    run("register", song_files[0])
    done = run("trace", song_files[0])
    assert done.returncode == 0
    assert "━━━" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_a_folder_is_traced_as_json_lines_and_resumed(run: Run, song_files: list[Path], tmp_path: Path) -> None:
    run("register", *song_files[:2])
    done = run("trace", song_files[0].parent, "--json", "--out", "notes.jsonl")
    assert done.returncode == 0
    assert (tmp_path / "notes.jsonl").read_text(encoding="utf-8") == done.stdout
    assert [len(json.loads(line)["evidence"]) for line in done.stdout.splitlines()] == [0, 1, 0, 1]
    again = run("trace", song_files[0].parent, "--json", "--out", "notes.jsonl")
    assert (again.returncode, again.stdout) == (0, "")
    assert "4 were in notes.jsonl already" in again.stderr


def test_the_workspace_comes_from_the_option_then_the_environment(
    run: Run, song_files: list[Path], tmp_path: Path
) -> None:
    run("register", song_files[0], env={"LINERNOTES_HOME": str(tmp_path / "home")})
    assert (tmp_path / "home" / "catalogue.sqlite3").exists()
    assert not (tmp_path / "linernotes").exists()
    assert run("catalogue", "list", "--workspace", tmp_path / "home").stdout.count("rec_") == 1


def test_names_cannot_command_the_terminal(run: Run, tmp_path: Path, song_files: list[Path]) -> None:
    evil = tmp_path / "a\x1b[2Jb\n.wav"
    evil.write_bytes(song_files[0].read_bytes())
    told = [run("register", evil), run("trace", evil), run("catalogue", "list"), run("trace", tmp_path / "no\x1b[31m")]
    assert "\x1b" not in "".join(done.stdout + done.stderr for done in told)


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout.startswith("linernotes 0.")
    for command in ("demo", "register", "trace", "catalogue"):
        assert command in run("--help").stdout
        assert run(command, "--help").returncode == 0


# ── bad input: one clear line, the right exit code, nothing half-written ─────


def bad_file(name: str, folder: Path, songs: list[NDArray[np.float32]]) -> Path:
    file = folder / name
    song = songs[0]
    match name:
        case "empty.mp3":
            file.touch()
        case "text.mp3":
            file.write_text("This is a text.\n" * 50)
        case "truncated.mp3":
            audio.write(file, song, sample_rate_hz=RATE_HZ)
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "short.wav":
            audio.write(file, song[: RATE_HZ // 20], sample_rate_hz=RATE_HZ)
        case "silence.wav":
            audio.write(file, np.zeros(5 * RATE_HZ, np.float32), sample_rate_hz=RATE_HZ)
        case "nan.wav":
            soundfile.write(file, np.where(np.arange(len(song)) == 30_000, np.nan, song), RATE_HZ, subtype="FLOAT")
        case "eight.wav":
            soundfile.write(file, np.repeat(song[:, None], 8, axis=1), RATE_HZ)
    return file


BAD_FILES = {
    "empty.mp3": "empty",
    "text.mp3": "unreadable",
    "truncated.mp3": "truncated",
    "short.wav": "too_short",
    "silence.wav": "silent",
    "nan.wav": "not_finite",
    "eight.wav": "channels",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(
    run: Run, tmp_path: Path, songs: list[NDArray[np.float32]], song_files: list[Path], name: str
) -> None:
    bad = bad_file(name, tmp_path, songs)
    done = run("register", bad, song_files[1])
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert name in done.stderr
    assert run("catalogue", "list").stdout.count("rec_") == 1  # the good one, nothing of the bad one
    notes = run("trace", bad, "--json")
    assert notes.returncode == 2
    assert [problem["code"] for problem in json.loads(notes.stdout)["problems"]] == [BAD_FILES[name]]
    told = run("trace", bad)
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)


def test_bad_places_and_options(run: Run, tmp_path: Path, song_files: list[Path]) -> None:
    (tmp_path / "no-audio").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "wrong.csv").write_text("file,isrc\none.wav,US-AT2-99-0060\n")
    for arguments, code, words in (
        (("register", "no-audio"), 2, "without sound files"),
        (("register", "nowhere.mp3"), 2, "no such file"),
        (("register",), 2, "nothing to register"),
        (("trace", "nowhere.mp3"), 3, "no such file"),
        (("trace", "no-audio"), 2, "without sound files"),
        (("trace", song_files[0], "--only", "version"), 5, "cannot listen for 'version'"),
        (("trace", song_files[0], "--only", "smell"), 2, "smell"),
        (("trace", song_files[0], "--html", "file/page.html"), 5, "cannot be written"),
        (("register", song_files[0], "--workspace", "file"), 2, "a folder"),
        (("register", song_files[0], "--workspace", "/proc/nowhere"), 5, "cannot be written"),
        (("register", song_files[0], "--metadata", "nowhere.csv"), 2, "no such file"),
        (("register", song_files[0], "--metadata", "wrong.csv"), 2, "wrong.csv:2"),
        (("catalogue", "show", "rec_nobody"), 3, "rec_nobody"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A very small file system."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], check=False).returncode:
        pytest.skip("cannot mount a small file system here (needs root)")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(run: Run, tiny_disk: Path, song_files: list[Path]) -> None:
    assert run("register", song_files[0], "--workspace", tiny_disk / "w").returncode == 0
    free = os.statvfs(tiny_disk)
    (tiny_disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize))
    done = run("register", *song_files[1:], "--workspace", tiny_disk / "w")
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "No space" in done.stderr or "no room" in done.stderr
    (tiny_disk / "ballast").unlink()
    assert run("catalogue", "list", "--workspace", tiny_disk / "w").stdout.count("rec_") == 1
    assert run("register", *song_files, "--workspace", tiny_disk / "w").returncode == 0
    assert run("catalogue", "list", "--workspace", tiny_disk / "w").stdout.count("rec_") == 4


def test_a_read_only_disk(run: Run, tiny_disk: Path, song_files: list[Path]) -> None:
    assert run("register", song_files[0], "--workspace", tiny_disk / "w").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    done = run("register", song_files[1], "--workspace", tiny_disk / "w")
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "cannot be written" in done.stderr
    notes = run("trace", song_files[0], "--workspace", tiny_disk / "w", "--json")
    assert notes.returncode == 0
    assert len(json.loads(notes.stdout)["evidence"]) == 1


@pytest.mark.parametrize("after_s", [0.4, 0.8, 1.2, 1.6, 2.0, 2.6])
def test_kill_nine_in_the_middle_of_register(
    run: Run, tmp_path: Path, songs: list[NDArray[np.float32]], after_s: float
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(24):
        start = rng.integers(len(songs[0]) - 4 * RATE_HZ)
        audio.write(folder / f"{number:02}.wav", songs[number % 4][start : start + 4 * RATE_HZ], sample_rate_hz=RATE_HZ)
    command = [sys.executable, "-m", "linernotes", "register", str(folder), "--workspace", str(tmp_path / "w")]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after_s)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    listed = run("catalogue", "list", "--workspace", tmp_path / "w").stdout.count("rec_")
    done = run("register", folder, "--workspace", tmp_path / "w", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["already"]) == listed
    assert len(told["registered"]) == 24 - listed
    assert run("catalogue", "list", "--workspace", tmp_path / "w").stdout.count("rec_") == 24
    assert not [path for path in (tmp_path / "w" / "index").iterdir() if "unfinished" in path.name]


def test_an_interrupt_is_no_crash(tmp_path: Path, song_files: list[Path]) -> None:
    files = [str(file) for file in song_files * 200]
    command = [sys.executable, "-m", "linernotes", "register", *files, "--workspace", str(tmp_path / "w")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and not (tmp_path / "w").exists():
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode in (0, 130)  # 0: it was done before the signal came
    assert "Traceback" not in errors
