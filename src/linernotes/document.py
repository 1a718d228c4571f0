"""A letter before it is typeset: title, facts, sections. ``rights`` words it, ``formats`` prints it.

Conventions
-----------
Text is plain Unicode; a block is a paragraph (``str``) or one of the classes below. Nothing here knows a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "Document", "Facts", "Items", "Section", "Table"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a label and what stands beside it; a value may have several lines."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Items:
    """A numbered list."""

    entries: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of as many cells; ``widths`` are the columns' parts of the line."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]


Block = str | Facts | Items | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Document:
    """A letter. ``reference`` names it on every page; ``draft`` prints a warning that it must not be sent."""

    title: str
    reference: str
    facts: Facts
    sections: Sequence[Section]
    draft: bool = False
