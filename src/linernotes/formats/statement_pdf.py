"""Statements as PDF: a page that an artist can read, then every line behind it.

Conventions
-----------
A4. A statement begins on a page of its own; before several stands an overview, a row for each, because currencies are
never added up. What is smaller than the minor unit is printed too, smaller: the amounts on paper add up exactly. A row
of the table of lines stands whole on one page, under the table's header and the title of what it is about. The same
statements give the same bytes.
"""

from collections.abc import Sequence

from linernotes.errors import ParameterError
from linernotes.formats.amounts import fraction, number, percent, split
from linernotes.formats.statement import (
    DEDUCTIONS,
    RIGHTS,
    Hold,
    Part,
    Step,
    Thing,
    account,
    checked,
    holds,
    month,
    owed,
    place_name,
    reference,
    rights,
    sources,
    staying,
    things,
    top,
)
from linernotes.formats.statement_overview import print_overview
from linernotes.formats.statement_page import BOTTOM_MM, RIGHT_MM, StatementPage
from linernotes.formats.statement_paper import (
    ACCENT,
    AMBER,
    AMBER_PALE,
    BLACK,
    GREY,
    MARGIN_MM,
    PALE,
    RED,
    RULE,
    SERIES,
    WHITE,
    WIDTH_MM,
)
from linernotes.model import Deduction, Statement, StatementLine
from linernotes.money import micro_of_minor

__all__ = ["statement_pdf"]

_BARS = 7
_GAP_MM = 8.0
_NOTE = "Characters that the font of this page does not have are printed as their numbers, [U+…]; the files have them."
# Columns of the table of lines: heading, width, alignment.
_COLUMNS = (
    ("Right", 23.0, "L"),
    ("Source", 39.0, "L"),
    ("Territory", 13.0, "L"),
    ("Used in", 14.0, "L"),
    ("Quantity", 19.0, "R"),
    ("Pool", 26.0, "R"),
    ("Your share", 20.0, "R"),
    ("Amount", 24.0, "R"),
)
_ROW_MM, _HEADER_MM, _THING_MM = 7.4, 6.5, 9.4


def statement_pdf(statements: Sequence[Statement]) -> bytes:
    """Return one PDF of a party's statements, by period and currency.

    Raises ParameterError without a statement, InvariantError if one does not add up.
    """
    if not statements:
        raise ParameterError("no statement to print: this party had neither usage nor a balance")
    ordered = sorted(map(checked, statements), key=lambda statement: (statement.period, statement.currency))
    paper = StatementPage(f"Royalty statement {ordered[0].party_name} {ordered[-1].period}")
    if len(ordered) > 1:
        print_overview(paper, ordered)
    for statement in ordered:
        _Printer(paper, statement).print_all()
    if paper.replaced:
        paper.put(MARGIN_MM, BOTTOM_MM + 1, WIDTH_MM, _NOTE, size_pt=6, ink=GREY)
    return bytes(paper.output())


