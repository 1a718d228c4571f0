"""``/v1/session``: sign in, see who one is, sign out."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from linernotes.api.accounts import from_account
from linernotes.api.callers import (
    Caller,
    Opened,
    csrf_token,
    csrf_token_of,
    forget_session,
    is_from_here,
    keep_session,
    now,
    session_secret,
    settings_of,
    signed_in,
)
from linernotes.api.permissions import SCOPES_OF
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import client_address, routes
from linernotes.api.shapes import Credentials, SessionOut
from linernotes.journeys import signing_in
from linernotes.model import UserAccount
from linernotes.workspace import Workspace

__all__ = ["begin_session", "end_session", "router", "show_session", "sign_in", "sign_out"]

router = routes("/session", "session")


def begin_session(request: Request, workspace: Workspace, name: str, password: str) -> tuple[UserAccount, str]:
    """Sign somebody in; return whose session it is, and the secret for the cookie. A session before it ends.

    Raises HttpProblem: 401 if name or password are wrong, 403 if a page elsewhere asks, 429 if it is tried too often
    """
    if not is_from_here(request):
        raise HttpProblem(403, "csrf", "this did not come from a page of ours")
    for key in (f"address {client_address(request)}", f"name {name}"):
        wait_s = request.app.state.sign_ins.wait_s(key)
        if wait_s:
            raise HttpProblem(429, "too_many", "too many attempts", headers={"Retry-After": str(wait_s)})
    at = now()
    until = at + settings_of(request).session_length
    begun = signing_in.sign_in(workspace, name, password, at=at, until=until, replacing=session_secret(request))
    if begun is None:
        raise HttpProblem(401, "credentials", "the name or the password is wrong")
    return begun


def end_session(request: Request, workspace: Workspace, response: Response) -> None:
    """Sign out whoever is signed in."""
    secret = session_secret(request)
    if secret is not None:
        signing_in.sign_out(workspace, secret)
    forget_session(request, response)


@router.post("", status_code=201, response_model=SessionOut)
def sign_in(request: Request, workspace: Opened, given: Credentials) -> Response:
    """Sign in with name and password; the answer sets a cookie."""
    account, secret = begin_session(request, workspace, given.name, given.password)
    response = JSONResponse(_told(account, SCOPES_OF[account.role], csrf_token_of(secret)), 201)
    keep_session(request, response, secret)
    return response


@router.get("", response_model=SessionOut)
async def show_session(request: Request, caller: Annotated[Caller, Depends(signed_in)]) -> Response:
    """Tell who one is, by cookie or by token."""
    by_cookie = "authorization" not in request.headers
    return JSONResponse(_told(caller.account, caller.scopes, csrf_token(request) if by_cookie else None))


@router.delete("", status_code=204, response_class=Response)
def sign_out(request: Request, workspace: Opened) -> Response:
    """Sign out."""
    response = Response(status_code=204)
    end_session(request, workspace, response)
    return response


def _told(account: UserAccount, scopes: Iterable[str], token: str | None) -> dict[str, Any]:
    return {"account": from_account(account), "scopes": sorted(scopes), "csrf_token": token}
