"""``/v1/royalties``, ``/v1/statements``, ``/v1/ledger``: periods, runs, what a party is told, and the proof."""

import tempfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.jobs import from_job
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick_if_small, request_key, routes
from linernotes.api.shapes import Balance, JobOut, Listed, NewRun, Proof, WhyOut
from linernotes.api.values import Month
from linernotes.formats.statement_files import from_statement, from_why
from linernotes.journeys import earnings, pay
from linernotes.journeys.account_statement import write_statements
from linernotes.journeys.queue import queue_run
from linernotes.model import Statement
from linernotes.workspace import Workspace

__all__ = [
    "list_periods",
    "list_runs",
    "print_statements",
    "prove_books",
    "queue_royalties",
    "router",
    "seen_statements",
    "show_balance",
    "show_statements",
    "why_line",
]

router = routes("", "money")

SeesRuns = Annotated[Caller, Depends(Permit("royalties:read"))]
Runs = Annotated[Caller, Depends(Permit("royalties:run"))]
SeesStatements = Annotated[Caller, Depends(Permit("statements:read"))]
SeesBalance = Annotated[Caller, Depends(Permit("ledger:read"))]
Proves = Annotated[Caller, Depends(Permit("ledger:check"))]


@router.get("/royalties/periods", response_model=Listed)
@quick_if_small
def list_periods(_: SeesRuns, workspace: Opened) -> Response:
    """List the months that were run, and whether each is closed."""
    closed = set(workspace.books.closed_periods())
    periods = sorted({run.period for run in workspace.books.runs()} | closed)
    return JSONResponse({"items": [{"period": period, "closed": period in closed} for period in periods]})


@router.get("/royalties/runs", response_model=Listed)
@quick_if_small
def list_runs(_: SeesRuns, workspace: Opened) -> Response:
    """List the runs, the newest last."""
    runs = workspace.books.runs()
    told = [{"id": run.id, "period": run.period, "booked_at": run.booked_at.isoformat()} for run in runs]
    return JSONResponse({"items": told})


@router.post("/royalties/runs", status_code=202, response_model=JobOut)
def queue_royalties(request: Request, caller: Runs, workspace: Opened, given: NewRun) -> Response:
    """Divide what was used up to a month, book it, and close the month if asked: a job."""
    job = queue_run(
        *(workspace, given.period),
        close=given.close,
        account_id=caller.account.id,
        at=now(),
        why=given.why,
        key=request_key(request),
    )
    return JSONResponse(from_job(job), 202, {"Location": f"/v1/jobs/{job.id}"})


# ── statements ───────────────────────────────────────────────────────────────


def seen_statements(workspace: Workspace, caller: Caller, party: str | None, period: str) -> list[Statement]:
    """Return what a party is told of a month, if the caller may see it: their own party's, or they see all."""
    party_id = caller.party_id(party)
    if party_id is None:
        raise HttpProblem(422, "invalid", "party: say whose statement")
    return list(earnings.statements(workspace, party_id, period))


@router.get("/statements", response_model=Listed)
def show_statements(caller: SeesStatements, workspace: Opened, period: Month, party: str | None = None) -> Response:
    """Give what a party is told of a month, a statement for each currency."""
    told = seen_statements(workspace, caller, party, period)
    return JSONResponse({"items": [from_statement(statement) for statement in told]})


@router.get(
    "/statements/pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}},
)
def print_statements(caller: SeesStatements, workspace: Opened, period: Month, party: str | None = None) -> Response:
    """Give the statements of a month as a page to print."""
    told = seen_statements(workspace, caller, party, period)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.pdf"
        write_statements(told, pdf=path)
        name = {"Content-Disposition": f'attachment; filename="statement-{period}.pdf"'}
        return Response(path.read_bytes(), media_type="application/pdf", headers=name)


@router.get("/statements/lines/{line_id}/why", response_model=WhyOut)
def why_line(caller: SeesStatements, workspace: Opened, line_id: str) -> Response:
    """Say why a line of a statement is what it is: what came in, how it was divided, by which claim."""
    why = earnings.why(workspace, line_id)
    if not caller.sees_all and why.party_id != caller.account.party_id:
        raise HttpProblem(404, "not_found", f"no line {line_id!r}")
    return JSONResponse(from_why(why))


# ── the ledger ───────────────────────────────────────────────────────────────


@router.get("/ledger/balance", response_model=Balance)
def show_balance(
    caller: SeesBalance, workspace: Opened, period: Month | None = None, party: str | None = None
) -> Response:
    """Say what stands where at the end of a month, or now: of one's party, or of all."""
    party_id = caller.party_id(party)
    standing = workspace.books.balances(until=period, party_ids=None if party_id is None else [party_id])
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for (account, _, currency), amount in standing.items():
        sums[account.value, currency] += amount
    told = [
        {"account": account, "currency": currency, "amount_micro": amount}
        for (account, currency), amount in sorted(sums.items())
    ]
    return JSONResponse({"items": told})


@router.get("/ledger/check", response_model=Proof)
def prove_books(_: Proves, workspace: Opened) -> Response:
    """Prove every entry, every hold and every period anew."""
    count, problems = pay.check_books(workspace)
    return JSONResponse({"entries": count, "problems": [asdict(problem) for problem in problems]})
