"""``linernotes payments``: what is paid out for a month, as a file for the bank and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from linernotes.cli.options import BAD_INPUT, Json, WorkspaceFolder, now
from linernotes.cli.problems import print_problems
from linernotes.cli.screen import note
from linernotes.cli.statement import month_of
from linernotes.errors import ParameterError
from linernotes.formats.letters import visible

if TYPE_CHECKING:
    from linernotes.formats.payments import Debtor, PaymentFile
    from linernotes.model import Payment, Problem

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Pay out: what is due, and the file for the bank.")
_console = Console(highlight=False)

Period = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM", help="Of which month.  [default: the last one that is over]", show_default=False),
]


@app.command("list")
def list_payments(period: Period = None, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """List what is paid out for a month, and what a bank's file could not carry."""
    from linernotes.formats.payments import payment_problems
    from linernotes.journeys import earnings
    from linernotes.workspace import Workspace

    month = month_of(period)
    with Workspace(workspace) as opened:
        due = earnings.payments(opened, month)
    problems = payment_problems(due)
    if as_json:
        told = {"period": month, "payments": [_payment(each) for each in due], "problems": _problems(problems)}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for each in due:
        _console.print(_row(each), soft_wrap=True)
    if not due:
        _console.print(f"  Nothing is paid out for {month}.")
    print_problems(problems)


@app.command()
def export(
    period: Period = None,
    pain: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The bank's file, ISO 20022 pain.001.", show_default=False)
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="All payments as CSV.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option("--debtor-name", metavar="NAME", help="Who pays.", show_default=False)
    ] = None,
    ibans: Annotated[
        list[str] | None,
        typer.Option(
            "--debtor-iban",
            metavar="IBAN",
            help="From which account; USD=IBAN for one currency, as often as needed.",
            show_default=False,
        ),
    ] = None,
    bic: Annotated[
        str | None, typer.Option("--debtor-bic", metavar="BIC", help="Of the payer's bank.", show_default=False)
    ] = None,
    older: Annotated[
        bool, typer.Option("--older", help="pain.001.001.03, for banks that do not take .09 yet.")
    ] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Write the bank's file and a table of a month's payments; those that no file can carry are told, each with why."""
    from linernotes.formats.payments import PainVersion, payment_problems
    from linernotes.journeys import account_statement as journey
    from linernotes.journeys import earnings
    from linernotes.workspace import Workspace

    if pain is None and table is None:
        raise ParameterError("nothing to write: give --pain FILE, --csv FILE or both")
    debtor = None if pain is None else _debtor(name, ibans or [], bic)
    month = month_of(period)
    with Workspace(workspace) as opened:
        due = earnings.payments(opened, month)
    problems, file = payment_problems(due, debtor), None
    if pain is not None and debtor is not None:
        version = PainVersion.V03 if older else PainVersion.V09
        file = journey.write_bank_file(due, debtor, pain, created_at=now(), version=version)
    if table is not None:
        journey.write_payment_table(due, problems, table)
    _tell(month, file, problems, pain=pain, table=table, n_due=len(due), as_json=as_json)
    if any(problem.code != "name_script" for problem in problems):
        raise typer.Exit(BAD_INPUT)


def _debtor(name: str | None, ibans: Sequence[str], bic: str | None) -> Debtor:
    """Read who pays; ParameterError naming the option that is missing or wrong."""
    from linernotes.formats.payments import Debtor

    by_currency = {
        head.strip().upper(): iban for head, _, iban in (text.partition("=") for text in ibans if "=" in text)
    }
    plain = [text for text in ibans if "=" not in text]
    if name is None or not ibans:
        raise ParameterError("--pain needs --debtor-name NAME and --debtor-iban IBAN: who pays, from which account")
    if len(plain) > 1:
        raise ParameterError(f"--debtor-iban {plain[1]!r}: one account alone is for all currencies; others USD=IBAN")
    return Debtor(name, plain[0] if plain else None, bic, by_currency)


# ── what is told ─────────────────────────────────────────────────────────────


def _payment(payment: Payment) -> dict[str, Any]:
    from linernotes.formats.amounts import machine
    from linernotes.formats.payments import end_to_end_id
    from linernotes.money import minor_digits

    return {
        "id": payment.id,
        "party": {"id": payment.party_id, "name": payment.party_name},
        "period": payment.period,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "amount": machine(payment.amount_minor, minor_digits(payment.currency)),
        "due_on": payment.due_on.isoformat(),
        "end_to_end_id": end_to_end_id(payment),
        "iban": payment.iban,
        "bic": payment.bic,
    }


def _problems(problems: Sequence[Problem]) -> list[dict[str, str]]:
    from linernotes.formats.liner_notes import from_problem

    return [from_problem(problem) for problem in problems]


def _tell(
    period: str,
    file: PaymentFile | None,
    problems: Sequence[Problem],
    *,
    pain: Path | None,
    table: Path | None,
    n_due: int,
    as_json: bool,
) -> None:
    from linernotes.formats.amounts import machine, number
    from linernotes.money import minor_digits

    totals = {} if file is None else file.totals_minor
    if as_json:
        told = {
            "period": period,
            "pain": str(pain) if file is not None and file.xml is not None else None,
            "csv": None if table is None else str(table),
            "message_id": file and file.message_id,
            "n_due": n_due,
            "n_in_file": file.n_payments if file is not None else 0,
            "control_sum": file and file.control_sum,
            "totals": {
                currency: {"amount_minor": amount_minor, "amount": machine(amount_minor, minor_digits(currency))}
                for currency, amount_minor in totals.items()
            },
            "problems": _problems(problems),
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    if file is not None and file.xml is None:
        _console.print(f"  No payment of {period} can go into a bank's file; {pain} was not written.")
    elif file is not None:
        _console.print(
            _said(("✓ ", "green"), f"{pain}  {file.n_payments} of {n_due} payments", (f"  {file.message_id}", "dim"))
        )
        for currency, amount_minor in totals.items():
            _console.print(_said(f"  {currency} {number(amount_minor, minor_digits(currency))}"))
        note(f"  control sum {file.control_sum}")
    if table is not None:
        _console.print(_said(("✓ ", "green"), f"{table}  all {n_due} payments"), soft_wrap=True)
    print_problems(problems)


def _row(payment: Payment) -> Text:
    from linernotes.formats.amounts import number
    from linernotes.money import minor_digits

    amount = f"{payment.currency} {number(payment.amount_minor, minor_digits(payment.currency))}"
    return _said(f"  {payment.id}  ", (amount, "bold"), f"  {payment.party_name}", (f"  due {payment.due_on}", "dim"))


def _said(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*((visible(p), "") if isinstance(p, str) else (visible(p[0]), p[1]) for p in parts))
