"""The fonts of everything printed, which characters they have, and what a script needs to be set.

Conventions
-----------
Two faces of one family, and a third for East Asian characters that takes time to load: only a text that needs it pays.
A character that none has is printed as its number, ``[U+0E01]``; a name never vanishes.
"""

import unicodedata
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF

__all__ = ["FAMILY", "add_east_asian", "add_faces", "has_all", "is_shaped", "numbered"]

FAMILY = "text"
_EAST = "east"
_FONTS = Path(__file__).parent / "fonts"
_TEXT, _BOLD, _EAST_ASIAN = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf", "DroidSansFallback.ttf"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})  # Hebrew, Arabic and their like
_BREAKS = frozenset("\n\t")


def add_faces(paper: FPDF) -> None:
    """Give a document the family, in regular and bold."""
    paper.add_font(FAMILY, "", _FONTS / _TEXT)
    paper.add_font(FAMILY, "B", _FONTS / _BOLD)


def add_east_asian(paper: FPDF) -> None:
    """Let a document fall back on East Asian characters, unless it does already."""
    if _EAST not in paper.fonts:
        paper.add_font(_EAST, "", _FONTS / _EAST_ASIAN)
        paper.set_fallback_fonts([_EAST], exact_match=False)


def has_all(text: str | AbstractSet[str]) -> bool:
    """Tell whether the family itself has all characters; line breaks and tabs are none."""
    known = _characters(_TEXT)
    return all(ord(c) in known or c in _BREAKS for c in text)


def numbered(text: str) -> str:
    """Replace the characters that no font here has by their numbers."""
    if has_all(text):
        return text
    known = _characters(_TEXT) | _characters(_EAST_ASIAN)
    return "".join(c if ord(c) in known or c in _BREAKS else f"[U+{ord(c):04X}]" for c in text)


def is_shaped(text: str | AbstractSet[str]) -> bool:
    """Tell whether some character runs from right to left, so that the text must be shaped."""
    return any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text)


@cache
def _characters(name: str) -> frozenset[int]:
    with TTFont(_FONTS / name, lazy=True) as font:
        return frozenset(font.getBestCmap())
