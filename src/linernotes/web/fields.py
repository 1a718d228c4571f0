"""What forms say, read as what the house speaks; a fault names the field and what was given."""

import re
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from linernotes.errors import ParameterError

__all__ = ["day", "exact", "one_of", "period", "reason"]

_Kind = TypeVar("_Kind", bound=StrEnum)
_CHARACTERS_MAX = 20
_REASON_CHARACTERS_MAX = 500


def one_of(kind: type[_Kind], text: str, what: str) -> _Kind:
    """Return the member of ``kind`` that is called so; ParameterError if none is."""
    try:
        return kind(text)
    except ValueError:
        raise ParameterError(f"{text[:40]!r} is not {what}: choose one of {', '.join(kind)}") from None


def exact(text: str, what: str) -> Fraction:
    """Return an exact number such as 1/4 or 0.25; ParameterError if it is none."""
    try:
        if len(text) > _CHARACTERS_MAX or "e" in text.lower():
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ParameterError(f"{text[:40]!r} is not {what}: give a number such as 1/4 or 0.25") from None


def day(text: str, what: str) -> date | None:
    """Return a day, None where nothing was said; ParameterError if it is none."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ParameterError(f"{text[:40]!r} is not {what}: give a day such as 2026-11-30") from None


def period(text: str) -> str:
    """Return a month such as 2026-10; ParameterError if it is none."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise ParameterError(f"{text[:40]!r} is not a month: give one such as 2026-10")
    return text


def reason(text: str) -> str:
    """Return why something is done; ParameterError if nothing is said: it is kept for good."""
    if not text or len(text) > _REASON_CHARACTERS_MAX:
        raise ParameterError(f"say why, in up to {_REASON_CHARACTERS_MAX} characters: it is kept for good")
    return text
