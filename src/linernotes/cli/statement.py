"""``linernotes statement``: what a party earned, what was taken off, what is held, and why any line is what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from linernotes.cli.options import Json, WorkspaceFolder, now
from linernotes.cli.screen import note
from linernotes.errors import ParameterError
from linernotes.formats.letters import visible

if TYPE_CHECKING:
    from linernotes.formats.statement import Part
    from linernotes.model import Statement, Why

__all__ = ["month_of", "statement"]

_console = Console(highlight=False)
_BLOCKS = " ▏▎▍▌▋▊▉█"
_BAR_CELLS = 28
_PARTS_MAX = 8
_USAGE_MAX = 12


def statement(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Whose: its id or whole name.")],
    period: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM", help="Of which month.  [default: the last one that is over]", show_default=False
        ),
    ] = None,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as PDF too.", show_default=False)] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write its lines as CSV too.", show_default=False)
    ] = None,
    line: Annotated[
        str | None,
        typer.Option(
            "--why", metavar="LINE", help="Instead: where the amount of this line comes from.", show_default=False
        ),
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show what a party earned in a month, what was taken off, what is held and why, and what is paid out."""
    from linernotes.journeys import earnings
    from linernotes.workspace import Workspace

    if line is not None:
        with Workspace(workspace) as opened:
            why = earnings.why(opened, line)
        _tell_why(why, as_json=as_json)
        return
    month = month_of(period)
    with Workspace(workspace) as opened:
        found = earnings.statements(opened, party, month)
    _tell(found, party, month, pdf=pdf, table=table, as_json=as_json)


def month_of(period: str | None) -> str:
    """Read a period, YYYY-MM; without one it is the last month that is over. ParameterError where it is none."""
    if period is None:
        return f"{now().replace(day=1) - timedelta(days=1):%Y-%m}"
    year, _, month = period.partition("-")
    if not (len(year) == 4 and len(month) == 2 and (year + month).isdecimal() and 1 <= int(month) <= 12):
        raise ParameterError(f"--period {period!r}: not a month such as 2026-10")
    return period


def _tell(
    statements: Sequence[Statement], party: str, period: str, *, pdf: Path | None, table: Path | None, as_json: bool
) -> None:
    from linernotes.formats.statement_files import from_statement
    from linernotes.journeys.account_statement import write_statements

    files = write_statements(statements, pdf=pdf, csv=table)
    if as_json:
        told = {
            "party": party,
            "period": period,
            "statements": [from_statement(each) for each in statements],
            "files": [str(path) for path in files],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for each in statements:
        _print_statement(each)
    if not statements:
        _console.print(_line(f"  Nothing was earned or owed in {period}."))
    for path in files:
        note(f"  {path}")


def _tell_why(why: Why, *, as_json: bool) -> None:
    from linernotes.formats.statement_files import from_why

    if as_json:
        typer.echo(json.dumps(from_why(why), ensure_ascii=False))
    else:
        _print_why(why)


# ── what a person sees ───────────────────────────────────────────────────────


def _line(*parts: str | tuple[str, str]) -> Text:
    """Return parts, each with a style or none, as one text: a title from a stranger must not command the terminal."""
    return Text.assemble(*((visible(p), "") if isinstance(p, str) else (visible(p[0]), p[1]) for p in parts))


def _print_statement(told: Statement) -> None:
    from linernotes.formats import statement as words
    from linernotes.formats.amounts import money
    from linernotes.money import micro_of_minor

    words.checked(told)
    payable = money(micro_of_minor(told.payable_minor, told.currency), told.currency)
    _console.print()
    _console.print(
        _line("  ", (told.party_name, "bold"), f"  {words.month(told.period)}", (f"  {told.party_id}", "dim"))
    )
    _console.print(_line("  paid out now  ", (payable, "bold green" if told.payable_minor > 0 else "bold")))
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2), expand=False)
    rows.add_column(no_wrap=True)
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(style="dim", overflow="fold")
    for step in words.account(told):
        rows.add_row(*_row(step.label, step.amount_micro, step.because, told.currency))
    rows.add_row(*_row("Closing balance", told.closing_micro, words.owed(told.closing_micro), told.currency, "bold"))
    for deduction in words.staying(told):
        label = f"  {words.DEDUCTIONS[deduction.kind]}"
        rows.add_row(*_row(label, deduction.amount_micro, deduction.because, told.currency, "dim"))
    _console.print(rows)
    _print_bars("where it came from", words.sources(told.lines, most=_PARTS_MAX), told.currency)
    _print_bars("what earned most", words.top(words.things(told.lines), most=_PARTS_MAX), told.currency)
    for hold in words.holds(told.lines):
        _console.print(_line(("  held  ", "yellow"), money(hold.amount_micro, told.currency), f"  {hold.because}"))
        _console.print(_line((f"        {hold.ends}", "dim")), soft_wrap=True)
    if told.lines:
        asked = f"linernotes statement {told.party_id} --why {told.lines[0].id}"
        note(f"  Why a line: {asked}; --pdf and --csv have their ids")


