"""Letters as PDF: notices, receipts, decisions, split sheets.

Conventions
-----------
A4, one column; the reference and "page n of m" stand on every page, and a draft says so there. The same document gives
the same bytes. The fonts in ``fonts/`` cover the Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic scripts,
kana, hangul and the common Han characters. A character they lack is printed as its Unicode number, ``[U+0E01]``, and a
note at the end says so: a name never vanishes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, TableBordersLayout, WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from linernotes.document import Block, Document, Facts, Items, Section, Table
from linernotes.formats import typefaces
from linernotes.formats.letters import visible
from linernotes.formats.typefaces import FAMILY

__all__ = ["pdf"]

_MARGIN_MM, _LINE_MM, _SIZE_PT = 22.0, 5.4, 10.0
_LABEL_MM = 30.0
_GREY, _BLACK, _RED = (110, 110, 110), (0, 0, 0), (170, 20, 20)
# A fixed day: a letter carries its own dates, and the same letter must give the same bytes.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
_NOTE = (
    "Characters that the font of this page does not have are printed as their Unicode numbers, [U+…]."
    " What lies beside it as text or JSON has them as they were written."
)


def pdf(document: Document) -> bytes:
    """Return the PDF of a document."""
    page = _Page(document)
    page.add_page()
    page.heading(document.title)
    page.facts(document.facts)
    for section in document.sections:
        page.section(section)
    if page.replaced:
        page.set_text_color(*_GREY)
        page.paragraph(_NOTE)
    return bytes(page.output())


class _Page(FPDF):
    """A4 pages with a foot; every text goes through :meth:`_printable`."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4")
        self.replaced = False
        self._document = document
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self.set_creation_date(_CREATED)
        self.set_lang("en")
        typefaces.add_faces(self)
        unusual = {c for c in repr(document) if not c.isascii()}
        # Both cost time: only for those who need them.
        if not typefaces.has_all(unusual):
            typefaces.add_east_asian(self)
        if typefaces.is_shaped(unusual):
            self.set_text_shaping(use_shaping_engine=True)
        self.set_title(self._printable(f"{document.title} {document.reference}"))

    def footer(self) -> None:
        """Print the reference, the page's number and, on a draft, that it is one."""
        self.set_y(-15)
        self.set_font(FAMILY, size=8)
        self.set_text_color(*_GREY)
        reference = self._printable(self._document.reference)
        self.cell(0, 5, reference)
        self.set_x(_MARGIN_MM)
        self.cell(0, 5, f"page {self.page_no()} of {{nb}}", align=Align.R)
        if self._document.draft:
            self.set_x(_MARGIN_MM)
            self.set_text_color(*_RED)
            self.cell(0, 5, "DRAFT: not to be sent", align=Align.C)
        self.set_text_color(*_BLACK)

    def _printable(self, text: str) -> str:
        """Replace control characters and those no font has by their numbers."""
        printable = typefaces.numbered(visible(text))
        self.replaced = self.replaced or "[U+" in printable
        return printable

    def _write(self, text: str, *, width_mm: float = 0.0, bold: bool = False, size_pt: float = _SIZE_PT) -> None:
        self.set_font(FAMILY, "B" if bold else "", size_pt)
        self.multi_cell(
            width_mm,
            _LINE_MM * size_pt / _SIZE_PT,
            self._printable(text),
            align=Align.L,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=WrapMode.WORD,
        )

    def _keep_together(self, text: str, width_mm: float, *, lines_max: int) -> None:
        """Begin a page where the first lines of a text, all of a short one, would not fit on this one."""
        if not self.will_page_break(lines_max * _LINE_MM):
            return  # laying a text out to measure it costs as much as printing it
        self.set_font(FAMILY, "", _SIZE_PT)
        height_mm = self.multi_cell(
            width_mm, _LINE_MM, self._printable(text), dry_run=True, output=MethodReturnValue.HEIGHT, align=Align.L
        )
        assert isinstance(height_mm, float)
        if self.will_page_break(min(height_mm, lines_max * _LINE_MM)):
            self.add_page()

    def heading(self, text: str) -> None:
        self._write(text, bold=True, size_pt=18)
        self.ln(3)

    def section(self, section: Section) -> None:
        if self.will_page_break(4 * _LINE_MM):  # a heading does not stand alone at the foot of a page
            self.add_page()
        self.ln(3)
        self._write(section.heading, bold=True, size_pt=11.5)
        self.ln(0.8)
        for block in section.blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        match block:
            case str():
                self.paragraph(block)
            case Facts():
                self.facts(block)
            case Items():
                self._items(block.entries)
            case Table():
                self._table(block)

    def paragraph(self, text: str) -> None:
        self._write(text)
        self.ln(1.2)

    def facts(self, facts: Facts) -> None:
        for label, value in facts.rows:
            self._keep_together(value, self.epw - _LABEL_MM, lines_max=4)
            top, page = self.get_y(), self.page_no()
            self.set_text_color(*_GREY)
            self._write(label, width_mm=_LABEL_MM)
            self.set_text_color(*_BLACK)
            if self.page_no() == page:
                self.set_xy(_MARGIN_MM + _LABEL_MM, top)
            self._indented(value, _LABEL_MM)
        self.ln(1.2)

    def _indented(self, text: str, indent_mm: float) -> None:
        """Write a block whose lines all begin ``indent_mm`` right of the margin, over pages if need be."""
        self.set_left_margin(_MARGIN_MM + indent_mm)
        self.set_x(_MARGIN_MM + indent_mm)
        self._write(text)
        self.set_left_margin(_MARGIN_MM)
        self.set_x(_MARGIN_MM)

    def _items(self, entries: Sequence[str]) -> None:
        indent_mm = 8.0
        for number, entry in enumerate(entries, 1):
            self._keep_together(entry, self.epw - indent_mm, lines_max=3)
            top = self.get_y()
            self.set_font(FAMILY, "", _SIZE_PT)
            self.cell(indent_mm, _LINE_MM, f"{number}.")
            self.set_xy(_MARGIN_MM, top)
            self._indented(entry, indent_mm)
            self.ln(0.8)
        self.ln(0.4)

    def _table(self, table: Table) -> None:
        self.set_font(FAMILY, "", _SIZE_PT)
        with self.table(
            col_widths=tuple(table.widths),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="BOLD"),
            line_height=_LINE_MM * 1.15,
            text_align=Align.L,
            wrapmode=WrapMode.WORD,
        ) as printed:
            for cells in (table.header, *table.rows):
                row = printed.row()
                for cell in cells:
                    row.cell(self._printable(cell))
        self.ln(1.2)
