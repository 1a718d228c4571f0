"""What a platform owes in return: the receipt of a notice, and a decision with its reasons.

Linernotes may be run by the platform itself; these are the papers it then sends. Nothing is reasoned for it: a
decision that does not say what the law asks for cannot be issued.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from linernotes.errors import ParameterError
from linernotes.rights.notices import Element

__all__ = ["Ground", "ReasonedDecision", "Receipt", "Restriction", "decision_elements", "require_reasoned"]


class Restriction(StrEnum):
    """What a decision does to the upload."""

    REMOVED = "removed"
    DISABLED = "disabled"
    DEMOTED = "demoted"
    DEMONETISED = "demonetised"
    NONE = "none"


class Ground(StrEnum):
    """What a restriction rests on: the law, or the platform's own terms."""

    LAW = "law"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The confirmation that a notice came in. Source: Regulation (EU) 2022/2065, article 16(4)."""

    notice_id: str
    received_on: date
    automated: bool


@dataclass(frozen=True, slots=True)
class ReasonedDecision:
    """A decision on a notice and why.

    ``ground_reference`` names the law or the term and ``explanation`` why it applies; ``automated_detection`` and
    ``automated_decision``: whether machines found the upload, or decided; None: nobody has said.
    ``complain_to`` is where a complaint goes, ``settlement_body`` an out-of-court body.
    """

    notice_id: str
    restriction: Restriction
    territory: str
    duration: str
    facts: str
    ground: Ground
    ground_reference: str
    explanation: str
    automated_detection: bool | None
    automated_decision: bool | None
    complain_to: str
    settlement_body: str
    decided_on: date


def decision_elements(decision: ReasonedDecision) -> list[Element]:
    """Return what a statement of reasons must say, and whether this one does.

    Source: Regulation (EU) 2022/2065, articles 16(5), 16(6) and 17(3). A notice that is refused restricts nothing:
    then (a), (d) and (e) are not asked for, but the explanation still is.
    """
    restricts = decision.restriction is not Restriction.NONE
    scope = bool(decision.territory.strip() and decision.duration.strip())
    automation = decision.automated_detection is not None and decision.automated_decision is not None
    grounded = bool(decision.explanation.strip()) and (bool(decision.ground_reference.strip()) or not restricts)
    key = "d" if decision.ground is Ground.LAW else "e"
    redress = bool(decision.complain_to.strip() and decision.settlement_body.strip())
    return [
        Element("a", "what is restricted, where and for how long", scope or not restricts, "--territory, --duration"),
        Element("b", "the facts relied on", bool(decision.facts.strip()), "--facts"),
        Element("c", "whether machines detected or decided", automation, "--automated-detection, --automated-decision"),
        Element(key, "the ground and why it applies", grounded, "--ground-reference, --explanation"),
        Element("f", "the ways to complain", redress, "--complain-to, --settlement-body"),
    ]


def require_reasoned(decision: ReasonedDecision) -> None:
    """Refuse a decision that does not say what it must, naming what is missing.

    Raises ParameterError with code ``incomplete_decision``.
    """
    lacking = [element for element in decision_elements(decision) if not element.present]
    if lacking:
        listing = "; ".join(f"({element.key}) {element.label}: give {element.todo}" for element in lacking)
        message = f"decision on {decision.notice_id} not issued, it lacks {listing}"
        raise ParameterError(message, code="incomplete_decision")
