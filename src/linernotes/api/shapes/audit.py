"""The chain of what was done."""

from typing import Any

from linernotes.api.shapes.common import Out

__all__ = ["ChainProof", "Trail"]


class Trail(Out):
    """Rows of the chain."""

    items: list[dict[str, Any]]
    next: str | None


class ChainProof(Out):
    """How many rows the chain has, the hash of its last, and every fault."""

    rows: int
    head: str
    problems: list[dict[str, str]]
