"""The paper that statements are printed on: A4 pages, one text in one box, in whichever script it is.

Conventions
-----------
Millimetres from the top left corner, sizes in points. Text never runs out of its box: it is cut with an ellipsis, or
set smaller where each character counts. The same statement gives the same bytes.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Literal

from fpdf import FPDF
from fpdf.enums import Align

from linernotes.formats import typefaces
from linernotes.formats.letters import visible

__all__ = [
    "ACCENT",
    "AMBER",
    "AMBER_PALE",
    "BLACK",
    "GREY",
    "MARGIN_MM",
    "PAGES",
    "PALE",
    "RED",
    "RULE",
    "SERIES",
    "WHITE",
    "WIDTH_MM",
    "Ink",
    "Paper",
]

Ink = tuple[int, int, int]
"""A colour: red, green, blue, 0 to 255."""

BLACK: Ink = (24, 28, 38)
GREY: Ink = (112, 118, 128)
RULE: Ink = (214, 218, 224)
PALE: Ink = (243, 245, 248)
WHITE: Ink = (255, 255, 255)
ACCENT: Ink = (0, 98, 114)
RED: Ink = (176, 32, 32)
AMBER: Ink = (196, 128, 0)
AMBER_PALE: Ink = (255, 246, 224)
SERIES: tuple[Ink, ...] = (ACCENT, (226, 135, 67), (92, 107, 192), (122, 158, 88), (178, 88, 132), (140, 140, 148))
"""Colours of the parts of a whole, told apart by lightness too."""

MARGIN_MM = 16.0
"""Left and right of everything."""

WIDTH_MM = 210.0 - 2 * MARGIN_MM
"""Between the margins."""

PAGES = "\N{FIGURE SPACE}\N{FIGURE SPACE}"
"""Stands for the number of all pages, as wide as two digits; it is in no other text."""

_SMALLEST_PT = 4.0
_ELLIPSIS = "…"
_SPACES = dict.fromkeys(map(ord, "\n\t\N{FIGURE SPACE}"), " ")
# A fixed day: a statement carries its own dates, and the same statement must give the same bytes.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)


@cache
def _printable(text: str) -> tuple[str, bool, bool]:
    """Return a text of characters that the fonts have, whether it needs the East Asian font, and shaping."""
    text = visible(text).translate(_SPACES)
    if text.isascii():
        return text, False, False
    return typefaces.numbered(text), not typefaces.has_all(text), typefaces.is_shaped(text)


class Paper(FPDF):
    """Blank A4 pages and the means to write on them."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.replaced = False
        self._widths: dict[tuple[str, str, float], float] = {}
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=False)
        self.c_margin = 0.0
        self.alias_nb_pages(PAGES)
        self.set_creation_date(_CREATED)
        self.set_lang("en")
        self.set_title(_printable(title)[0])
        typefaces.add_faces(self)

    def put(
        self,
        x_mm: float,
        y_mm: float,
        width_mm: float,
        text: str,
        *,
        size_pt: float = 8.5,
        bold: bool = False,
        ink: Ink = BLACK,
        align: Literal["L", "R", "C"] = "L",
        whole: bool = False,
    ) -> float:
        """Write a text in one line, its top at ``y_mm``; return its width.

        What does not fit is cut with an ellipsis; if it is to stay ``whole``, as amounts are, it is set smaller.
        """
        if not text:
            return 0.0
        shown, east_asian, shaped = (text, False, False) if text.endswith(PAGES) else _printable(text)
        self.replaced = self.replaced or "[U+" in shown
        self._dress(east_asian=east_asian, shaped=shaped)
        style = "B" if bold else ""
        width = self._width(shown, style, size_pt)
        if width > width_mm and whole:
            size_pt = max(_SMALLEST_PT, size_pt * width_mm / width)
            width = self._width(shown, style, size_pt)
        elif width > width_mm:
            shown = self._cut(shown, width_mm, style, size_pt)
            width = self._width(shown, style, size_pt)
        self._font(style, size_pt)
        self.set_text_color(*ink)
        self.set_xy(x_mm, y_mm)
        self.cell(width_mm, size_pt * 0.45, shown, align=Align.coerce(align))
        if shaped:
            self.set_text_shaping(use_shaping_engine=False)
        return width

    def lines(
        self, text: str, width_mm: float, *, size_pt: float = 8.5, bold: bool = False, most: int = 99
    ) -> list[str]:
        """Break a text into lines of a width, between words where it can; past ``most`` it is cut."""
        shown, east_asian, shaped = _printable(text)
        self._dress(east_asian=east_asian, shaped=shaped)
        style = "B" if bold else ""
        found: list[str] = []
        rest = shown.strip()
        while rest and len(found) < most - 1 and self._width(rest, style, size_pt) > width_mm:
            end = self._longest(rest, width_mm, style, size_pt)
            if rest[end : end + 1] != " " and (space := rest.rfind(" ", 0, end)) > 0:
                end = space
            found.append(rest[:end].rstrip())
            rest = rest[end:].lstrip()
        if shaped:
            self.set_text_shaping(use_shaping_engine=False)
        return [*found, rest] if rest else found

    def _dress(self, *, east_asian: bool, shaped: bool) -> None:
        """Get ready for a script; both cost time and room, and only those who need them pay."""
        if east_asian:
            typefaces.add_east_asian(self)
        if shaped:
            self._font("", 8.0)  # shaping is switched on for the font that is set
            self.set_text_shaping(use_shaping_engine=True)

    def _font(self, style: str, size_pt: float) -> None:
        self.set_font(typefaces.FAMILY, style, size_pt)

    def width(self, text: str, size_pt: float, *, bold: bool = False) -> float:
        """Measure a text of digits and Latin letters."""
        return self._width(text, "B" if bold else "", size_pt)

    def _width(self, text: str, style: str, size_pt: float) -> float:
        key = (text, style, size_pt)
        if key not in self._widths:
            self._font(style, size_pt)
            self._widths[key] = self.get_string_width(text)
        return self._widths[key]

    def _longest(self, text: str, width_mm: float, style: str, size_pt: float, *, tail: str = "") -> int:
        """Return how many characters, at least one, fit a width with the ``tail`` behind them."""
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._width(text[:middle].rstrip() + tail, style, size_pt) <= width_mm
            low, high = (middle, high) if fits else (low, middle - 1)
        return low

    def _cut(self, text: str, width_mm: float, style: str, size_pt: float) -> str:
        return text[: self._longest(text, width_mm, style, size_pt, tail=_ELLIPSIS)].rstrip() + _ELLIPSIS

    def box(
        self, x_mm: float, y_mm: float, width_mm: float, height_mm: float, ink: Ink, *, round_mm: float = 0
    ) -> None:
        """Fill a rectangle."""
        self.set_fill_color(*ink)
        if round_mm:
            self.rect(x_mm, y_mm, width_mm, height_mm, style="F", round_corners=True, corner_radius=round_mm)
        else:
            self.rect(x_mm, y_mm, width_mm, height_mm, style="F")

    def rule(self, x_mm: float, y_mm: float, width_mm: float, *, ink: Ink = RULE, thick_mm: float = 0.2) -> None:
        """Draw a line across."""
        self.set_draw_color(*ink)
        self.set_line_width(thick_mm)
        self.line(x_mm, y_mm, x_mm + width_mm, y_mm)
