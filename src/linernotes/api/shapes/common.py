"""What every shape is, and those that several routes share."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from linernotes.api.values import Why

__all__ = ["In", "Listed", "Out", "ProblemOut", "Reason"]


class In(BaseModel):
    """What comes in: nothing that we do not know."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """What comes out: more may be told than is named here."""

    model_config = ConfigDict(extra="allow")


class ProblemOut(Out):
    """A fault, as RFC 9457 has it; ``code`` is stable and for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:linernotes:problem:not_yours",
                "title": "Conflict",
                "status": 409,
                "detail": "claim clm_… is Ada's to decide, not Bo's",
                "code": "not_yours",
            }
        },
    )


class Listed(Out):
    """A whole list."""

    items: list[dict[str, Any]]


class Reason(In):
    """Why; it is kept for good."""

    why: Why
