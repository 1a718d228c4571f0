"""A statement's page: paper with a foot, a letterhead, exact amounts, and the place where writing goes on."""

from linernotes.formats.amounts import split
from linernotes.formats.statement_paper import ACCENT, BLACK, GREY, MARGIN_MM, PAGES, RED, WIDTH_MM, Ink, Paper

__all__ = ["BOTTOM_MM", "RIGHT_MM", "StatementPage"]

BOTTOM_MM = 279.0
"""Where writing ends; below is the foot."""
RIGHT_MM = MARGIN_MM + WIDTH_MM
_TOP_MM, _FOOT_MM = 16.0, 284.0


class StatementPage(Paper):
    """Paper with a foot, and with the place where writing goes on."""

    y_mm = _TOP_MM
    foot = ""

    def begin_page(self, foot: str) -> None:
        """Begin a page with what its foot says; the page before gets its own foot now."""
        self.add_page()
        self.foot = foot
        self.y_mm = _TOP_MM

    def need(self, height_mm: float) -> bool:
        """Begin a page if there is less room than this on the one at hand; tell whether it did."""
        if self.y_mm + height_mm <= BOTTOM_MM:
            return False
        self.begin_page(self.foot)
        return True

    def footer(self) -> None:
        """Print what this is and the number of the page."""
        self.rule(MARGIN_MM, _FOOT_MM, WIDTH_MM)
        self.put(MARGIN_MM, _FOOT_MM + 1.5, WIDTH_MM - 40, self.foot, size_pt=7, ink=GREY)
        number_of_page = f"page {self.page_no()} of {PAGES}"
        self.put(RIGHT_MM - 40, _FOOT_MM + 1.5, 40, number_of_page, size_pt=7, ink=GREY, align="R")

    def mark(self, name: str, *, level: int = 0) -> None:
        """Put this place into the table of contents that a reader shows beside the pages."""
        self.start_section(name, level=level)

    def heading(self, text: str, *, x_mm: float = MARGIN_MM) -> None:
        """Print what the part below is about."""
        self.put(x_mm, self.y_mm, WIDTH_MM, text, size_pt=10, bold=True, ink=ACCENT)
        self.y_mm += 6.5

    def letterhead(self, what: str, name: str, facts: str) -> None:
        """Print what this is, to whom, and of when, on the left of a first page."""
        self.put(MARGIN_MM, self.y_mm, 100, what, size_pt=8, bold=True, ink=ACCENT)
        self.y_mm += 6
        for line in self.lines(name, 106, size_pt=19, bold=True, most=2):
            self.put(MARGIN_MM, self.y_mm, 106, line, size_pt=19, bold=True)
            self.y_mm += 9
        self.put(MARGIN_MM, self.y_mm + 0.5, 106, facts, size_pt=11, ink=GREY)
        self.y_mm += 7

    def amount(
        self,
        right_mm: float,
        y_mm: float,
        width_mm: float,
        amount_micro: int,
        currency: str,
        *,
        size_pt: float = 8.5,
        bold: bool = False,
        ink: Ink | None = None,
    ) -> None:
        """Print an amount whole, flush right: what is smaller than the minor unit smaller and grey.

        Without an ``ink`` it is red below zero.
        """
        head, tail = split(amount_micro, currency)
        ink = ink or (RED if amount_micro < 0 else BLACK)
        small_pt = size_pt * 0.75
        head_mm, tail_mm = self.width(head, size_pt, bold=bold), self.width(tail, small_pt)
        scale = min(1.0, width_mm / (head_mm + tail_mm))
        drop_mm = 0.33 * (size_pt - small_pt) * scale  # both stand on one line
        self.put(right_mm - tail_mm * scale, y_mm + drop_mm, tail_mm + 1, tail, size_pt=small_pt * scale, ink=GREY)
        left_mm = right_mm - (head_mm + tail_mm) * scale
        self.put(left_mm, y_mm, head_mm + 1, head, size_pt=size_pt * scale, bold=bold, ink=ink)
