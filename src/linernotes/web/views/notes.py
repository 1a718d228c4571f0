"""The liner notes of an upload, as the template of the report takes them, and the claims on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import linernotes
from linernotes.formats import report
from linernotes.model import Claim
from linernotes.web.views.claims import Row, groups

__all__ = ["GENERATOR", "Standing", "shown", "standing"]

GENERATOR = f"Linernotes {linernotes.__version__}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim on an upload, and its state."""

    row: Row
    state: str
    title: str


def shown(notes: report.Notes) -> dict[str, Any]:
    """Return what the template of the report needs of liner notes."""
    return {
        "verdict": notes.verdict,
        "sections": notes.sections,
        "parameters": notes.parameters,
        "revisions": notes.revisions,
        "generator": GENERATOR,
    }


def standing(claims: Iterable[Claim], names: Mapping[str, str]) -> list[Standing]:
    """List claims, those that wait for somebody first."""
    return [Standing(row, group.state, group.title) for group in groups(claims, names) for row in group.rows]
