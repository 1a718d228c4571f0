"""Crashes at any write, kills, two runs at once: the books add up, and go on. The lives are evaluations.crashes'."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evaluations.crashes import AT, ISRCS, CrashError, begin, crashing_at, life, live, opened, remembered
from linernotes.journeys import pay
from linernotes.workspace import Workspace
from tests.royalty_oracle import line, write_usage


@pytest.mark.parametrize("seed", range(2))
def test_lives_with_crashes_end_as_lives_in_peace(tmp_path: Path, place: Path | str, seed: int) -> None:
    with remembered(tmp_path):
        tally = live(tmp_path, place, life(seed, 30))
    assert (tally.unproved, tally.different) == (0, 0)
    assert tally.crashes > 20


def test_a_crash_at_any_write_costs_nothing(tmp_path: Path, place: Path | str) -> None:
    folder = tmp_path / "rough"
    with opened(folder, place) as workspace:
        begin(workspace)
        write_usage(workspace, "2026-01", "r", [line(5_000_000, isrc=ISRCS[0]), line(7, isrc=ISRCS[1])])
    crashes = 0
    with remembered(tmp_path):
        for number in range(1, 200):
            with opened(folder, place) as workspace:
                try:
                    with crashing_at(number, _raise):
                        pay.run_royalties(workspace, "2026-01", at=AT, close=True)
                    break
                except CrashError:
                    crashes += 1
            with opened(folder, place) as workspace:
                assert pay.check_books(workspace)[1] == []
                if workspace.books.closing("2026-01"):
                    break  # the crash came after the close was committed
    assert crashes > 10
    with opened(folder, place) as workspace:
        assert len(workspace.books.runs()) == 1
        assert pay.check_books(workspace)[1] == []


def _raise() -> None:
    raise CrashError


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from evaluations.crashes import AT, crashing_at, opened, pay
with opened(Path({folder!r}), Path("-")) as workspace:
    with crashing_at({number}, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        pay.run_royalties(workspace, "2026-01", at=AT, close=True)
"""


def test_a_kill_at_any_write_costs_nothing(tmp_path: Path) -> None:
    with Workspace(tmp_path, writable=True) as workspace:
        begin(workspace)
        write_usage(workspace, "2026-01", "r", [line(5_000_000, isrc=ISRCS[0]), line(7, isrc=ISRCS[1])])
    root = str(Path(__file__).parents[2])
    killed = 0
    for number in (1, 8, 14, 15, 16, 17, 18, 19, 20, 21, 99):
        script = KILLED.format(root=root, folder=str(tmp_path), number=number)
        done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, env=os.environ)
        killed += done.returncode == -signal.SIGKILL
        with Workspace(tmp_path, writable=True) as workspace:
            assert pay.check_books(workspace)[1] == []
            if workspace.books.closing("2026-01"):
                break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert killed > 3
    with Workspace(tmp_path) as workspace:
        assert workspace.books.closing("2026-01") is not None
        assert len(workspace.books.runs()) == 1


def test_of_two_that_run_at_once_one_books(tmp_path: Path) -> None:
    with Workspace(tmp_path, writable=True) as workspace:
        begin(workspace)
        write_usage(workspace, "2026-01", "r", [line(5_000_000, isrc=ISRCS[0]), line(7, isrc=ISRCS[1])])
    command = [sys.executable, "-m", "linernotes", "royalties", "run", "--period", "2026-01"]
    both = [
        subprocess.Popen([*command, "--workspace", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    codes = []
    for each in both:
        _, said = each.communicate(timeout=300)
        codes.append(each.returncode)
        assert each.returncode in (0, 4), said
    assert 0 in codes
    with Workspace(tmp_path) as workspace:
        assert len(workspace.books.runs()) == 1
        assert -sum(a for (account, _, _), a in workspace.books.balances().items() if account == "cash") == 5_000_007
        assert pay.check_books(workspace)[1] == []
