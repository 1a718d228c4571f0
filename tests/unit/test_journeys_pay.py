"""Royalty runs on a small catalogue: who gets what, when, and what happens when the world changes afterwards."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from linernotes.errors import ConflictError, FormatError, ParameterError
from linernotes.formats.statement import checked
from linernotes.journeys import agree, earnings, pay
from linernotes.model import (
    ANY_USE,
    Account,
    Advance,
    Party,
    Recording,
    RecordingEntry,
    RightType,
    RoyaltyRule,
    Share,
    Terms,
    Work,
)
from linernotes.store import schema
from linernotes.store.database import writing
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
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC), line(7, isrc="XX"), line(0, isrc=ISRC)])
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
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    write_usage(workspace, "2026-01", "r2", [line(50, isrc=ISRC)])
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
    write_usage(workspace, "2026-01", "r1", [line(1_000_000_000, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    found = standing(workspace)
    assert found["paid", "pty_ada"] == 533_330_000
    assert found["payable", "pty_ada"] == 3_333
    assert pay.check_books(workspace)[1] == []
    assert workspace.books.balances()[Account.CASH, None, "EUR"] == -1_000_000_000


def test_a_reserve_is_kept_told_and_released(workspace: Workspace) -> None:
    workspace.agreements.set_terms([Terms("pty_ada", reserve=Fraction(1, 4), reserve_periods=2)])
    told = []
    for month, amount in enumerate((30_000_000, 15_000_000, 0, 0), 1):
        period = f"2026-{month:02d}"
        write_usage(workspace, period, f"r{month}", [line(amount, isrc=ISRC, period=period)])
        pay.run_royalties(workspace, period, at=AT, close=True)
        of_ada = [checked(each) for each in earnings.statements(workspace, "ada", period)]
        told += [
            (each.released_micro, [d.amount_micro for d in each.deductions], each.payable_minor) for each in of_ada
        ]
    assert told == [
        (0, [4_000_000], 1200),
        (0, [2_000_000], 600),
        (4_000_000, [], 400),
        (2_000_000, [], 200),
    ]
    assert ("reserved", "pty_ada") not in standing(workspace)
    assert pay.check_books(workspace)[1] == []


def test_what_the_catalogue_learns_is_matched_when_it_is_learned(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(90, isrc="NEW000000001")])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    assert standing(workspace)["unmatched", None] == 90
    recording = Recording("rec_2", "Two", "Ada", "2" * 64, "x", 1.0, 44_100, 2, isrc="NEW000000001")
    shares = [Share("rec_2", "pty_ada", RightType.MASTER, Fraction(1))]
    workspace.catalogue.add(
        RecordingEntry(recording, parties=[Party("pty_ada", "ada"), Party("pty_bea", "bea")], shares=shares)
    )
    pay.run_royalties(workspace, "2026-02", at=AT)
    found = standing(workspace)
    assert ("unmatched", None) not in found
    assert (found["payable", "pty_ada"], found["unclaimed", None]) == (72, 18)
    late = [entry for entry in workspace.books.entries(period="2026-02") if entry.usage_period]
    assert [(entry.kind, entry.usage_period) for entry in late] == [("correction", "2026-01")]


def test_shares_that_changed_mid_period_hold_each_on_its_days(workspace: Workspace) -> None:
    recording = Recording("rec_2", "Two", "Ada", "2" * 64, "x", 1.0, 44_100, 2, isrc="NEW000000001")
    until, since = date(2026, 1, 15), date(2026, 1, 15)
    shares = [
        Share("rec_2", "pty_ada", RightType.MASTER, Fraction(1), valid_to=until),
        Share("rec_2", "pty_bea", RightType.MASTER, Fraction(1), valid_from=since),
    ]
    workspace.catalogue.add(
        RecordingEntry(recording, parties=[Party("pty_ada", "ada"), Party("pty_bea", "bea")], shares=shares)
    )
    lines = [line(10, isrc="NEW000000001", day=day) for day in (0, 13, 14, 27)]
    write_usage(workspace, "2026-01", "r1", lines)
    pay.run_royalties(workspace, "2026-01", at=AT)
    found = standing(workspace)
    assert (found["payable", "pty_ada"], found["payable", "pty_bea"]) == (16, 16)


def test_sums_beyond_the_books_are_refused_and_nothing_is_booked(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(2**62 - 1, isrc=ISRC), line(-5, isrc=ISRC)])
    with pytest.raises(ParameterError, match="more than the books can hold"):
        pay.run_royalties(workspace, "2026-01", at=AT)
    assert list(workspace.books.entries()) == []
    assert [path.name for path in (workspace.folder / "royalties").iterdir()] == []


def test_an_amount_of_four_million_million_is_divided_to_the_micro_unit(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(2**62 - 1, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT)
    found = standing(workspace)
    assert found["payable", "pty_ada"] == round(Fraction(2**62 - 1) * Fraction(8, 15))
    assert sum(found.values()) == 0


def test_a_file_that_is_no_report_or_of_another_period_is_told(workspace: Workspace) -> None:
    path = write_usage(workspace, "2026-01", "r1", [line(5, isrc=ISRC, period="2026-02")])
    with pytest.raises(FormatError, match="its lines are of 2026-02"):
        pay.run_royalties(workspace, "2026-01", at=AT)
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(FormatError, match="not a usage report"):
        pay.run_royalties(workspace, "2026-01", at=AT)
    assert list(workspace.books.entries()) == []


def test_a_period_before_the_last_run_is_not_run(workspace: Workspace) -> None:
    pay.run_royalties(workspace, "2026-02", at=AT)
    with pytest.raises(ConflictError, match="2026-02 was run already"):
        pay.run_royalties(workspace, "2026-01", at=AT)


def test_a_changed_entry_is_found(workspace: Workspace) -> None:
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT)
    with writing(workspace.books.engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER postings_refuses_update")
        connection.exec_driver_sql("UPDATE postings SET amount_micro = amount_micro + 1 WHERE party_id = 'pty_ada'")
        connection.exec_driver_sql("UPDATE postings SET amount_micro = amount_micro - 1 WHERE party_id = 'pty_bea'")
    assert [problem.code for problem in pay.check_books(workspace)[1]] == ["ledger_changed"]


def claim(workspace: Workspace, claim_id: str, party: str, share: str, state: str) -> None:
    head = {"id": claim_id, "upload_sha256": "1" * 64, "party_id": party}
    content = json.dumps(head | {"action": "share", "share": share, "side": "recording", "exceptions": []})
    with writing(workspace.books.engine) as connection:
        if connection.execute(select(schema.uploads)).first() is None:
            connection.execute(insert(schema.uploads).values(sha256="1" * 64, path="x", first_seen_at=AT))
            connection.execute(insert(schema.evidence).values(id="e" * 64, upload_sha256="1" * 64, payload="{}"))
        connection.execute(
            insert(schema.claims).values(
                **head,
                evidence_id="e" * 64,
                subject_id="rec_1",
                right_type="master",
                use_type="recording",
                state=state,
                content=content,
                head="0" * 64,
                proposed_at=AT,
            )
        )


def decide(workspace: Workspace, state: str) -> None:
    with writing(workspace.books.engine) as connection:
        connection.execute(update(schema.claims).values(state=state))


def test_stacked_claims_get_what_nobody_else_asks_for_and_the_rest_is_held(workspace: Workspace) -> None:
    claim(workspace, "clm_1", "pty_bea", "3/4", "confirmed")
    claim(workspace, "clm_2", "pty_cy", "1/2", "upheld")
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT)
    assert standing(workspace) == {
        ("cash", None): -100,
        ("payable", "pty_bea"): 40,
        ("payable", "pty_cy"): 20 + 15,
        ("held", None): 20,
        ("unclaimed", None): 5,
    }


@pytest.mark.parametrize(
    ("state", "ends", "bea", "ada"),
    [("upheld", "post", 40 + 13, 27), ("withdrawn", "void", 27, 53), ("disputed", None, 13, 27)],
)
def test_disputed_money_is_held_until_it_is_decided(
    workspace: Workspace, state: str, ends: str | None, bea: int, ada: int
) -> None:
    claim(workspace, "clm_1", "pty_bea", "1/2", "disputed")
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC)])
    pay.run_royalties(workspace, "2026-01", at=AT, close=True)
    assert standing(workspace)["held", "pty_bea"] == 40
    decide(workspace, state)
    pay.run_royalties(workspace, "2026-02", at=AT)
    found = standing(workspace)
    ended = [entry.kind.value for entry in workspace.books.entries() if entry.resolves]
    assert ended == ([ends] if ends else [])
    assert found.get(("held", "pty_bea"), 0) == (0 if ends else 40)
    payable = (Account.PAYABLE, Account.BELOW_THRESHOLD)
    total = {
        party: sum(amount for (account, who), amount in found.items() if who == party and account in payable)
        for party in ("pty_bea", "pty_ada")
    }
    assert total == {"pty_bea": bea, "pty_ada": ada}
    assert pay.check_books(workspace)[1] == []


def test_only_what_a_change_touches_is_divided_again(workspace: Workspace) -> None:
    other = "DEA000000002"
    write_usage(workspace, "2026-01", "r1", [line(100, isrc=ISRC)])
    write_usage(workspace, "2026-02", "r2", [line(100, isrc=other, period="2026-02")])
    write_usage(workspace, "2026-03", "r3", [line(100, upload="1" * 64, period="2026-03")])

    def divided(period: str = "2026-03") -> list[str]:
        return list(pay.run_royalties(workspace, period, at=AT).divided)

    assert divided() == ["2026-01", "2026-02", "2026-03"]
    workspace.catalogue.add(RecordingEntry(Recording("rec_2", "T", "B", "2" * 64, "y", 1.0, 1, 1, isrc=other)))
    assert divided() == ["2026-02"]
    workspace.catalogue.add(RecordingEntry(Recording("rec_3", "T", "C", "3" * 64, "z", 1.0, 1, 1, isrc="DEA000000003")))
    assert divided() == []
    claim(workspace, "clm_1", "pty_bea", "1/2", "disputed")
    assert divided() == ["2026-01", "2026-03"]
    decide(workspace, "withdrawn")
    assert divided() == ["2026-01", "2026-03"]
    with writing(workspace.books.engine) as connection:
        connection.execute(update(schema.parties).where(schema.parties.c.id == "pty_cy").values(alias_of="pty_ada"))
    assert divided() == ["2026-01", "2026-03"]
    workspace.agreements.set_rules([RoyaltyRule(ANY_USE, {RightType.MASTER: Fraction(1)})])
    assert divided() == ["2026-01", "2026-02", "2026-03"]
    shutil.rmtree(workspace.royalties.folder / "royalties")
    workspace.catalogue.add(RecordingEntry(Recording("rec_4", "T", "D", "4" * 64, "w", 1.0, 1, 1)))
    assert divided() == ["2026-01", "2026-02", "2026-03"]
    assert pay.check_books(workspace)[1] == []


def test_terms_name_the_rights_that_advances_are_recouped_from(workspace: Workspace, tmp_path: Path) -> None:
    table = tmp_path / "terms.csv"
    table.write_text("party,recoup_from\npty_cy,mechanical\npty_ada,\n", encoding="utf-8")
    assert [each.recoup_from for each in agree.set_terms(workspace, table)] == [(RightType.MECHANICAL,), ()]
    workspace.agreements.add_advances([Advance("a", "pty_cy", "EUR", 50_000_000, AT.date())])
    write_usage(workspace, "2026-02", "r1", [line(100_000_000, isrc=ISRC, period="2026-02")])
    pay.run_royalties(workspace, "2026-02", at=AT, close=True)
    found = standing(workspace)
    assert (found["recoupable", "pty_cy"], found["paid", "pty_cy"]) == (-40_000_000, 50_000_000 + 5_000_000)
    table.write_text("party,recoup_from\npty_cy,mechanicals\n", encoding="utf-8")
    with pytest.raises(FormatError, match="mechanicals is none of master, mechanical"):
        agree.set_terms(workspace, table)
