"""Options that commands share, and the one way out of a command that met problems."""

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from linernotes.errors import ParameterError

__all__ = [
    "BAD_INPUT",
    "BROKEN",
    "CONFLICT",
    "NOT_FOUND",
    "UNAVAILABLE",
    "Jobs",
    "Json",
    "WorkspaceFolder",
    "day",
    "exact",
    "moment",
    "now",
]

BAD_INPUT = 2
NOT_FOUND = 3
CONFLICT = 4
UNAVAILABLE = 5
BROKEN = 70

WorkspaceFolder = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Catalogue and index; made on first use.  [default: $LINERNOTES_HOME or ./linernotes]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON, one line for each input.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="Files at a time.  [default: one a core]", show_default=False),
]


def exact(text: str, *, option: str) -> Fraction:
    """Read an exact number: ``1/2``, ``50%``, ``0.5``; ParameterError naming ``option`` where it is none."""
    try:
        return Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise ParameterError(f"{option} {text!r}: not a number such as 1/2, 50% or 0.5") from None


def day(text: str, *, option: str) -> date:
    """Read a date, YYYY-MM-DD; ParameterError naming ``option`` where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{option} {text!r}: not a date such as 2026-11-22") from None


def moment(text: str, *, option: str) -> datetime:
    """Read a moment, in UTC unless it names its zone; ParameterError naming ``option`` where it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{option} {text!r}: not a moment such as 2026-11-22 or 2026-11-22T14:30") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)
