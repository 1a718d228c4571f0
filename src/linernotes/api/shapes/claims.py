"""Claims, and what is chosen for them."""

from typing import Any

from linernotes.api.shapes.common import Out, Reason
from linernotes.api.values import Exact
from linernotes.model import Action, Side, UseType

__all__ = ["Choice", "ClaimOut", "Claims"]


class Choice(Reason):
    """What a party chooses for a claim; ``share`` and ``side`` go with the action ``share``."""

    action: Action
    share: Exact | None = None
    side: Side | None = None


class ClaimOut(Out):
    """What a party asserts of an upload, where that stands, and what can be done."""

    id: str
    party: str
    party_id: str
    right: str
    use: UseType
    action: Action
    share: str | None
    state: str
    because: list[str]
    upload: dict[str, str]
    evidence: dict[str, Any]


class Claims(Out):
    """Claims in order of id; ``next`` is the ``after`` of the page that follows."""

    items: list[ClaimOut]
    next: str | None
