"""Runs, balances, and why a line is what it is."""

from typing import Annotated

from pydantic import Field

from linernotes.api.shapes.common import Out, Reason

__all__ = ["Balance", "NewRun", "Posted", "Proof", "WhyOut"]


class NewRun(Reason):
    """Divide what was used up to ``period``; ``close`` it: recoup, withhold, pay out."""

    period: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])]
    close: bool = False


class Posted(Out):
    """What stands in an account, in millionths of a unit of currency."""

    account: str
    currency: str
    amount_micro: int


class Balance(Out):
    """What stands where."""

    items: list[Posted]


class Proof(Out):
    """How many entries were proved, and every fault."""

    entries: int
    problems: list[dict[str, str]]


class WhyOut(Out):
    """Where an amount comes from, step by step."""

    steps: list[str]
