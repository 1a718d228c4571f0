"""``/v1/usage``: reports of what was used, in and looked into."""

from dataclasses import asdict
from itertools import islice
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit
from linernotes.api.importing import IMPORT_FORM, queue_file
from linernotes.api.jobs import from_job
from linernotes.api.paging import Limit
from linernotes.api.receiving import receive_form
from linernotes.api.routing import routes
from linernotes.api.shapes import JobOut, Listed
from linernotes.api.values import jsonable
from linernotes.model import JobKind

__all__ = ["import_usage", "list_faults", "list_reports", "list_unmatched", "router"]

router = routes("/usage", "usage")

Reads = Annotated[Caller, Depends(Permit("usage:read"))]
Imports = Annotated[Caller, Depends(Permit("usage:import"))]


@router.get("/reports", response_model=Listed)
def list_reports(_: Reads, workspace: Opened) -> Response:
    """List the reports that came in, the newest last."""
    reports = workspace.usage.reports()
    return JSONResponse({"items": [jsonable(asdict(report)) | {"name": report.name} for report in reports]})


@router.get("/reports/{report_id}/faults", response_model=Listed)
def list_faults(_: Reads, workspace: Opened, report_id: str, limit: Limit = 100) -> Response:
    """List the first faulty lines of a report, each with its reason."""
    report = workspace.usage.find(report_id)
    faults = islice(workspace.usage.faults(report.id), limit)
    return JSONResponse({"items": [jsonable(asdict(fault)) | {"where": report.where(fault.line)} for fault in faults]})


@router.get("/unmatched", response_model=Listed)
def list_unmatched(_: Reads, workspace: Opened, limit: Limit = 50) -> Response:
    """List what was used and the catalogue does not know, what brought most first."""
    return JSONResponse({"items": [jsonable(asdict(row)) for row in workspace.usage.unmatched(limit=limit)]})


@router.post("/imports", status_code=202, response_model=JobOut, openapi_extra=IMPORT_FORM)
async def import_usage(request: Request, caller: Imports, workspace: Opened) -> Response:
    """Bring a report in (DSR or table, gzipped or not): a job, whose result counts good and faulty lines."""
    form = await receive_form(request, workspace)
    job = await queue_file(request, workspace, caller, JobKind.USAGE_IMPORT, form)
    return JSONResponse(from_job(job), 202, {"Location": f"/v1/jobs/{job.id}"})
