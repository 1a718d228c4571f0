"""The second half of the demo: what was heard becomes claims, the labels' offers decide them, money is divided."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from linernotes.formats.liner_notes import TracedUpload
from linernotes.journeys.account_statement import write_statements
from linernotes.journeys.claim import propose, set_policy
from linernotes.journeys.earnings import statements
from linernotes.journeys.pay import check_books, run_royalties
from linernotes.journeys.usage import import_usage
from linernotes.model import Action, Claim, Policy, Side, Statement, Trace, UseType
from linernotes.workspace import Workspace

__all__ = ["PERIOD", "Paid", "decide", "pay"]

PERIOD = "2026-10"
_OFFER = Fraction(1, 4)
_AMOUNTS = ("25.00", "12.50", "60.00", "8.00")  # what each upload brought, in order
_OF_OWN_RELEASES = "100.00"


@dataclass(frozen=True, slots=True)
class Paid:
    """What a party is told of the demo's month, and where that is printed. ``books_hold``: the proof found no fault."""

    statement: Statement
    page: Path
    books_hold: bool


def decide(workspace: Workspace, traces: Sequence[Trace], labels: Sequence[str], *, at: datetime) -> list[Claim]:
    """Let every label offer its recordings for a quarter of the recording side, and claim what was heard."""
    for label in labels:
        offer = Policy("", label, UseType.RECORDING, Action.SHARE, _OFFER, Side.RECORDING)
        set_policy(workspace, offer, by=label, why="an open offer: use our recordings, we take a quarter", at=at)
    claims: list[Claim] = []
    for notes in traces:
        if notes.upload is not None:
            heard = TracedUpload(notes.path, notes.path, notes.upload.sha256, notes.evidence, [])
            claims += propose(workspace, heard, at=at).claims
    return claims


def pay(workspace: Workspace, traces: Sequence[Trace], party: str, folder: Path, *, at: datetime) -> Paid:
    """Bring in a month's usage of uploads and of the labels' own releases, divide it, close it, print a statement."""
    table = folder / "usage.csv"
    _write_usage(workspace, traces, table)
    import_usage(workspace, [table], at=at)
    if PERIOD not in workspace.books.closed_periods():
        run_royalties(workspace, PERIOD, at=at, close=True)
    told = statements(workspace, party, PERIOD)
    page = folder / "statement.pdf"
    write_statements(told, pdf=page)
    _, faults = check_books(workspace)
    return Paid(told[0], page, books_hold=not faults)


def _write_usage(workspace: Workspace, traces: Sequence[Trace], path: Path) -> None:
    uploads = [(n.upload.sha256, Path(n.path).stem, a) for n, a in zip(traces, _AMOUNTS, strict=True) if n.upload]
    released = [(r.sha256, r.title, _OF_OWN_RELEASES) for r in workspace.catalogue if r.sha256]
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["period", "territory", "currency", "amount", "quantity", "upload_sha256", "title", "source"])
        for sha256, title, amount in uploads + released:
            table.writerow([PERIOD, "DE", "EUR", amount, 1000, sha256, title, "A fictional service"])
