"""Charts as numbers: a template draws them as SVG, and says the same in a table beside it.

Conventions
-----------
Lengths are whole hundredths of a per cent of the longest bar, in [0, 10 000]: exact money is never made a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from linernotes.formats.amounts import money

__all__ = ["WHOLE", "Bar", "Column", "bars", "columns"]

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled amount and the length of its bar."""

    label: str
    amount: str
    length: int
    is_negative: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A bar that stands: ``x`` is its left edge, ``y`` its top, both counted from the top left."""

    label: str
    amount: str
    x: int
    y: int
    width: int
    height: int


def bars(amounts: Sequence[tuple[str, int]], currency: str) -> list[Bar]:
    """Give each labelled amount in micro-units its bar; the longest is the whole."""
    longest = max((abs(amount) for _, amount in amounts), default=0)
    return [
        Bar(label, money(amount, currency), abs(amount) * WHOLE // longest if longest else 0, amount < 0)
        for label, amount in amounts
    ]


def columns(amounts: Sequence[tuple[str, int]], currency: str) -> list[Column]:
    """Stand amounts in micro-units beside each other; what is below zero is a column of no height."""
    highest = max((amount for _, amount in amounts), default=0)
    step = WHOLE // max(len(amounts), 12)
    found = []
    for nth, (label, amount) in enumerate(amounts):
        height = max(amount, 0) * WHOLE // highest if highest > 0 else 0
        found.append(Column(label, money(amount, currency), nth * step, WHOLE - height, step * 7 // 10, height))
    return found
