"""``linernotes royalties``: what usage brought, divided and booked; and what is agreed about it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder, exact, now

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Divide what usage brought, and say what is agreed about it.")

Table = Annotated[Path, typer.Argument(metavar="CSV", help="A table with a header; see docs/royalties.md.")]
Period = Annotated[str, typer.Option("--period", metavar="YYYY-MM", help="The month to book in.")]


@app.command()
def run(
    period: Period,
    close: Annotated[
        bool, typer.Option("--close", help="Close the period: recoup, withhold, pay out. It stays closed.")
    ] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Divide what was used up to a period, and book there what is not booked yet."""
    from linernotes.journeys import pay
    from linernotes.money import Money
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        done = pay.run_royalties(opened, period, at=now(), close=close)
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    received = ", ".join(str(Money(currency, amount)) for currency, amount in sorted(done.received.items()))
    if done.is_new:
        divided = ", ".join(done.divided) or "nothing"
        typer.echo(
            f"Divided what was used in {divided}: {received or 'no revenue'}; {done.entry_count} entries booked."
        )
    else:
        typer.echo("Nothing has changed since the last run: nothing new was divided.")
    if done.closed:
        typer.echo(f"{period} is closed.")
    for problem in done.problems:
        typer.echo(problem.message, err=True)


@app.command()
def rules(
    table: Annotated[Path | None, typer.Argument(metavar="[CSV]", help="The rules that hold from now on.")] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Set what part of the revenue goes to which right; without a table, show it."""
    from linernotes.journeys import agree, pay
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=table is not None) as opened:
        if table is not None:
            agree.set_rules(opened, table)
        for rule in pay.law_of(opened).rules:
            parts = {right.value: str(part) for right, part in rule.parts.items()}
            if as_json:
                span = {"from": rule.valid_from and str(rule.valid_from), "to": rule.valid_to and str(rule.valid_to)}
                typer.echo(json.dumps({"use_type": rule.use_type, "territory": rule.territory, **span, "parts": parts}))
            else:
                span_text = f"{rule.valid_from or ''}…{rule.valid_to or ''}"
                told = ", ".join(f"{right} {part}" for right, part in parts.items())
                typer.echo(f"{rule.use_type:24} {rule.territory:8} {span_text:24} {told}")


@app.command()
def terms(table: Table, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Enter terms of payment: currency, group, withholding, minimum, account."""
    from linernotes.journeys import agree
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        _told(len(agree.set_terms(opened, table)), "terms", as_json=as_json)


@app.command()
def advances(table: Table, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Enter advances that were paid, to be recouped."""
    from linernotes.journeys import agree
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        _told(agree.add_advances(opened, table), "advances", as_json=as_json)


@app.command()
def rates(table: Table, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Enter exchange rates by day."""
    from linernotes.journeys import agree
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        _told(agree.add_rates(opened, table), "rates", as_json=as_json)


@app.command()
def training(
    table: Annotated[Path, typer.Argument(metavar="CSV", help="isrc and attribution of each recording learned from.")],
    release: Annotated[str, typer.Option(metavar="NAME", help="The model release that pays.")],
    period: Period,
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help="What it pays, in units: 12500.00.")],
    currency: Annotated[str, typer.Option(metavar="CODE", help="ISO 4217.")],
    informativeness: Annotated[
        str, typer.Option(metavar="W", help="How much the attribution is measured to know, 0 to 1.")
    ] = "0",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Take in what a model's maker pays for training, divided by attribution as far as it knows, else equally."""
    from linernotes.errors import ParameterError
    from linernotes.journeys import agree
    from linernotes.workspace import Workspace

    weight = exact(informativeness, option="--informativeness") * 1_000_000
    if weight.denominator != 1:
        raise ParameterError(f"--informativeness {informativeness!r}: give it to a millionth at the finest")
    with Workspace(workspace, writable=True) as opened:
        report_id, count = agree.add_training(
            opened,
            table,
            release=release,
            period=period,
            currency=currency,
            amount=amount,
            informativeness_ppm=int(weight),
            at=now(),
        )
    if as_json:
        typer.echo(json.dumps({"report_id": report_id, "lines": count}))
    else:
        typer.echo(f"{count} recordings share {amount} {currency} of {release}: report {report_id}.")


def _told(count: int, what: str, *, as_json: bool) -> None:
    typer.echo(json.dumps({what: count}) if as_json else f"{count} {what} entered.")
