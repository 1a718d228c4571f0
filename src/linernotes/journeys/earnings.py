"""What people earned: statements, the way back from an amount to where it comes from, and what is paid out."""

from collections.abc import Sequence

from linernotes.errors import NotFoundError
from linernotes.model import Payment, Statement, Why
from linernotes.workspace import Workspace

__all__ = ["payments", "statements", "why"]


def statements(workspace: Workspace, party: str, period: str) -> Sequence[Statement]:
    """Return what a party is told of a period, one statement for each currency in which something stands or moved.

    ``party`` is an id or a whole name. Raises NotFoundError if nobody is called so, or no run has booked the period.
    """
    raise NotFoundError(f"no run has booked {period} in {workspace.folder}; linernotes royalties run --period {period}")


def why(workspace: Workspace, line_id: str) -> Why:
    """Return the way from a line of a statement back: pool, rule, shares, claim with its evidence, usage lines.

    Raises NotFoundError if no line has this id.
    """
    raise NotFoundError(f"no line {line_id!r} in {workspace.folder}; a statement's lines have one each")


def payments(workspace: Workspace, period: str) -> Sequence[Payment]:
    """Return what the close of a period pays out, by party and currency; NotFoundError if it is not closed."""
    raise NotFoundError(f"{period} is not closed in {workspace.folder}; linernotes royalties run --period {period}")