def _row(label: str, amount_micro: int, because: str, currency: str, style: str = "") -> tuple[Text, Text, Text]:
    from linernotes.formats.amounts import split

    head, tail = split(amount_micro, currency)
    return _line((f"  {label}", style)), _line((head, style), (tail, "dim")), _line(because)


def _print_bars(title: str, parts: Sequence[Part], currency: str) -> None:
    """Print a bar for each part, in eighths of a cell; what is below zero in red."""
    from linernotes.formats.amounts import split

    if not parts:
        return
    greatest = max((abs(part.amount_micro) for part in parts if not part.of_others), default=0) or 1
    _console.print(_line((f"  {title}", "bold")))
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2), expand=False)
    rows.add_column(max_width=36, no_wrap=True, overflow="ellipsis")
    rows.add_column(width=_BAR_CELLS, no_wrap=True)
    rows.add_column(justify="right", no_wrap=True)
    for part in parts:
        eighths = 0 if part.of_others else max(1, abs(part.amount_micro) * _BAR_CELLS * 8 // greatest)
        bar = _BLOCKS[8] * (eighths // 8) + _BLOCKS[eighths % 8].strip()
        head, tail = split(part.amount_micro, currency)
        style = "red" if part.amount_micro < 0 else "cyan"
        rows.add_row(_line(f"  {part.label}"), Text(bar, style), _line(head, (tail, "dim")))
    _console.print(rows)


def _print_why(why: Why) -> None:
    from linernotes.formats.amounts import fraction, money, percent

    amount, pool = money(why.amount_micro, why.currency), money(why.pool_micro, why.currency)
    share = f"  is {fraction(why.fraction)} ({percent(why.fraction)}) of a pool of {pool}"
    _console.print(_line("  ", (why.line_id, "bold"), "  ", (amount, "bold"), share), soft_wrap=True)
    _console.print(_line((f"  of {why.subject_id}, booked by {why.run_id}", "dim")), soft_wrap=True)
    for number, step in enumerate(why.steps, 1):
        _console.print(_line((f"  {number:>2}. ", "dim"), step), soft_wrap=True)
    if why.claim_id is not None:
        evidence = f", from evidence {why.evidence_id}" if why.evidence_id else ""
        _console.print(_line(f"  claim {why.claim_id}{evidence}", (f"  linernotes claims show {why.claim_id}", "dim")))
    _console.print(_line((f"  usage, {why.usage_count:,} line{'' if why.usage_count == 1 else 's'}", "bold")))
    for used in why.usage[:_USAGE_MAX]:
        brought = money(used.amount_micro, used.currency)
        what = f"  {used.period} {used.territory}  {used.source}  {used.quantity:,} × “{used.title}”  {brought}"
        _console.print(_line(what, (f"  {used.report_id[:12]}:{used.line}", "dim")), soft_wrap=True)
    if why.usage_count > min(len(why.usage), _USAGE_MAX):
        note(f"  and {why.usage_count - min(len(why.usage), _USAGE_MAX):,} more; --json has {len(why.usage):,} of them")
