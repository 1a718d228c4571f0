"""Importing: the one file of a form, queued to be read by a worker; what every door for catalogues and reports does."""

from datetime import date

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from linernotes.api.callers import Caller, now
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import Form
from linernotes.api.routing import request_key
from linernotes.journeys.queue import queue_import
from linernotes.model import Job, JobKind
from linernotes.workspace import Workspace

__all__ = ["IMPORT_FORM", "queue_file"]

_WHY_CHARACTERS_MAX = 2000
IMPORT_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "why"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "why": {"type": "string", "minLength": 1},
                        "on": {"type": "string", "format": "date"},
                    },
                }
            }
        },
    }
}


async def queue_file(request: Request, workspace: Workspace, caller: Caller, kind: JobKind, form: Form) -> Job:
    """Queue the file of a form (``file``, ``why``, and ``on``, from when what a catalogue says holds).

    Raises HttpProblem where there is not one file, nobody says why, or ``on`` is no day
    """
    if len(form.files) != 1:
        raise HttpProblem(422, "invalid", "file: send one")
    why = form.fields.get("why", "").strip()
    if not 0 < len(why) <= _WHY_CHARACTERS_MAX:
        raise HttpProblem(
            422, "invalid", f"why: say it, in up to {_WHY_CHARACTERS_MAX} characters; it is kept for good"
        )
    try:
        on = date.fromisoformat(form.fields["on"]) if form.fields.get("on") else None
    except ValueError:
        raise HttpProblem(422, "invalid", "on: not a day such as 2026-11-22") from None
    return await run_in_threadpool(
        lambda: queue_import(
            *(workspace, kind, form.files[0]),
            account_id=caller.account.id,
            at=now(),
            why=why,
            on=on,
            key=request_key(request),
        )
    )
