"""``linernotes statement`` and ``linernotes payments``, over statements made by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from linernotes.cli import app
from linernotes.cli.statement import month_of
from linernotes.errors import NotFoundError, ParameterError
from linernotes.journeys import earnings
from linernotes.model import Payment, Statement, UsageLine, Why
from linernotes.workspace import Workspace
from tests.statement_samples import balanced, line, statement

PAYMENTS = [
    Payment("pay_1", "pty_1", "Mira Sandoval", "2026-10", "EUR", 19_581, date(2026, 11, 30), "NL91ABNA0417164300"),
    Payment("pay_2", "pty_2", "山田", "2026-10", "JPY", 1_500, date(2026, 11, 30), "NL91ABNA0417164300", "ABNANL2A"),
    Payment("pay_3", "pty_3", "Bo \x1b[31m", "2026-10", "EUR", 7, date(2026, 11, 30)),
]
USED = UsageLine("ab" * 32, 7, "2026-10", "DE", "EUR", 98_765_432, 12, "DEA612600001", None, "T", "A", "S", "u", "c")
WHY = Why(
    line_id="lin_1",
    run_id="run_1",
    subject_id="rec_1",
    party_id="pty_1",
    currency="EUR",
    amount_micro=32_921_811,
    pool_micro=98_765_432,
    fraction=Fraction(1, 3),
    steps=["12 streams in Germany brought EUR 98.77.", "A third of the recording is Mira Sandoval's."],
    claim_id="clm_1",
    evidence_id="evd_1",
    usage=[USED] * 20,
    usage_count=40,
)


@pytest.fixture(autouse=True)
def books(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put statements made by hand in the place of the books."""

    def statements(workspace: Workspace, party: str, period: str) -> Sequence[Statement]:
        if party == "Nobody":
            raise NotFoundError(f"no party {party!r}")
        if party == "Idle":
            return []
        return [statement(period=period), statement("JPY", n_lines=6, period=period), balanced([], currency="KWD")]

    monkeypatch.setattr(earnings, "statements", statements)
    monkeypatch.setattr(earnings, "why", lambda _, line_id: replace(WHY, line_id=line_id))
    monkeypatch.setattr(earnings, "payments", lambda _, period: [replace(p, period=period) for p in PAYMENTS])
    monkeypatch.setenv("LINERNOTES_HOME", str(tmp_path / "here"))
    monkeypatch.setenv("COLUMNS", "140")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_statement_is_shown_with_bars_deductions_and_what_is_held() -> None:
    result = run("statement", "Mira Sandoval", "--period", "2026-10")
    assert result.exit_code == 0, result.output
    text = result.stdout.replace("\xa0", " ")
    for told in (
        *("Mira Sandoval", "October 2026", "paid out now  EUR 195.81", "Paid back on an advance", "−12.500000"),
        *("Held for now", "where it came from", "Streamhaus Premium", "█", "what earned most", "Harbour Lights"),
        *("It ends when claim clm_00000000000000d1 is decided", "JPY ", "KWD 0.000", "nothing stays open"),
    ):
        assert told in text, told
    assert "--why lin_0000000000000001" in result.stderr


def test_the_json_has_the_statements_and_the_files(tmp_path: Path) -> None:
    pdf, table = tmp_path / "mira.pdf", tmp_path / "mira.csv"
    result = run("statement", "pty_1", "--period", "2026-09", "--pdf", str(pdf), "--csv", str(table), "--json")
    told = json.loads(result.stdout)
    assert (told["party"], told["period"], told["files"]) == ("pty_1", "2026-09", [str(pdf), str(table)])
    assert [each["currency"] for each in told["statements"]] == ["EUR", "JPY", "KWD"]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert len(table.read_text().splitlines()) == 1 + 24 + 6


def test_nobody_and_nothing_are_said(tmp_path: Path) -> None:
    assert isinstance(run("statement", "Nobody").exception, NotFoundError)
    assert "Nothing was earned or owed in 2026-10." in run("statement", "Idle", "--period", "2026-10").stdout
    refused = run("statement", "Idle", "--period", "2026-10", "--pdf", str(tmp_path / "x.pdf")).exception
    assert isinstance(refused, ParameterError)
    assert not (tmp_path / "x.pdf").exists()


