"""``linernotes ledger``: the books, proved, added up, and written out."""

import csv
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from linernotes.cli.options import BROKEN, Json, WorkspaceFolder

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Prove the books, add them up, write them out.")


class Form(StrEnum):
    """How a journal is written out."""

    CSV = "csv"
    BEANCOUNT = "beancount"


@app.command()
def check(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Prove every entry, every hold and every period anew."""
    from linernotes.journeys import pay
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        count, problems = pay.check_books(opened)
    if as_json:
        typer.echo(json.dumps({"entries": count, "problems": [asdict(problem) for problem in problems]}))
    else:
        for problem in problems:
            typer.echo(problem.message, err=True)
        typer.echo(f"{count} entries; " + (f"{len(problems)} faults" if problems else "everything adds up"))
    if problems:
        raise typer.Exit(BROKEN)


@app.command()
def balance(
    period: Annotated[
        str | None, typer.Option("--period", metavar="YYYY-MM", help="As it stood at the end of this month.")
    ] = None,
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Of this party alone.")] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Say what stands where: by account and currency, of one party also by party."""
    from collections import defaultdict

    from linernotes.money import Money
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        ids = [opened.claims.party(party)] if party else None
        standing = opened.books.balances(until=period, party_ids=ids)
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for (account, _, currency), amount in standing.items():
        sums[account.value, currency] += amount
    for (account_name, currency), amount in sorted(sums.items()):
        if as_json:
            typer.echo(json.dumps({"account": account_name, "currency": currency, "amount_micro": amount}))
        else:
            typer.echo(f"{account_name:16} {Money(currency, amount)!s:>28}")


@app.command()
def export(
    form: Annotated[Form, typer.Option("--form", help="csv, or beancount, which hledger reads too.")] = Form.CSV,
    period: Annotated[str | None, typer.Option("--period", metavar="YYYY-MM", help="Of this month alone.")] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Write out the journal."""
    from linernotes.journeys import pay
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        entries = opened.books.entries(period=period)
        if as_json:
            for entry in entries:
                typer.echo(json.dumps(asdict(entry), ensure_ascii=False))
        elif form is Form.BEANCOUNT:
            for text in pay.beancount(entries):
                typer.echo(text, nl=False)
        else:
            csv.writer(sys.stdout, lineterminator="\n").writerows(pay.csv_rows(entries))
