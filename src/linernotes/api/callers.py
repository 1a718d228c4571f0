"""Who asks: the session in a browser's cookie, or the token in a program's header.

A browser sends its cookie wherever a page elsewhere makes it go. So whoever changes something with a cookie must come
from a page of ours (``Origin``, ``Sec-Fetch-Site``) and show a token that only our pages know.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from linernotes.api.permissions import SCOPES_OF
from linernotes.api.problems import HttpProblem
from linernotes.api.settings import Settings
from linernotes.journeys import signing_in
from linernotes.model import AccountRole, UserAccount
from linernotes.workspace import Workspace

__all__ = [
    "Caller",
    "Opened",
    "Permit",
    "caller_of",
    "check_csrf",
    "csrf_token",
    "csrf_token_of",
    "current_account",
    "forget_session",
    "is_from_here",
    "keep_session",
    "now",
    "opened",
    "session_secret",
    "settings_of",
    "signed_in",
]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SEES_ALL = (AccountRole.ADMIN, AccountRole.AUDITOR)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may do."""

    account: UserAccount
    scopes: frozenset[str]

    @property
    def sees_all(self) -> bool:
        """Nothing is hidden from admins and auditors."""
        return self.account.role in _SEES_ALL

    @property
    def own_id(self) -> str | None:
        """The account whose uploads are seen; None: everybody's."""
        return None if self.sees_all else self.account.id

    @property
    def actor(self) -> str:
        """Who acts: the party somebody acts for, else the account, which is no party of the same name."""
        return self.account.party_id or self.account.id

    def party_id(self, asked: str | None) -> str | None:
        """Return whose things are meant: one's own party, or, of those who see all, whichever they ask for."""
        if self.sees_all:
            return asked
        if asked not in (None, self.account.party_id):
            raise HttpProblem(404, "not_found", f"no party {asked!r}")
        return self.account.party_id


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)


def opened(request: Request) -> Workspace:
    """Return the workspace that is served."""
    workspace: Workspace = request.app.state.workspace
    return workspace


async def _opened(request: Request) -> Workspace:
    return opened(request)  # in the loop: a thread for so little would cost more than it


Opened = Annotated[Workspace, Depends(_opened)]


def settings_of(request: Request) -> Settings:
    """Return what the server was told when it started."""
    settings: Settings = request.app.state.settings
    return settings


# ── sessions ─────────────────────────────────────────────────────────────────


def _cookie_name(request: Request) -> str:
    return "__Host-linernotes" if settings_of(request).is_secure else "linernotes"


def session_secret(request: Request) -> str | None:
    """Return the secret of the session in the cookie, None where there is no cookie."""
    return request.cookies.get(_cookie_name(request))


def keep_session(request: Request, response: Response, secret: str) -> None:
    """Give the browser the session to keep; no script can read it, and no page elsewhere has it sent along."""
    settings = settings_of(request)
    response.set_cookie(
        _cookie_name(request),
        secret,
        max_age=round(settings.session_length.total_seconds()),
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def forget_session(request: Request, response: Response) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(_cookie_name(request), secure=settings_of(request).is_secure, httponly=True)


def csrf_token(request: Request) -> str:
    """Return the token that our pages send along with what changes something: hidden field, or ``X-CSRF-Token``."""
    return csrf_token_of(session_secret(request) or "")


def csrf_token_of(secret: str) -> str:
    """Return the token that goes with a session."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_csrf(request: Request, token: str) -> None:
    """Refuse what does not come from a page of ours."""
    if not is_from_here(request) or not hmac.compare_digest(token.encode(), csrf_token(request).encode()):
        raise HttpProblem(403, "csrf", "this did not come from a page of ours: load the page again")


def is_from_here(request: Request) -> bool:
    """Tell whether a browser says that a page of ours asks; programs say nothing, and are no danger."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        return False
    return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")


# ── who ──────────────────────────────────────────────────────────────────────


def caller_of(request: Request) -> Caller | None:
    """Return who asks, looked up once a request; None: nobody is signed in."""
    if not hasattr(request.state, "caller"):
        request.state.caller = _looked_up(request)
    caller: Caller | None = request.state.caller
    return caller


def _looked_up(request: Request) -> Caller | None:
    workspace, at = opened(request), now()
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind:
        found = signing_in.with_token(workspace, text.strip(), at=at) if kind.lower() == "bearer" else None
        if found is None:
            raise HttpProblem(401, "token", "no token that stands", headers={"WWW-Authenticate": "Bearer"})
        account, token = found
        return Caller(account, SCOPES_OF[account.role] & frozenset(token.scopes))
    secret = session_secret(request)
    account_in = None if secret is None else signing_in.in_session(workspace, secret, at=at)
    return None if account_in is None else Caller(account_in, SCOPES_OF[account_in.role])


def current_account(request: Request) -> UserAccount:
    """Return who is signed in; 401 where nobody is. For pages."""
    caller = caller_of(request)
    if caller is None:
        raise HttpProblem(401, "signed_out", "sign in first")
    return caller.account


async def signed_in(request: Request) -> Caller:
    """Return who asks, whatever they may do; a dependency of routes, which have looked it up already."""
    caller: Caller | None = request.state.caller
    if caller is None:
        raise HttpProblem(401, "signed_out", "sign in, or send a token", headers={"WWW-Authenticate": "Bearer"})
    return caller


@dataclass(frozen=True, slots=True)
class Permit:
    """A dependency of a route: gives who asks, if they may do what ``scope`` names."""

    scope: str

    async def __call__(self, request: Request) -> Caller:
        """Return who asks."""
        caller = await signed_in(request)
        if self.scope not in caller.scopes:
            raise HttpProblem(403, "scope", f"this needs {self.scope}")
        return caller