class _Printer:
    """Prints one statement."""

    def __init__(self, paper: StatementPage, statement: Statement) -> None:
        self.paper = paper
        self.statement = statement
        self.currency = statement.currency
        self.things = things(statement.lines)

    def print_all(self) -> None:
        self.paper.begin_page(f"{reference(self.statement)} · {self.statement.party_name}")
        self.paper.mark(f"{month(self.statement.period)} · {self.currency}")
        self._head()
        self._account()
        if self.statement.lines:
            self._charts()
        self._holds(holds(self.statement.lines))
        self._questions()
        self._lines()

    # ── the first page ───────────────────────────────────────────────────────

    def _head(self) -> None:
        paper, statement = self.paper, self.statement
        box_mm, top_mm = 62.0, paper.y_mm
        paper.letterhead("ROYALTY STATEMENT", statement.party_name, f"{month(statement.period)} · {self.currency}")
        paper.put(MARGIN_MM, paper.y_mm, 106, statement.party_id, size_pt=7, ink=GREY)
        left_mm = RIGHT_MM - box_mm
        paper.box(left_mm, top_mm, box_mm, 25, ACCENT, round_mm=2.5)
        paper.put(left_mm + 5, top_mm + 4, box_mm - 10, "Paid out to you now", size_pt=8, ink=WHITE)
        payable, _ = split(micro_of_minor(statement.payable_minor, self.currency), self.currency)
        big = f"{self.currency} {payable}"
        paper.put(left_mm + 5, top_mm + 11, box_mm - 10, big, size_pt=20, bold=True, ink=WHITE, whole=True)
        paper.y_mm = max(paper.y_mm + 8, top_mm + 25 + _GAP_MM)

    def _account(self) -> None:
        paper = self.paper
        paper.heading("Your account")
        for step in account(self.statement):
            self._step(step)
        paper.rule(MARGIN_MM, paper.y_mm - 0.8, WIDTH_MM, ink=BLACK, thick_mm=0.3)
        self._step(Step("Closing balance", owed(self.statement.closing_micro), self.statement.closing_micro), bold=True)
        if kept := staying(self.statement):
            paper.put(MARGIN_MM, paper.y_mm, WIDTH_MM, "Why that is not paid out now:", size_pt=7.5, ink=GREY)
            paper.y_mm += 4.6
        for deduction in kept:
            self._kept(deduction)
        paper.y_mm += _GAP_MM - 4

    def _step(self, step: Step, *, bold: bool = False) -> None:
        paper = self.paper
        because = paper.lines(step.because, 84, size_pt=7.5, most=4)
        height_mm = max(1, len(because)) * 3.7 + 2.2
        paper.need(height_mm)
        paper.put(MARGIN_MM, paper.y_mm, 60, step.label, size_pt=9, bold=bold)
        for number_of_line, line in enumerate(because):
            paper.put(MARGIN_MM + 60, paper.y_mm + 0.5 + number_of_line * 3.7, 84, line, size_pt=7.5, ink=GREY)
        ink = None if bold or step.amount_micro > 0 else BLACK  # what is taken off is no alarm
        paper.amount(RIGHT_MM, paper.y_mm, 33, step.amount_micro, self.currency, size_pt=9, bold=bold, ink=ink)
        paper.y_mm += height_mm

    def _kept(self, deduction: Deduction) -> None:
        paper = self.paper
        because = paper.lines(deduction.because, 84, size_pt=7.5, most=4)
        height_mm = max(1, len(because)) * 3.6 + 1.2
        paper.need(height_mm)
        paper.put(MARGIN_MM + 4, paper.y_mm, 55, DEDUCTIONS[deduction.kind], size_pt=7.5, ink=GREY)
        for number_of_line, line in enumerate(because):
            paper.put(MARGIN_MM + 60, paper.y_mm + number_of_line * 3.6, 84, line, size_pt=7.5, ink=GREY)
        paper.amount(RIGHT_MM, paper.y_mm, 33, deduction.amount_micro, self.currency, size_pt=7.5, ink=GREY)
        paper.y_mm += height_mm

    def _charts(self) -> None:
        paper, lines = self.paper, self.statement.lines
        width_mm = (WIDTH_MM - 10) / 2
        left, right = sources(lines, most=_BARS), top(self.things, most=_BARS)
        height_mm = 6.5 + max(len(left), len(right)) * 5.6
        paper.need(height_mm + 16)
        top_mm = paper.y_mm
        for x_mm, title, parts in (
            (MARGIN_MM, "Where it came from", left),
            (MARGIN_MM + width_mm + 10, "What earned most", right),
        ):
            paper.y_mm = top_mm
            paper.heading(title, x_mm=x_mm)
            self._bars(x_mm, width_mm, parts)
        paper.y_mm = top_mm + height_mm + 2
        parts = rights(lines)
        if len(parts) > 1 and all(part.amount_micro > 0 for part in parts):
            self._strip(parts)
        paper.y_mm += _GAP_MM - 3

    def _bars(self, x_mm: float, width_mm: float, parts: Sequence[Part]) -> None:
        """Draw a bar for each part; what is below zero runs to the left, in red."""
        paper = self.paper
        label_mm, amount_mm = width_mm * 0.42, width_mm * 0.25
        room_mm = width_mm - label_mm - amount_mm - 2
        drawn = [
            0,
            *(part.amount_micro for part in parts if not part.of_others),
        ]  # their sum would dwarf each of the first
        highest, lowest = max(drawn), min(drawn)
        span = max(1, highest - lowest)
        zero_mm = x_mm + label_mm + 1 + room_mm * (-lowest / span)
        for part in parts:
            paper.put(x_mm, paper.y_mm, label_mm - 1, part.label, size_pt=7.5)
            if not part.of_others:
                length_mm = max(0.3, room_mm * (abs(part.amount_micro) / span))
                left_mm = zero_mm if part.amount_micro >= 0 else zero_mm - length_mm
                paper.box(left_mm, paper.y_mm + 0.2, length_mm, 3.0, ACCENT if part.amount_micro >= 0 else RED)
            paper.amount(x_mm + width_mm, paper.y_mm, amount_mm, part.amount_micro, self.currency, size_pt=7.5)
            paper.y_mm += 5.6
        if lowest < 0:
            paper.box(zero_mm - 0.1, paper.y_mm - len(parts) * 5.6 - 0.6, 0.2, len(parts) * 5.6, GREY)

    def _strip(self, parts: Sequence[Part]) -> None:
        """Draw the rights as pieces of one strip, with their names under it."""
        paper = self.paper
        whole = sum(part.amount_micro for part in parts)
        x_mm, legend_mm = MARGIN_MM, MARGIN_MM
        for place, part in enumerate(parts):
            ink = SERIES[place % len(SERIES)]
            width_mm = WIDTH_MM * (part.amount_micro / whole)
            paper.box(x_mm, paper.y_mm, width_mm, 3.2, ink)
            x_mm += width_mm
            paper.box(legend_mm, paper.y_mm + 5.3, 2, 2, ink)
            share = f"{part.label} {number(round(part.amount_micro * 1000 / whole), 1)} %"
            legend_mm += 3 + paper.put(legend_mm + 3, paper.y_mm + 4.7, 45, share, size_pt=7, ink=GREY) + 5
        paper.y_mm += 10

    def _holds(self, held: Sequence[Hold]) -> None:
        """Say what is held, why, and what ends it."""
        if not held:
            return
        paper = self.paper
        text_mm = WIDTH_MM - 46
        blocks = [
            (
                hold,
                paper.lines(hold.because, text_mm, size_pt=8, most=3),
                paper.lines(f"{hold.ends} {_lines_of(hold)}", text_mm, size_pt=7, most=3),
            )
            for hold in held
        ]
        paper.need(22)
        self._held_title()
        for hold, because, ends in blocks:
            height_mm = len(because) * 4 + len(ends) * 3.5 + 2.5
            if paper.need(height_mm + 2):
                self._held_title()
            paper.box(MARGIN_MM, paper.y_mm, WIDTH_MM, height_mm, AMBER_PALE)
            paper.box(MARGIN_MM, paper.y_mm, 1.2, height_mm, AMBER)
            paper.amount(RIGHT_MM - 3, paper.y_mm + 1.2, 36, hold.amount_micro, self.currency, bold=True)
            y_mm = paper.y_mm + 1.2
            for line in because:
                paper.put(MARGIN_MM + 4, y_mm, text_mm, line, size_pt=8)
                y_mm += 4
            for line in ends:
                paper.put(MARGIN_MM + 4, y_mm, text_mm, line, size_pt=7, ink=GREY)
                y_mm += 3.5
            paper.y_mm += height_mm + 1.2
        paper.y_mm += _GAP_MM - 3

    def _held_title(self) -> None:
        self.paper.heading("Held, not lost")

    def _questions(self) -> None:
        paper, statement = self.paper, self.statement
        asked = statement.lines[0].id if statement.lines else "LINE"
        said = (
            (
                "Why this line?",
                "Each line below has an id. Whoever sent you this can follow it back to the usage, the share",
            ),
            ("", "and the evidence behind it:"),
            ("", f"linernotes statement {statement.party_id} --why {asked}"),
            ("Not right?", "Say which line, and why. A claim that you contest holds its money until it is settled:"),
            (
                "",
                "linernotes claims dispute CLAIM. What was wrong is corrected in the next statement, in its own line.",
            ),
        )
        height_mm = len(said) * 4.1 + 4
        paper.need(height_mm)
        paper.box(MARGIN_MM - 2, paper.y_mm, WIDTH_MM + 4, height_mm, PALE, round_mm=1.5)
        for place, (lead, text) in enumerate(said):
            y_mm = paper.y_mm + 2.4 + place * 4.1
            paper.put(MARGIN_MM + 1, y_mm, 28, lead, size_pt=7.5, bold=True, ink=ACCENT)
            paper.put(MARGIN_MM + 29, y_mm, WIDTH_MM - 30, text, size_pt=7.5, whole=True)
        paper.y_mm += height_mm + _GAP_MM

    # ── the lines ────────────────────────────────────────────────────────────

    def _lines(self) -> None:
        paper = self.paper
        paper.need(8 + _HEADER_MM + _THING_MM + 4 + 2 * _ROW_MM)
        paper.heading("Every line")
        paper.mark("Every line", level=1)
        if not self.statement.lines:
            paper.put(MARGIN_MM, paper.y_mm, WIDTH_MM, "Nothing was earned in this period.", ink=GREY)
            return
        self._header()
        for thing in self.things:
            self._thing(thing)
        if paper.need(10):
            self._header()
        paper.rule(MARGIN_MM, paper.y_mm + 0.6, WIDTH_MM, ink=BLACK, thick_mm=0.3)
        paper.put(MARGIN_MM, paper.y_mm + 2, 100, "Earned", bold=True)
        paper.amount(RIGHT_MM, paper.y_mm + 2, 40, self.statement.earned_micro, self.currency, bold=True)
        paper.y_mm += 10

    def _header(self) -> None:
        paper = self.paper
        x_mm = MARGIN_MM
        for title, width_mm, align in _COLUMNS:
            paper.put(
                x_mm, paper.y_mm, width_mm, title, size_pt=7, bold=True, ink=GREY, align="R" if align == "R" else "L"
            )
            x_mm += width_mm
        paper.rule(MARGIN_MM, paper.y_mm + 4.3, WIDTH_MM, ink=BLACK)
        paper.y_mm += _HEADER_MM

    def _thing(self, thing: Thing) -> None:
        paper = self.paper
        title = paper.lines(thing.title, WIDTH_MM - 34, size_pt=8.5, bold=True, most=2)
        if paper.need(_THING_MM + 4 * len(title) + _ROW_MM):
            self._header()
        self._thing_title(thing, title)
        for line in thing.lines:
            if paper.need(_ROW_MM):
                self._header()
                paper.put(
                    MARGIN_MM, paper.y_mm, WIDTH_MM, f"{thing.title} (continued)", size_pt=7.5, bold=True, ink=GREY
                )
                paper.y_mm += 5.2
            self._line(line)
        paper.y_mm += 1.6

    def _thing_title(self, thing: Thing, title: Sequence[str]) -> None:
        paper = self.paper
        codes = [f"ISRC {thing.isrc}" if thing.isrc else "", f"ISWC {thing.iswc}" if thing.iswc else ""]
        paper.box(MARGIN_MM - 2, paper.y_mm, WIDTH_MM + 4, 5.4 + 4 * len(title) - 0.6, PALE)
        paper.amount(RIGHT_MM, paper.y_mm + 1, 30, thing.amount_micro, self.currency, bold=True)
        y_mm = paper.y_mm + 1
        for text in title:
            paper.put(MARGIN_MM, y_mm, WIDTH_MM - 34, text, bold=True)
            y_mm += 4
        told = " · ".join(filter(None, (*codes, thing.subject_id)))
        paper.put(MARGIN_MM, y_mm, WIDTH_MM - 34, told, size_pt=6.5, ink=GREY)
        paper.y_mm = y_mm + 5

    def _line(self, line: StatementLine) -> None:
        paper, top_mm = self.paper, self.paper.y_mm
        x_mm = MARGIN_MM
        cells = (
            *(RIGHTS[line.right_type], line.source, place_name(line.territory), line.usage_period),
            *(number(line.quantity, 0), None, percent(line.share), None),
        )
        amounts = {5: line.gross_micro, 7: line.amount_micro}
        for place, (cell, (_, width_mm, align)) in enumerate(zip(cells, _COLUMNS, strict=True)):
            if cell is None:
                paper.amount(x_mm + width_mm, top_mm, width_mm - 1.5, amounts[place], self.currency, size_pt=7.5)
            else:
                room_mm = width_mm - (0 if align == "R" else 1)
                aligned = "R" if align == "R" else "L"
                paper.put(x_mm, top_mm, room_mm, cell, size_pt=7.5, align=aligned, whole=align == "R")  # type: ignore[arg-type]
            x_mm += width_mm
        small_mm = top_mm + 3.4
        share_right_mm = RIGHT_MM - _COLUMNS[7][1]
        told = f"{line.id} · {line.because}" if line.because else line.id
        share = fraction(line.share)
        used_mm = paper.put(share_right_mm - 40, small_mm, 40, share, size_pt=6, ink=GREY, align="R", whole=True)
        paper.put(MARGIN_MM, small_mm, share_right_mm - MARGIN_MM - used_mm - 3, told, size_pt=6, ink=GREY)
        if line.held:
            paper.put(share_right_mm, small_mm, _COLUMNS[7][1], "held", size_pt=6.5, bold=True, ink=AMBER, align="R")
        paper.rule(MARGIN_MM, top_mm + _ROW_MM - 0.8, WIDTH_MM, ink=RULE, thick_mm=0.1)
        paper.y_mm += _ROW_MM


def _lines_of(hold: Hold) -> str:
    """Name the lines that are held, the first of many."""
    ids = ", ".join(line.id for line in hold.lines[:3])
    more = f" and {len(hold.lines) - 3:,} more" if len(hold.lines) > 3 else ""
    return f"Line{'' if len(hold.lines) == 1 else 's'} {ids}{more}."
