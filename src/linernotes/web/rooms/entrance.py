"""The entrance: signing in and out, the way to one's first room, and what pages are served with."""

from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from linernotes.api.callers import Opened, caller_of, csrf_token, keep_session
from linernotes.api.problems import HttpProblem
from linernotes.api.sessions import begin_session, end_session
from linernotes.web.door import Posted, Shell, away, pages, rooms
from linernotes.web.templating import asset, render

__all__ = ["enter", "router", "show_asset", "show_sign_in", "sign_in", "sign_in_first", "sign_out"]

router = pages("/")

_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/static/{name}")
async def show_asset(name: str) -> Response:
    """Give a sheet or a script; its name changes with its content."""
    found = asset(name)
    if found is None:
        raise HttpProblem(404, "not_found", f"no file {name!r}")
    return Response(found[0], headers=_FOR_GOOD, media_type=found[1])


@router.get("/")
def enter(request: Request) -> Response:
    """Go to the first room."""
    caller = caller_of(request)
    if caller is None:
        return away("/sign-in")
    first = "/inbox" if caller.account.party_id else rooms(caller)[0][0]
    return away(first)


@router.get("/sign-in")
def show_sign_in(request: Request, next: str = "/") -> Response:  # noqa: A002  (the address says so)
    """Ask who it is."""
    return _door(request, next)


@router.post("/sign-in")
def sign_in(request: Request, workspace: Opened, form: Posted) -> Response:
    """Sign in, and go where one wanted to go."""
    name = form.get("name", "")
    try:
        _, secret = begin_session(request, workspace, name, form.get("password", ""))
    except HttpProblem as problem:
        return _door(request, form.get("next", "/"), name=name, fault=str(problem.detail), status=problem.status_code)
    response = away(_local(form.get("next", "/")))
    keep_session(request, response, secret)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, workspace: Opened, _: Posted) -> Response:
    """Sign out."""
    response = away("/sign-in")
    await run_in_threadpool(end_session, request, workspace, response)
    return response


def _door(request: Request, onward: str, *, name: str = "", fault: str = "", status: int = 200) -> Response:
    shell = Shell(csrf=csrf_token(request), fault=fault)
    return HTMLResponse(render("sign-in.html", shell=shell, title="Sign in", next=_local(onward), name=name), status)


def _local(path: str) -> str:
    """Return the path if it leads to a page of ours, else the way to the first room."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"


def sign_in_first(request: Request) -> Response:
    """Send somebody who is not signed in to the door, and back here afterwards."""
    here = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(here, safe='/')}", 303)
