"""Joining the pages to the application: their routes, and faults told as pages where a page was asked for."""

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from linernotes.web.door import Shell
from linernotes.web.rooms import (
    accounts,
    catalogue,
    entrance,
    inbox,
    masters,
    models,
    money,
    notices,
    policies,
    trace,
    work,
)
from linernotes.web.templating import prepare, render

__all__ = ["ROOMS", "join"]

ROOMS = (entrance, trace, notices, inbox, catalogue, policies, money, accounts, work, masters, models)
"""Every module with pages, in the order in which addresses are looked up."""
_TITLES = {
    403: "This is not for you",
    404: "There is no such page",
    409: "It does not go together",
    413: "Too large",
    429: "Too many at once",
}

Handler = Callable[[Request, Any], Response | Awaitable[Response]]


def join(app: FastAPI) -> None:
    """Add the pages to an application whose API is whole."""
    prepare()
    for kind, answer in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _readable(answer))
    for room in ROOMS:
        app.include_router(room.router)


def _readable(answer: Handler) -> Handler:
    """Let faults be told as a page, but below ``/v1``, where programs ask."""

    async def answered(request: Request, error: Exception) -> Response:
        told = answer(request, error)
        response = await told if inspect.isawaitable(told) else told
        assert isinstance(response, Response)
        if request.url.path.startswith("/v1/"):
            return response
        if response.status_code == 401:
            return entrance.sign_in_first(request)
        return await run_in_threadpool(_page, request, response)

    return answered


def _page(request: Request, response: Response) -> Response:
    problem = json.loads(bytes(response.body))
    title = _TITLES.get(response.status_code, problem["title"])
    page = render(
        "fault.html",
        shell=Shell(csrf=""),
        title=title,
        status=response.status_code,
        message=problem["detail"],
        back=_back(request),
    )
    headers = {name: value for name, value in response.headers.items() if name in ("retry-after", "connection")}
    return HTMLResponse(page, response.status_code, headers)


def _back(request: Request) -> str:
    """Return the page that a form was on: the room, or in it the thing that the form is about."""
    parts = request.url.path.split("/")[1:]
    if request.method != "POST":
        return "/"
    return "/" + "/".join(parts[:2] if parts[0] in ("inbox", "catalogue", "notices") and len(parts) > 2 else parts[:1])
