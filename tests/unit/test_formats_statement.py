"""What statements say, and the files that say it."""

import csv
import io
import json
from dataclasses import replace
from fractions import Fraction

import pytest

from linernotes.errors import InvariantError
from linernotes.formats import statement as words
from linernotes.formats.statement_files import COLUMNS, from_statement, from_why, statement_csv
from linernotes.model import Deduction, DeductionKind, RightType, Statement, UsageLine, Why
from tests.statement_samples import balanced, line, statement


def test_a_statement_whose_lines_do_not_add_up_is_refused() -> None:
    good = balanced([line()])
    assert words.checked(good) is good
    with pytest.raises(InvariantError, match=r"its lines add up to 32921811, it says 32921812"):
        words.checked(replace(good, earned_micro=good.earned_micro + 1))


@pytest.mark.parametrize("field", ["opening_micro", "closing_micro", "payable_minor", "moved_micro", "released_micro"])
def test_a_statement_whose_account_does_not_add_up_is_refused_by_every_format(field: str) -> None:
    good = balanced([line()])
    wrong = replace(good, **{field: getattr(good, field) + 1})
    for printed in (words.checked, from_statement, lambda told: statement_csv([told])):
        with pytest.raises(InvariantError, match="pty_5d1c6f0a9b3e2c47 for 2026-10 in EUR: opening"):
            printed(wrong)


def test_the_account_has_a_row_for_everything_that_moves_it() -> None:
    taken = [
        Deduction(DeductionKind.RECOUPMENT, 5_000_000, "advance of May"),
        Deduction(DeductionKind.WITHHOLDING, 1_000_000, "tax"),
    ]
    lines = [line(1), line(2, amount_micro=2_000_000, held=True), line(3, amount_micro=-500_000)]
    told = balanced(lines, opening_micro=250_000, taken=taken, moved_micro=-40_000)
    steps = words.account(told)
    assert [(step.label, step.amount_micro) for step in steps] == [
        ("Opening balance", 250_000),
        ("Earned", 34_421_811),
        ("Moved", -40_000),
        ("Paid back on an advance", -5_000_000),
        ("Tax withheld", -1_000_000),
        ("Held for now", -2_000_000),
        ("Paid out now", -26_630_000),
    ]
    assert sum(step.amount_micro for step in steps) == told.closing_micro == 1811
    assert [deduction.kind for deduction in words.staying(told)] == [DeductionKind.SUB_MINOR]


@pytest.mark.parametrize(
    ("balance_micro", "before", "after"),
    [
        (1, "owed to you from before", "stays owed to you"),
        (0, "nothing was open", "nothing stays open"),
        (-1, "paid too much before", "paid too much; taken off what comes next"),
    ],
)
def test_a_balance_says_who_owes_it(balance_micro: int, before: str, after: str) -> None:
    assert (words.owed(balance_micro, before=True), words.owed(balance_micro)) == (before, after)


def test_sources_add_up_and_those_past_the_last_are_one() -> None:
    lines = [line(n, source=f"S{n % 5}", amount_micro=n) for n in range(1, 21)]
    parts = words.sources(lines, most=3)
    assert [(part.label, part.amount_micro, part.n_lines, part.of_others) for part in parts] == [
        ("S0", 50, 4, False),
        ("S4", 46, 4, False),
        ("3 others", 114, 12, True),
    ]
    assert len(words.sources(lines, most=5)) == 5


def test_lines_are_gathered_by_thing_and_right() -> None:
    lines = [
        line(1, subject_id="a", title="A", amount_micro=1),
        line(2, subject_id="b", title="B", amount_micro=5, isrc=None, iswc="T3452460801", right_type=RightType.VOICE),
        line(3, subject_id="a", title="A", amount_micro=2),
    ]
    things = words.things(lines)
    assert [(thing.title, thing.isrc, thing.iswc, thing.amount_micro) for thing in things] == [
        ("B", None, "T3452460801", 5),
        ("A", "DEA612600001", None, 3),
    ]
    assert [each.id[-1] for each in things[1].lines] == ["3", "1"]
    assert [(part.label, part.amount_micro) for part in words.top(things, most=9)] == [("B", 5), ("A", 3)]
    assert [(part.label, part.amount_micro) for part in words.rights(lines)] == [("Voice", 5), ("Recording", 3)]


