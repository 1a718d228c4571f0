"""Royalty runs on a small catalogue: who gets what, when, and what happens when the world changes afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import ConflictError, ParameterError
from linernotes.journeys import pay
from linernotes.model import Account, Party, Recording, RecordingEntry, RightType, Share, Work
from linernotes.workspace import Workspace
from tests.royalty_oracle import line, write_usage

AT = datetime(2026, 2, 1, tzinfo=UTC)
ISRC = "DEA000000001"


def catalogue(workspace: Workspace) -> None:
    recording = Recording("rec_1", "One", "Ada", "1" * 64, "x", 1.0, 44_100, 2, isrc=ISRC, work_id="wrk_1")
    workspace.catalogue.add(
        RecordingEntry(
            recording,
            work=Work("wrk_1", "One"),
            parties=[Party(f"pty_{name}", name) for name in ("ada", "bea", "cy")],
            shares=[
                Share("rec_1", "pty_ada", RightType.MASTER, Fraction(2, 3)),
                Share("rec_1", "pty_bea", RightType.MASTER, Fraction(1, 3)),
                Share("wrk_1", "pty_cy", RightType.MECHANICAL, Fraction(1)),
                Share("wrk_1", "pty_cy", RightType.PERFORMANCE, Fraction(1, 2)),
            ],
        )
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w", writable=True) as opened:
        catalogue(opened)
        yield opened


def standing(workspace: Workspace) -> dict[tuple[str, str | None], int]:
    return {(account.value, party): amount for (account, party, _), amount in workspace.books.balances().items()}


def test_what_comes_in_goes_to_whom_the_catalogue_says(workspace: Workspace) -> None:
    write_usage(workspace.folder, "2026-01", "r1", [line(100, isrc=ISRC), line(7, isrc="XX"), line(0, isrc=ISRC)])
    done = pay.run_royalties(workspace, "2026-01", at=AT)
    assert standing(workspace) == {
        ("cash", None): -107,
        ("payable", "pty_ada"): 53,
        ("payable", "pty_bea"): 27,
        ("payable", "pty_cy"): 15,
        ("unclaimed", None): 5,
        ("unmatched", None): 7,
    }
    assert (done.is_new, done.received, done.divided) == (True, {"EUR": 107}, ["2026-01"])
    again = pay.run_royalties(workspace, "2026-01", at=AT)
    assert (again.run_id, again.is_new, again.entry_count) == (done.run_id, False, 0)
    assert pay.check_books(workspace) == (1, [])


def test_a_report_that_comes_later_adds_what_it_brings(workspace: Workspace) -> None:
    write_usage(workspace.folder, "2026-01", "r1", [line(100, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    write_usage(workspace.folder, "2026-01", "r2", [line(50, isrc=ISRC)])
    with pytest.raises(ConflictError, match="2026-01 is closed"):
        pay.run_royalties(workspace, "2026-01", at=AT)
    pay.run_royalties(workspace, "2026-02", at=AT)
    assert standing(workspace)["cash", None] == -150
    assert {entry.period: entry.kind for entry in workspace.books.entries() if entry.usage_period} == {
        "2026-01": "royalty",
        "2026-02": "correction",
    }
    assert pay.check_books(workspace)[1] == []


@pytest.mark.parametrize("period", ["2026", "2026-13", "january", "2026-1"])
def test_a_period_is_a_month(workspace: Workspace, period: str) -> None:
    with pytest.raises(ParameterError, match="not a month"):
        pay.run_royalties(workspace, period, at=AT)


def test_the_close_pays_what_is_owed(workspace: Workspace) -> None:
    write_usage(workspace.folder, "2026-01", "r1", [line(1_000_000_000, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    found = standing(workspace)
    assert found["paid", "pty_ada"] == 533_330_000
    assert found["payable", "pty_ada"] == 3_333
    assert pay.check_books(workspace)[1] == []
    assert workspace.books.balances()[Account.CASH, None, "EUR"] == -1_000_000_000
