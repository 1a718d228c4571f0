"""What a party is told, and the way back from each line."""

import pytest

from linernotes.errors import NotFoundError
from linernotes.journeys import earnings, pay
from linernotes.model import DeductionKind, Statement
from linernotes.store import schema
from linernotes.store.database import writing
from linernotes.workspace import Workspace
from tests.royalty_oracle import line, write_usage
from tests.unit.test_journeys_pay import AT, ISRC, workspace

__all__ = ["workspace"]


def balances(told: Statement) -> bool:
    leaving = (DeductionKind.RECOUPMENT, DeductionKind.WITHHOLDING, DeductionKind.HELD)
    gone = sum(d.amount_micro for d in told.deductions if d.kind in leaving)
    minor = 10_000
    came = told.opening_micro + told.earned_micro + told.moved_micro
    return came - gone - told.payable_minor * minor == told.closing_micro


def test_a_statement_tells_each_line_and_adds_up(workspace: Workspace) -> None:
    lines = [line(1_000_000, isrc=ISRC, territory=t, source=s) for t in ("DE", "US") for s in ("A", "B")]
    write_usage(workspace, "2026-01", "r1", [*lines, line(7, isrc=ISRC, territory="US")])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    (told,) = earnings.statements(workspace, "ada", "2026-01")
    assert [(each.territory, each.source, each.gross_micro) for each in told.lines] == [
        ("DE", "A", 1_000_000),
        ("DE", "B", 1_000_000),
        ("US", "A", 1_000_000),
        ("US", "B", 1_000_000),
        ("US", "Shop", 7),
    ]
    assert told.earned_micro == sum(each.amount_micro for each in told.lines) == 2_133_337
    assert (told.payable_minor, told.closing_micro) == (213, 3_337)
    assert balances(told)
    assert [deduction.kind for deduction in told.deductions] == [DeductionKind.SUB_MINOR]
    (payment,) = [p for p in earnings.payments(workspace, "2026-01") if p.party_id == "pty_ada"]
    assert payment.amount_minor == 213


def test_from_a_line_the_way_leads_back_to_the_usage(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(100, isrc="XX"), line(60, isrc=ISRC), line(40, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT)
    (told,) = earnings.statements(workspace, "pty_ada", "2026-01")
    found = earnings.why(workspace, told.lines[0].id)
    assert (found.amount_micro, found.pool_micro, found.usage_count) == (53, 100, 2)
    assert [(usage.report_id, usage.line, usage.amount_micro) for usage in found.usage] == [
        ("r1", 2, 60),
        ("r1", 3, 40),
    ]
    assert any("master: ada: 8/15 is 0.000053 EUR" in step for step in found.steps)
    for unknown in ("x", f"{told.lines[0].id}9", "0" * 12 + ".1.1.0"):
        with pytest.raises(NotFoundError):
            earnings.why(workspace, unknown)


def test_a_run_that_another_version_kept_is_told_as_such(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(60, isrc=ISRC)])
    run = pay.run_royalties(workspace, "2026-01", at=AT)
    (workspace.royalties.run_folder(run.run_id) / "cells.parquet").unlink()
    with pytest.raises(NotFoundError, match="another version kept this; run royalties for the period again"):
        earnings.statements(workspace, "pty_ada", "2026-01")


def test_a_trail_that_another_version_wrote_is_written_anew(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(60, isrc=ISRC)])
    folder = workspace.royalties.run_folder(pay.run_royalties(workspace, "2026-01", at=AT).run_id)
    for name in ("trail.parquet", "trail-01234567.parquet"):
        (folder / name).write_bytes(b"what an older version wrote")
    (told,) = earnings.statements(workspace, "pty_ada", "2026-01")
    assert told.lines
    (written,) = folder.glob("trail*.parquet")
    assert written.name not in ("trail.parquet", "trail-01234567.parquet")


def test_what_is_found_later_is_told_as_the_difference(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(1_000_000, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    write_usage(workspace, "2026-01", "r2", [line(-500_000, isrc=ISRC)])
    write_usage(workspace, "2026-02", "r3", [line(90_000, isrc=ISRC, period="2026-02")])
    pay.run_royalties(workspace, "2026-02", at=AT)
    (told,) = earnings.statements(workspace, "pty_ada", "2026-02")
    assert [(each.usage_period, each.amount_micro) for each in told.lines] == [
        ("2026-01", -266_666),
        ("2026-02", 48_000),
    ]
    assert (told.opening_micro, told.closing_micro) == (3_333, 3_333 - 266_666 + 48_000)
    assert balances(told)


def test_a_party_merged_into_another_after_being_paid_is_not_paid_twice(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(1_000_000, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    with writing(workspace.books.engine) as connection:
        connection.execute(schema.parties.update().where(schema.parties.c.id == "pty_bea").values(alias_of="pty_ada"))
    write_usage(workspace, "2026-02", "r2", [line(300_000, isrc=ISRC, period="2026-02")])
    pay.run_royalties(workspace, "2026-02", at=AT, close=True)
    (told,) = earnings.statements(workspace, "pty_ada", "2026-02")
    assert (told.opening_micro, told.moved_micro) == (3_333, 6_667)
    assert sum(each.amount_micro for each in told.lines) == told.earned_micro == 240_000
    assert told.payable_minor == 25
    assert balances(told)
    (gone,) = earnings.statements(workspace, "pty_bea", "2026-02")
    assert (gone.opening_micro, gone.moved_micro, gone.closing_micro, list(gone.lines)) == (6_667, -6_667, 0, [])
    assert pay.check_books(workspace)[1] == []


def test_nobody_and_nothing_are_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no run has booked"):
        earnings.statements(workspace, "ada", "2026-01")
    with pytest.raises(NotFoundError, match=r"nobody|no party"):
        earnings.statements(workspace, "zoe", "2026-01")
    with pytest.raises(NotFoundError, match="not closed"):
        earnings.payments(workspace, "2026-01")
