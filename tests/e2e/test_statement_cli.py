"""Statements and payments through the command line: what nobody has booked is said, with its exit code."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("statement", "Mira", "--period", "2026-13"), 2, "not a month such as 2026-10"),
        (("statement", "Mira", "--period", "2026-10"), 3, ""),
        (("statement", "Mira", "--why", "lin_0000000000000001"), 3, "lin_0000000000000001"),
        (("payments", "list", "--period", "2026-10"), 3, "2026-10"),
        (("payments", "export", "--period", "2026-10"), 2, "give --pain FILE, --csv FILE or both"),
        (("payments", "export", "--period", "2026-10", "--csv", "out.csv"), 3, "2026-10"),
    ],
)
def test_what_is_not_there_is_said(run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(*arguments, "--workspace", str(tmp_path / "here"))
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "here").exists()
