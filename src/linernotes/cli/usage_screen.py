"""What a person, or a program, sees of usage: reports, their sums and faults, and what is unmatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.formats.wording import printable
from linernotes.model.usage import UnmatchedUsage, UsageFault, UsageReport

if TYPE_CHECKING:
    from linernotes.journeys.usage import ImportedUsage

__all__ = [
    "from_fault",
    "from_report",
    "from_unmatched",
    "print_fault",
    "print_imported",
    "print_reports",
    "print_unmatched",
]

_console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)


def from_report(report: UsageReport) -> dict[str, Any]:
    """Return a report as JSON's types; amounts are whole millionths."""
    sums = [{**asdict(total), "missing_micro": total.missing_micro} for total in report.sums]
    return {**asdict(report), "name": report.name, "sums": sums}


def from_unmatched(row: UnmatchedUsage) -> dict[str, Any]:
    """Return unmatched usage as JSON's types."""
    days = {"first_used_on": row.first_used_on.isoformat(), "last_used_on": row.last_used_on.isoformat()}
    return {**asdict(row), **days}


def from_fault(report: UsageReport, fault: UsageFault) -> dict[str, Any]:
    """Return a fault as JSON's types, with the file and line it is in."""
    return {**asdict(fault), "where": report.where(fault.line)}


def money(amount_micro: int) -> str:
    """Write an amount with its cents, and its millionths if it has any. Check: ``money(-1500000)`` is ``-1.50``."""
    sign, whole, part = "−" if amount_micro < 0 else "", *divmod(abs(amount_micro), 10**6)
    decimals = f"{part:06d}"
    return f"{sign}{whole:,}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def print_imported(result: ImportedUsage) -> None:
    """Print what an import did."""
    print_problems(result.problems)
    for report in result.already:
        _console.print(f"  {printable(report.name)}: here already, nothing changed ({report.id[:12]})", soft_wrap=True)
    for report in result.reports:
        _print_report(report)
    if result.ignored_columns:
        _errors.print(Text(f"columns left alone: {', '.join(map(printable, result.ignored_columns))}", "dim"))


def _print_report(report: UsageReport) -> None:
    n_files = f" and {len(report.files) - 1} more files" if len(report.files) > 1 else ""
    title = Text.assemble("  ", (printable(report.name), "bold"), n_files, (f"  {report.id[:12]}", "dim"))
    _console.print(title, soft_wrap=True)
    facts = [f"{report.n_lines:,} lines of usage", _periods(report)]
    facts += [f"{report.n_faulty:,} faulty"] if report.n_faulty else []
    facts += [f"{report.n_remarks:,} remarks"] if report.n_remarks else []
    _console.print(Text("    " + " · ".join(filter(None, facts))), soft_wrap=True)
    for total in report.sums:
        missing = f"  {money(total.missing_micro)} less than stated" if total.missing_micro else ""
        line = Text.assemble(f"    {total.currency} {money(total.amount_micro)}", (missing, "dark_orange"))
        _console.print(line, soft_wrap=True)
    if report.n_faulty or report.n_remarks:
        _console.print(Text(f"    linernotes usage faults {report.id[:12]}", "dim"), soft_wrap=True)


def _periods(report: UsageReport) -> str:
    first, last = (report.periods[0], report.periods[-1]) if report.periods else ("", "")
    return first if first == last else f"{first} to {last}"


def print_reports(reports: Sequence[UsageReport]) -> None:
    """Print reports, one after the other."""
    for report in reports:
        _print_report(report)
    if not reports:
        _console.print("  No usage here yet: linernotes usage import FILE…")


def print_unmatched(rows: Sequence[UnmatchedUsage]) -> None:
    """Print unmatched usage as a table."""
    if not rows:
        _console.print("  Nothing is unmatched.")
        return
    table = Table(box=None, pad_edge=True, header_style="dim")
    for name, justify in (("amount", "right"), ("", "left"), ("quantity", "right"), ("isrc or upload", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("title")
    table.add_column("artist")
    for row in rows:
        key = row.isrc or (row.upload_sha256 or "")[:12] or "–"
        amount = money(row.amount_micro)
        cells = (amount, row.currency, f"{row.quantity:,}", key, row.title, row.artist)
        table.add_row(*(printable(cell) for cell in cells))
    _console.print(table)


def print_fault(report: UsageReport, fault: UsageFault) -> None:
    """Print a fault: where, why, and the line."""
    mark = ("  ✗ ", "red") if fault.lost else ("  ! ", "dark_orange")
    where = (f"{printable(report.where(fault.line))}  ", "bold")
    _console.print(Text.assemble(mark, where, printable(fault.reason)), soft_wrap=True)
    if fault.raw:
        _console.print(Text(f"      {printable(fault.raw.replace(chr(9), ' → '))}", "dim"), soft_wrap=True)
