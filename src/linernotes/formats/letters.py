"""Letters as plain text, UTF-8: what goes into mail, forms and archives."""

import re
import textwrap

from linernotes.document import Block, Document, Facts, Items, Table

__all__ = ["plain_text", "visible"]

_WIDTH = 78
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text whose control characters stand as their numbers: a name must not steer a page or a terminal."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def plain_text(document: Document) -> str:
    """Return the text of a document."""
    lines = [document.title, "=" * len(document.title), ""]
    if document.draft:
        lines += ["DRAFT: not to be sent", ""]
    lines += [*_block(document.facts), ""]
    for section in document.sections:
        lines += [section.heading, "-" * len(section.heading), ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return visible("\n".join(lines)).rstrip() + "\n"


def _block(block: Block) -> list[str]:
    match block:
        case str():
            return _wrapped(block, "", "")
        case Facts():
            width = max((len(label) for label, _ in block.rows), default=0) + 2
            return [
                line for label, value in block.rows for line in _wrapped(value, f"{label}:".ljust(width), " " * width)
            ]
        case Items():
            return [line for i, entry in enumerate(block.entries, 1) for line in _wrapped(entry, f"{i:>3}. ", " " * 5)]
        case Table():
            return _table(block)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Wrap each line of a text; what does not fit, a URL or a digest, is never broken."""
    lines = []
    for number, line in enumerate(text.splitlines() or [""]):
        lines += textwrap.wrap(
            line,
            _WIDTH,
            initial_indent=first if number == 0 else rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [first.rstrip()]
    return lines


def _table(table: Table) -> list[str]:
    rows = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
