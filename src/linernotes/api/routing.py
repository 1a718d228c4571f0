"""What every route of the API does: count, look up who asks, refuse forged requests, and answer a key only once.

What takes a few milliseconds is done in the server's loop: to a thread and back costs as much, and threads that take
turns keep each other waiting. So is every look-up of who asks, and of routes what is ``quick``; but where the database
is on another machine, to wait is a thread's work.
"""

import hashlib
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import Scope

from linernotes.api.callers import Caller, caller_of, check_csrf, now, opened
from linernotes.api.limits import Buckets
from linernotes.api.problems import HttpProblem
from linernotes.workspace import Workspace

__all__ = ["Rooms", "Route", "admitted", "client_address", "quick", "quick_if_small", "request_key", "routes"]

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY_CHARACTERS_MAX = 200
_SMALL_BYTES = 32 << 20  # some 30,000 recordings: whatever is searched for is found in a few milliseconds
_PROBLEM = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
}


class Rooms(APIRouter):
    """Routes whose paths all begin in one of a few ways; otherwise none of them is looked at, for there are many."""

    def __init__(self, *beginnings: str, **options: Any) -> None:
        super().__init__(**options)
        self._beginnings = beginnings

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for one of these routes."""
        return super().matches(scope) if scope["path"].startswith(self._beginnings) else (Match.NONE, {})


def routes(prefix: str, tag: str) -> APIRouter:
    """Return a router for the routes below a path."""
    responses: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}
    below = f"/v1{prefix}"
    return Rooms(below, prefix=below, tags=[tag], route_class=Route, responses=responses)


class Route(APIRoute):
    """A route of the API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with what comes before and after it."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            caller = await admitted(request)
            if request.method not in _UNSAFE:
                return await handle(request)
            if caller is not None and "authorization" not in request.headers:
                check_csrf(request, request.headers.get("x-csrf-token", ""))
            key = request_key(request)
            if key is None or caller is None:
                return await handle(request)
            return await _once(request, caller, key, handle)

        return handler


def client_address(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


def request_key(request: Request) -> str | None:
    """Return the idempotency key of a request, None where it has none."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= _KEY_CHARACTERS_MAX and key.isprintable()):
        raise HttpProblem(400, "key", f"Idempotency-Key: 1 to {_KEY_CHARACTERS_MAX} printable characters")
    return key


async def admitted(request: Request) -> Caller | None:
    """Look up who asks, and count the request; HttpProblem 429 if there were too many of late."""
    near = _is_near(opened(request))
    caller = caller_of(request) if near else await run_in_threadpool(caller_of, request)
    buckets: Buckets = request.app.state.requests
    wait_s = buckets.wait_s(caller.account.id if caller else client_address(request))
    if wait_s:
        raise HttpProblem(429, "too_many", "too many requests", headers={"Retry-After": str(wait_s)})
    return caller


Endpoint = Callable[..., Response]
Answered = Callable[..., Coroutine[Any, Any, Response]]


def quick(endpoint: Endpoint) -> Answered:
    """Let a route be answered in the loop: one that looks up a bounded number of rows by their keys."""
    return _in_loop(endpoint, _is_near)


def quick_if_small(endpoint: Endpoint) -> Answered:
    """Let a route be answered in the loop where the database is small: one that searches it, or adds up."""
    return _in_loop(endpoint, lambda workspace: _is_near(workspace) and _is_small(workspace))


def _in_loop(endpoint: Endpoint, is_quick: Callable[[Workspace], bool]) -> Answered:
    @wraps(endpoint)
    async def answered(**given: Any) -> Response:
        workspace = given["workspace"] if "workspace" in given else given["visitor"].workspace
        return endpoint(**given) if is_quick(workspace) else await run_in_threadpool(endpoint, **given)

    return answered


def _is_near(workspace: Workspace) -> bool:
    """Tell whether to ask the database means to read a file of this machine; who writes there keeps no reader out."""
    return workspace.database_url is None


def _is_small(workspace: Workspace) -> bool:
    path = Path(workspace.database)
    return path.stat().st_size < _SMALL_BYTES if path.exists() else True


async def _once(
    request: Request, caller: Caller, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """Answer a request; the same again gets the same answer, and nothing is done twice."""
    jobs, account_id = opened(request).jobs, caller.account.id
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if request.headers.get("content-type", "").startswith("multipart/"):
        asked.update(request.headers.get("content-length", "").encode())  # uploads are not held in memory
    else:
        asked.update(await request.body())
    known = await run_in_threadpool(lambda: jobs.begin_answer(account_id, key, asked.hexdigest(), at=now()))
    if known is not None:
        again = {"Idempotency-Replayed": "true"}
        return Response(known[1], known[0], again, media_type="application/json")
    answer: tuple[int, str] | None = None
    try:
        response = await handle(request)
        if isinstance(response, JSONResponse) and response.status_code < 400:
            answer = response.status_code, bytes(response.body).decode()
        return response
    finally:
        await run_in_threadpool(jobs.end_answer, account_id, key, answer)