def test_what_is_held_says_why_and_what_ends_it() -> None:
    lines = [
        line(1),
        line(2, held=True, because="contested", claim_id="clm_1"),
        line(3, held=True, because="contested", claim_id="clm_1"),
        line(4, held=True, because="shares are not agreed", amount_micro=7),
    ]
    holds = words.holds(lines)
    assert [(hold.because, hold.amount_micro, len(hold.lines)) for hold in holds] == [
        ("contested", 65_843_622, 2),
        ("shares are not agreed", 7, 1),
    ]
    assert "claim clm_1 is decided" in holds[0].ends
    assert "shares in it are agreed" in holds[1].ends


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_csv_has_a_line_for_each_line() -> None:
    told = balanced([line(), line(2, claim_id="clm_1", held=True, isrc=None, iswc="T3452460801")])
    first, second = rows_of(statement_csv([told]))
    assert tuple(first) == COLUMNS
    assert first == {
        "party_id": "pty_5d1c6f0a9b3e2c47",
        "party_name": "Mira Sandoval",
        "period": "2026-10",
        "currency": "EUR",
        "line_id": "lin_0000000000000001",
        "subject_id": "rec_00000000000000a1",
        "title": "Harbour Lights",
        "isrc": "DEA612600001",
        "iswc": "",
        "right": "master",
        "source": "Streamhaus Premium",
        "territory": "DE",
        "usage_period": "2026-10",
        "quantity": "12345",
        "pool_micro": "98765432",
        "pool": "98.765432",
        "share": "1/3",
        "amount_micro": "32921811",
        "amount": "32.921811",
        "held": "no",
        "claim_id": "",
        "because": "1/3 of the recording, agreed by all on 2026-03-02",
    }
    assert (second["held"], second["claim_id"], second["iswc"]) == ("yes", "clm_1", "T3452460801")


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1", "@x", "'quoted"])
def test_a_title_is_no_formula_and_no_line_of_its_own(title: str) -> None:
    (row,) = rows_of(statement_csv([balanced([line(title=title)])]))
    assert row["title"] == f"'{title}"


def test_several_statements_stand_in_one_csv() -> None:
    rows = rows_of(statement_csv([balanced([line()]), balanced([line(2)], currency="JPY"), balanced([])]))
    assert [(row["currency"], row["amount"]) for row in rows] == [("EUR", "32.921811"), ("JPY", "32.921811")]


def test_the_json_has_every_amount_twice() -> None:
    told = from_statement(statement("KWD", n_lines=8))
    assert json.loads(json.dumps(told)) == told
    assert told["minor_digits"] == 3
    assert told["payable"] == f"{told['payable_minor'] // 1000}.{told['payable_minor'] % 1000:03}"
    assert {each["kind"]: each["leaves_account"] for each in told["deductions"]} == {
        "recoupment": True,
        "withholding": True,
        "held": True,
        "sub_minor": False,
    }
    held = [each for each in told["lines"] if each["held"]]
    assert held
    assert all("clm_00000000000000d1" in each["hold_ends"] for each in held)
    assert all(each["hold_ends"] is None for each in told["lines"] if not each["held"])


def test_where_an_amount_comes_from_is_told_in_json() -> None:
    used = UsageLine(
        "ab" * 32, 7, "2026-10", "DE", "EUR", 98_765_432, 12, "DEA612600001", None, "T", "A", "S", "u", "c"
    )
    why = Why(
        "lin_1", "run_1", "rec_1", "pty_1", "EUR", 32_921_811, 98_765_432, Fraction(1, 3), ["a"], None, None, [used], 1
    )
    told = from_why(why)
    assert json.loads(json.dumps(told)) == told
    assert (told["share"], told["pool"], told["usage"][0]["amount"]) == ("1/3", "98.765432", "98.765432")


def test_samples_are_fit_to_judge_by() -> None:
    told: Statement = statement()
    assert any(each.amount_micro < 0 for each in told.lines)
    assert any(each.held for each in told.lines)
