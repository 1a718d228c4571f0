"""Whatever is earned: what is printed, written and sent is the same to the micro-unit."""

import csv
import io
import json
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from linernotes.formats import statement as words
from linernotes.formats.amounts import machine, money, number, split
from linernotes.formats.payments import Debtor, PainVersion, pain001, payments_csv
from linernotes.formats.statement_files import from_statement, statement_csv
from linernotes.formats.statement_pdf import statement_pdf
from linernotes.model import Deduction, DeductionKind, Payment, RightType, Statement, StatementLine
from linernotes.money import micro_of_minor
from tests.statement_samples import balanced

CURRENCIES = ["EUR", "JPY", "KWD", "CLF"]
MICRO = st.integers(-(10**18), 10**18)
TEXT = st.text(max_size=40)


@st.composite
def any_line(draw: st.DrawFn) -> StatementLine:
    return StatementLine(
        id=f"lin_{draw(st.integers(0, 2**60)):016x}",
        subject_id=draw(st.sampled_from(["rec_1", "rec_2", "wrk_1"])),
        title=draw(TEXT),
        isrc=draw(st.sampled_from([None, "DEA612600001"])),
        iswc=None,
        right_type=draw(st.sampled_from(RightType)),
        source=draw(TEXT),
        territory=draw(st.sampled_from(["2136", "DE"])),
        usage_period="2026-10",
        quantity=draw(st.integers(-(10**9), 10**12)),
        gross_micro=draw(MICRO),
        share=Fraction(draw(st.integers(0, 10**6)), 10**6),
        amount_micro=draw(MICRO),
        claim_id=draw(st.sampled_from([None, "clm_1"])),
        held=draw(st.booleans()),
        because=draw(TEXT),
    )


@st.composite
def any_statement(draw: st.DrawFn) -> Statement:
    taken = [
        Deduction(
            draw(st.sampled_from([DeductionKind.RECOUPMENT, DeductionKind.WITHHOLDING])), amount_micro, draw(TEXT)
        )
        for amount_micro in draw(st.lists(st.integers(0, 10**15), max_size=3))
    ]
    return balanced(
        draw(st.lists(any_line(), max_size=6)),
        currency=draw(st.sampled_from(CURRENCIES)),
        opening_micro=draw(MICRO),
        moved_micro=draw(MICRO),
        taken=taken,
        name=draw(TEXT),
    )


@given(any_statement())
def test_the_files_have_the_amounts_of_the_statement(told: Statement) -> None:
    rows = list(csv.DictReader(io.StringIO(statement_csv([told]), newline="")))
    assert [int(row["amount_micro"]) for row in rows] == [line.amount_micro for line in told.lines]
    assert [int(row["amount"].replace(".", "")) for row in rows] == [line.amount_micro for line in told.lines]
    assert [int(row["pool"].replace(".", "")) for row in rows] == [line.gross_micro for line in told.lines]
    assert [Fraction(row["share"]) for row in rows] == [line.share for line in told.lines]
    assert [row["line_id"] for row in rows] == [line.id for line in told.lines]
    said = json.loads(json.dumps(from_statement(told)))
    assert [line["amount_micro"] for line in said["lines"]] == [line.amount_micro for line in told.lines]
    assert sum(Fraction(line["amount"]) for line in said["lines"]) == Fraction(said["earned"])
    leaving = sum(Fraction(each["amount"]) for each in said["deductions"] if each["leaves_account"])
    opening, earned, moved, payable = (Fraction(said[name]) for name in ("opening", "earned", "moved", "payable"))
    assert opening + earned + moved - leaving - payable == Fraction(said["closing"])


@given(any_statement())
def test_what_is_gathered_loses_nothing(told: Statement) -> None:
    lines = told.lines
    whole = sum(line.amount_micro for line in lines)
    things = words.things(lines)
    for parts in (words.sources(lines, most=2), words.rights(lines), words.top(things, most=2)):
        assert sum(part.amount_micro for part in parts) == whole
        assert sum(part.n_lines for part in parts) == len(lines)
    assert sorted(line.id for thing in things for line in thing.lines) == sorted(line.id for line in lines)
    assert sum(hold.amount_micro for hold in words.holds(lines)) == sum(x.amount_micro for x in lines if x.held)
    assert sum(step.amount_micro for step in words.account(told)) == told.closing_micro


@settings(max_examples=8)
@given(st.lists(any_statement(), min_size=1, max_size=2))
def test_any_statement_can_be_printed(told: list[Statement]) -> None:
    assert statement_pdf(told).startswith(b"%PDF")


@given(st.integers(-(10**40), 10**40), st.sampled_from(CURRENCIES))
def test_an_amount_can_be_read_back_from_every_way_it_is_written(amount_micro: int, currency: str) -> None:
    for text in ("".join(split(amount_micro, currency)), machine(amount_micro, 6), number(amount_micro, 6)):
        assert Fraction(text.replace("−", "-").replace(",", "")) * 10**6 == amount_micro
    told = money(amount_micro, currency).removeprefix(f"{currency}\xa0").replace("−", "-").replace(",", "")
    assert Fraction(told) * 10**6 == amount_micro


@cache
def schema_of(version: PainVersion) -> etree.XMLSchema:
    folder = Path(str(pytest.importorskip("sepaxml").__file__)).parent / "schemas"
    return etree.XMLSchema(etree.parse(folder / f"{version.value}.xsd"))


@st.composite
def any_payment(draw: st.DrawFn) -> Payment:
    iban = draw(
        st.sampled_from([None, "", "NL91ABNA0417164300", "nl91 abna 0417 1643 00", "KW81CBKU0000000000001234560101"])
    )
    return Payment(
        id=draw(st.one_of(st.text(max_size=40), st.sampled_from(["pay_1", "pay_2", "pay-2", "pay_3"]))),
        party_id="pty_1",
        party_name=draw(st.text(max_size=90)),
        period="2026-10",
        currency=draw(st.sampled_from([*CURRENCIES, "E"])),
        amount_minor=draw(st.integers(-(10**20), 10**20)),
        due_on=date(2026, 11, draw(st.integers(1, 3))),
        iban=iban,
        bic=draw(st.sampled_from([None, "ABNANL2A", "nope"])),
    )


@given(st.lists(any_payment(), max_size=8), st.sampled_from(PainVersion))
def test_any_payments_give_a_file_that_keeps_to_the_schema_or_problems(
    payments: list[Payment], version: PainVersion
) -> None:
    schema = schema_of(version)
    debtor = Debtor("Nordklang", "DE89370400440532013000")
    file = pain001(payments, debtor, created_at=datetime(2026, 11, 22, tzinfo=UTC), version=version)
    rows = list(csv.DictReader(io.StringIO(payments_csv(payments, file.problems), newline="")))
    assert len(rows) == len(payments)
    in_file = [payment for payment, row in zip(payments, rows, strict=True) if row["in_file"] == "yes"]
    assert len(in_file) == file.n_payments
    assert all(row["problem"] for row in rows if row["in_file"] == "no")
    total_micro = sum(micro_of_minor(payment.amount_minor, payment.currency) for payment in in_file)
    assert Fraction(file.control_sum) * 10**6 == total_micro
    if file.xml is None:
        assert not in_file
        return
    schema.assertValid(etree.fromstring(file.xml.encode()))
