"""*Money*: periods, what a party is told of each, why a line is what it is; for admins, usage in and the run."""

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from linernotes.api.callers import now
from linernotes.api.money import seen_statements
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick_if_small
from linernotes.formats.statement import month
from linernotes.journeys import earnings
from linernotes.journeys.account_statement import write_statements
from linernotes.journeys.queue import queue_run
from linernotes.model import JobKind
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import period as read_period
from linernotes.web.fields import reason
from linernotes.web.rooms.work import take_in
from linernotes.web.views.money import account, charts, earners, periods
from linernotes.web.views.money import reason as why_of

__all__ = [
    "import_usage",
    "list_statement",
    "print_statement",
    "router",
    "run_royalties",
    "show_money",
    "show_period",
    "show_statement",
    "show_why",
]

router = pages("/money")

SeesRuns = Annotated[Visit, Depends(Visits("royalties:read"))]
Runs = Annotated[Visit, Depends(Visits("royalties:run"))]
ImportsUsage = Annotated[Visit, Depends(Visits("usage:import"))]
SeesStatements = Annotated[Visit, Depends(Visits("statements:read"))]

_PARTIES_SHOWN = 100
_PDF, _CSV = "application/pdf", "text/csv; charset=utf-8"


@router.get("/money")
@quick_if_small
def show_money(visitor: SeesRuns) -> Response:
    """Show the months that were run, and what each brought."""
    books, party_id = visitor.workspace.books, visitor.caller.party_id(None)
    run, closed = {run.period for run in books.runs()}, set(books.closed_periods())
    earned = books.earned(party_id=party_id)
    return visitor.page(
        "money.html",
        title="Money",
        heading="What it brought you" if party_id else "What it brought",
        verdict="Every line of a statement can be asked why it is what it is, back to the report it came from.",
        charts=charts(earned) if earned else [],
        periods=periods(sorted(run | closed, reverse=True), closed, earned, party_id),
    )


@router.post("/money/usage")
async def import_usage(request: Request, visitor: ImportsUsage) -> Response:
    """Bring a report of what was used in."""
    return await take_in(request, visitor, JobKind.USAGE_IMPORT)


@router.post("/money/run")
def run_royalties(visitor: Runs, form: Posted) -> Response:
    """Divide what was used up to a month, and close it if asked."""
    job = queue_run(
        *(visitor.workspace, read_period(form.get("period", ""))),
        close=form.get("close") == "yes",
        account_id=visitor.caller.account.id,
        at=now(),
        why=reason(form.get("why", "")),
    )
    return away(f"/work/{job.id}")


@router.get("/money/{period}")
def show_period(visitor: SeesRuns, period: str) -> Response:
    """Show whom a month brought something, to those who see all; to a party, its own statement."""
    if not visitor.caller.sees_all:
        return away(f"/money/{read_period(period)}/{visitor.party_id}")
    earned = visitor.workspace.books.earned(period=read_period(period))
    shown = earners(earned, visitor.workspace.claims.names({party_id for _, party_id, _ in earned}))
    return visitor.page(
        "period.html",
        title=month(period),
        period=period,
        month=month(period),
        verdict=f"{len(shown):,} part{'y' if len(shown) == 1 else 'ies'} earned something.",
        parties=shown[:_PARTIES_SHOWN],
        n_more=max(0, len(shown) - _PARTIES_SHOWN),
    )


@router.get("/money/{period}/{party_id}.pdf")
def print_statement(visitor: SeesStatements, period: str, party_id: str) -> Response:
    """Give a party's statements of a month as PDF."""
    return _file(visitor, period, party_id, "pdf", _PDF)


@router.get("/money/{period}/{party_id}.csv")
def list_statement(visitor: SeesStatements, period: str, party_id: str) -> Response:
    """Give the lines of a party's statements of a month as CSV."""
    return _file(visitor, period, party_id, "csv", _CSV)


@router.get("/money/{period}/{party_id}")
def show_statement(visitor: SeesStatements, period: str, party_id: str) -> Response:
    """Show what a party is told of a month."""
    told = seen_statements(visitor.workspace, visitor.caller, party_id, read_period(period))
    return visitor.page(
        "statement.html",
        title=f"Statement, {month(period)}",
        here=f"/money/{period}/{party_id}",
        month=month(period),
        is_closed=period in visitor.workspace.books.closed_periods(),
        accounts=[account(statement) for statement in told],
    )


@router.get("/money/{period}/{party_id}/why/{line_id}")
def show_why(visitor: SeesStatements, period: str, party_id: str, line_id: str) -> Response:
    """Show the way from a line back to what came in."""
    why = earnings.why(visitor.workspace, line_id)
    if not visitor.caller.sees_all and (why.party_id != visitor.party_id or party_id != visitor.party_id):
        raise HttpProblem(404, "not_found", f"no line {line_id!r}")
    back = f"/money/{read_period(period)}/{party_id}"
    return visitor.page("why.html", title="Why this line", reason=why_of(why), back=back)


def _file(visitor: Visit, period: str, party_id: str, suffix: str, media_type: str) -> Response:
    told = seen_statements(visitor.workspace, visitor.caller, party_id, read_period(period))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"statement.{suffix}"
        write_statements(told, **{suffix: path})
        name = f'attachment; filename="statement-{period}-{told[0].party_id if told else ""}.{suffix}"'
        return Response(path.read_bytes(), headers={"Content-Disposition": name}, media_type=media_type)