def test_a_line_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("statement", "Mira", "--why", "lin_7")
    text = result.stdout.replace("\xa0", " ")
    for told in (
        "lin_7",
        "EUR 32.921811",
        "is 1/3 (≈ 33.33 %) of a pool of EUR 98.765432",
        "1. 12 streams",
        "claims show clm_1",
    ):
        assert told in text, told
    assert text.count("abababababab:7") == 12
    assert "and 28 more" in result.stderr
    told = json.loads(run("statement", "Mira", "--why", "lin_7", "--json").stdout)
    assert (told["line_id"], told["share"], len(told["usage"])) == ("lin_7", "1/3", 20)


def test_a_title_does_not_command_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = balanced([line(title="\x1b[2J[red]x", source="[bold]\x07", because="\x1b]0;t\x07")], name="[/]\x1b")
    monkeypatch.setattr(earnings, "statements", lambda *_: [odd])
    result = run("statement", "x", "--period", "2026-10")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[red]x" in result.stdout


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-1", "26-10", "2026-00", "x"])
def test_a_period_is_a_month(period: str) -> None:
    with pytest.raises(ParameterError, match="not a month"):
        month_of(period)
    assert len(month_of(None)) == 7


def test_payments_are_listed_with_what_stands_in_the_way() -> None:
    result = run("payments", "list", "--period", "2026-10")
    assert result.exit_code == 0
    assert "EUR 195.81" in result.stdout
    assert "JPY 1,500" in result.stdout
    assert "pay_3, EUR 0.07 to Bo" in result.stderr
    assert "no IBAN" in result.stderr
    assert "\x1b[31m" not in result.stdout + result.stderr
    told = json.loads(run("payments", "list", "--json").stdout)
    assert [each["amount"] for each in told["payments"]] == ["195.81", "1500", "0.07"]
    assert [each["code"] for each in told["problems"]] == ["name_script", "no_iban"]


DEBTOR = ("--debtor-name", "Nordklang", "--debtor-iban", "DE89370400440532013000")


def test_the_export_writes_what_it_can_and_leaves_with_two(tmp_path: Path) -> None:
    pain, table = tmp_path / "out.xml", tmp_path / "out.csv"
    result = run("payments", "export", "--period", "2026-10", "--pain", str(pain), "--csv", str(table), *DEBTOR)
    assert result.exit_code == 2
    assert "2 of 3 payments" in result.stdout.replace("\n", "")
    assert pain.read_text().count("<CdtTrfTxInf>") == 2
    assert len(table.read_text().splitlines()) == 4


def test_the_export_in_json(tmp_path: Path) -> None:
    pain = tmp_path / "out.xml"
    options = ("--older", "--debtor-iban", "JPY=CH9300762011623852957", "--debtor-bic", "COBADEFFXXX")
    result = run("payments", "export", "--period", "2026-10", "--pain", str(pain), "--json", *DEBTOR, *options)
    told = json.loads(result.stdout)
    assert (told["n_due"], told["n_in_file"], told["control_sum"], told["csv"]) == (3, 2, "1695.81", None)
    assert told["totals"] == {
        "EUR": {"amount_minor": 19_581, "amount": "195.81"},
        "JPY": {"amount_minor": 1_500, "amount": "1500"},
    }
    assert "pain.001.001.03" in pain.read_text()
    assert "CH9300762011623852957" in pain.read_text()


def test_an_export_without_faults_leaves_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(earnings, "payments", lambda *_: PAYMENTS[:2])
    assert run("payments", "export", "--pain", str(tmp_path / "out.xml"), *DEBTOR).exit_code == 0
    monkeypatch.setattr(earnings, "payments", lambda *_: [])
    result = run("payments", "export", "--period", "2026-10", "--pain", str(tmp_path / "none.xml"), *DEBTOR)
    assert result.exit_code == 0
    assert not (tmp_path / "none.xml").exists()
    assert "No payment of 2026-10" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing to write"),
        (("--pain", "x.xml"), "--debtor-name NAME and --debtor-iban IBAN"),
        (("--pain", "x.xml", *DEBTOR, "--debtor-iban", "DE89370400440532013000"), "one account alone"),
        (("--pain", "x.xml", "--debtor-name", "N", "--debtor-iban", "nope"), "debtor IBAN 'nope'"),
    ],
)
def test_what_the_export_needs_is_said(options: tuple[str, ...], said: str) -> None:
    refused = run("payments", "export", *options).exception
    assert isinstance(refused, ParameterError)
    assert said in str(refused)
