"""Long work that is not a trace: files that come in, royalty runs; how far it is, what it came to, its faults."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from linernotes.api.callers import check_csrf, is_from_here
from linernotes.api.importing import queue_file
from linernotes.api.jobs import cancel_job, seen_job
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import receive_form
from linernotes.api.routing import quick
from linernotes.model import JobKind
from linernotes.web.door import Posted, SignedIn, Visit, away, pages
from linernotes.web.views.uploads import outcome, work

__all__ = ["router", "show_work", "stop_work", "take_in"]

router = pages("/work")

_PAGES = {JobKind.TRACE: "/uploads", JobKind.MASTER: "/masters"}


@router.get("/work/{job_id}")
@quick
def show_work(visitor: Annotated[Visit, Depends(SignedIn())], job_id: str) -> Response:
    """Show how far a piece of work is, or what it came to."""
    job = seen_job(visitor.workspace, visitor.caller, job_id)
    if job.kind in _PAGES:
        return away(f"{_PAGES[job.kind]}/{job.id}")
    if job.result is None:
        return visitor.page("waiting.html", title=work(job).name, job=work(job))
    return visitor.page("imported.html", title=work(job).name, work=work(job), outcome=outcome(job))


@router.post("/work/{job_id}/stop")
def stop_work(visitor: Annotated[Visit, Depends(SignedIn())], job_id: str, form: Posted) -> Response:
    """Stop a piece of work that is not over."""
    del form
    cancel_job(visitor.caller, visitor.workspace, job_id)
    return away(f"/work/{job_id}")


async def take_in(request: Request, visitor: Visit, kind: JobKind) -> Response:
    """Take in the one file of a form, to be read by a worker."""
    if not is_from_here(request):
        raise HttpProblem(403, "csrf", "this did not come from a page of ours")
    form = await receive_form(request, visitor.workspace)
    check_csrf(request, form.fields.get("csrf", ""))
    job = await queue_file(request, visitor.workspace, visitor.caller, kind, form)
    return away(f"/work/{job.id}")
