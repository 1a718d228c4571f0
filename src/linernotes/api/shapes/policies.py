"""Standing rules."""

from datetime import date
from typing import Annotated

from pydantic import Field

from linernotes.api.shapes.common import Out, Reason
from linernotes.api.values import Exact
from linernotes.model import Action, Side, UseType

__all__ = ["NewPolicy", "Policies", "PolicyOut"]


class NewPolicy(Reason):
    """A standing rule: for this use, this action."""

    use: UseType
    action: Action
    share: Exact | None = None
    side: Side | None = None
    territory: Annotated[str, Field(max_length=200, examples=["2136", "DE+AT"])] = "2136"
    match_length_min_s: Exact = "0"
    probability_min: Exact = "0"
    subject_id: Annotated[str | None, Field(max_length=200)] = None
    valid_from: date | None = None
    valid_to: date | None = None


class PolicyOut(Out):
    """A standing rule; its exact numbers are text."""

    id: str
    party: str
    party_id: str
    use: UseType
    action: Action
    share: str | None
    territory: str


class Policies(Out):
    """Standing rules."""

    items: list[PolicyOut]
