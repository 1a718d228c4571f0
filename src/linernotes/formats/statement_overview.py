"""The page before several statements: what is paid out now, and a row for each; currencies are never added up."""

from collections.abc import Sequence

from linernotes.formats.amounts import split
from linernotes.formats.statement import account, month
from linernotes.formats.statement_page import StatementPage
from linernotes.formats.statement_paper import ACCENT, BLACK, GREY, MARGIN_MM, PALE, WHITE, WIDTH_MM
from linernotes.model import DeductionKind, Statement
from linernotes.money import micro_of_minor

__all__ = ["print_overview"]


def print_overview(paper: StatementPage, statements: Sequence[Statement]) -> None:
    """Print a row for each statement, what is paid out above them."""
    first, last = statements[0], statements[-1]
    paper.begin_page(f"{first.party_id} · overview · {first.party_name}")
    paper.mark("Overview")
    when = month(first.period) if first.period == last.period else f"{month(first.period)} to {month(last.period)}"
    paper.letterhead("ROYALTY STATEMENTS", first.party_name, f"{when} · {len(statements)} statements")
    paper.y_mm += 6
    _boxes(paper, statements)
    widths = (WIDTH_MM - 6 * 25, *([25.0] * 6))
    titles = ("", "Opening", "Earned", "Moved, taken off", "Held", "Paid out now", "Closing")
    _header(paper, titles, widths)
    for statement in statements:
        if paper.need(10):
            _header(paper, titles, widths)
        _row(paper, statement, widths)
    paper.y_mm += 3
    said = (
        "Each currency has an account and a statement of its own, on the pages that follow;"
        " currencies are never added up."
    )
    for line in paper.lines(said, WIDTH_MM, size_pt=8):
        paper.put(MARGIN_MM, paper.y_mm, WIDTH_MM, line, size_pt=8, ink=GREY)
        paper.y_mm += 4.2


def _boxes(paper: StatementPage, statements: Sequence[Statement]) -> None:
    """Print what is paid out now, big, three to a row."""
    width_mm, gap_mm, height_mm = (WIDTH_MM - 2 * 5) / 3, 5.0, 20.0
    for place, statement in enumerate(statements):
        column = place % 3
        if column == 0:
            paper.need(height_mm + gap_mm)
        x_mm = MARGIN_MM + column * (width_mm + gap_mm)
        payable, _ = split(micro_of_minor(statement.payable_minor, statement.currency), statement.currency)
        paid = statement.payable_minor > 0
        paper.box(x_mm, paper.y_mm, width_mm, height_mm, ACCENT if paid else PALE, round_mm=2)
        ink = WHITE if paid else GREY
        told = f"Paid out now, {month(statement.period)}"
        paper.put(x_mm + 4, paper.y_mm + 3.2, width_mm - 8, told, size_pt=7, ink=ink)
        big = f"{statement.currency} {payable}"
        paper.put(x_mm + 4, paper.y_mm + 9, width_mm - 8, big, size_pt=15, bold=True, ink=ink, whole=True)
        if column == 2 or place == len(statements) - 1:
            paper.y_mm += height_mm + gap_mm
    paper.y_mm += 3


def _header(paper: StatementPage, titles: Sequence[str], widths: Sequence[float]) -> None:
    x_mm = MARGIN_MM
    for title, width_mm in zip(titles, widths, strict=True):
        paper.put(x_mm, paper.y_mm, width_mm, title, size_pt=7.5, bold=True, ink=GREY, align="R" if title else "L")
        x_mm += width_mm
    paper.y_mm += 5
    paper.rule(MARGIN_MM, paper.y_mm, WIDTH_MM, ink=BLACK)
    paper.y_mm += 1.5


def _row(paper: StatementPage, statement: Statement, widths: Sequence[float]) -> None:
    held_micro = sum(d.amount_micro for d in statement.deductions if d.kind is DeductionKind.HELD)
    taken_micro = sum(step.amount_micro for step in account(statement)[2:-1]) + held_micro
    payable_micro = micro_of_minor(statement.payable_minor, statement.currency)
    amounts = (
        *(statement.opening_micro, statement.earned_micro, taken_micro, -held_micro, -payable_micro),
        statement.closing_micro,
    )
    paper.put(MARGIN_MM, paper.y_mm, widths[0], statement.currency, size_pt=11, bold=True)
    paper.put(MARGIN_MM, paper.y_mm + 5, widths[0], month(statement.period), size_pt=7, ink=GREY)
    x_mm = MARGIN_MM + widths[0]
    for place, (amount_micro, width_mm) in enumerate(zip(amounts, widths[1:], strict=True)):
        x_mm += width_mm
        paper.amount(
            *(x_mm, paper.y_mm + 0.7, width_mm - 2, amount_micro, statement.currency),
            bold=place == 4,
            ink=ACCENT if place == 4 else None if place == 5 else BLACK,
        )
    paper.y_mm += 9
    paper.rule(MARGIN_MM, paper.y_mm, WIDTH_MM)
    paper.y_mm += 1.5
