"""The door to every room: who visits, whether a form came from a page of ours, what a page knows of its visitor."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse, Response

from linernotes.api.callers import Caller, Permit, check_csrf, csrf_token, opened
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import Rooms, admitted
from linernotes.model import AccountRole
from linernotes.web.templating import render
from linernotes.web.views.accounts import ROLES
from linernotes.workspace import Workspace

__all__ = ["Posted", "Room", "Shell", "SignedIn", "Visit", "Visits", "away", "pages", "rooms"]

_ROOMS = (
    ("/trace", "Trace", "traces:read"),
    ("/masters", "Masters", "masters:read"),
    ("/inbox", "Inbox", "claims:read"),
    ("/catalogue", "Catalogue", "catalogue:read"),
    ("/models", "Models", "models:read"),
    ("/policies", "Policies", "policies:read"),
    ("/money", "Money", "royalties:read"),
    ("/accounts", "Accounts", "accounts:read"),
)
_ELSEWHERE = {"/uploads/": "/trace", "/notices/": "/inbox"}
"""Pages that belong to a room, and are not below it."""
_ROLES = {
    AccountRole.ADMIN: "admin",
    AccountRole.RIGHTS_HOLDER: "acting",
    AccountRole.UPLOADER: "uploader",
    AccountRole.AUDITOR: "auditor, reading only",
}
_DONE = {
    "sent": "It came in, and waits to be heard.",
    "decide": "Decided. It stands in the claim’s history.",
    "release": "Given up. It asks for nothing any more.",
    "withdraw": "Withdrawn. What was held goes on to whoever it belongs to.",
    "dispute": "Disputed. Its money is held until that is settled.",
    "resolve": "Cleared.",
    "notice": "The notice is in the outbox, and on its way where the platform takes it by itself.",
    "step": "Noted, with who and why.",
    "counter": "It is taken in, and the claimant sees it. The clock runs.",
    "rule": "The rule stands.",
    "rule-end": "The rule has ended; what it decided stays decided.",
    "account": "The account is there.",
    "account-change": "The account is changed, and its sessions are over.",
    "deleted": "The sounds are deleted.",
    "training-withdrawn": "Withdrawn. Your rule stands: the release may not go on with what is yours.",
    "edit": "Changed. What it said before is kept.",
}
"""What a page tells once something was done; named in the address, so that nobody can put words there."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room, in the list of those that one may enter."""

    href: str
    title: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page shows around what it is about."""

    csrf: str
    rooms: tuple[Room, ...] = ()
    name: str = ""
    role: str = ""
    party: str = ""
    told: str = ""
    fault: str = ""
    scopes: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        """Tell whether the visitor may do this: what they may not is not offered."""
        return scope in self.scopes


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in, asking for a page; ``scope`` is what the page needs, and they have it."""

    request: Request
    workspace: Workspace
    caller: Caller

    @property
    def party_id(self) -> str | None:
        """Whom a rights holder acts for."""
        return self.caller.account.party_id

    def address(self, **query: str) -> str:
        """Return the address of this page with another query."""
        return f"{self.request.url.path}?{urlencode({name: value for name, value in query.items() if value})}"

    def page(self, template: str, *, title: str, status: int = 200, **shown: Any) -> Response:
        """Return a page; what it needs of the visitor is added."""
        return HTMLResponse(render(template, shell=self._shell(), title=title, **shown), status)

    def names(self, actors: Collection[str]) -> dict[str, str]:
        """Name who acted: parties; of accounts oneself, and to those who see all everybody; of others their part."""
        accounts = [self.workspace.accounts.get(actor) for actor in actors if actor.startswith("acc_")]
        known = {each.id for each in accounts if self.caller.sees_all or each.id == self.caller.account.id}
        named = {each.id: each.name if each.id in known else ROLES[each.role] for each in accounts}
        return {**self.workspace.claims.names([*actors]), **named}

    def _shell(self) -> Shell:
        account, path = self.caller.account, self.request.url.path
        path = next((room for start, room in _ELSEWHERE.items() if path.startswith(start)), path)
        names = self.workspace.claims.names([account.party_id]) if account.party_id else {}
        return Shell(
            csrf=csrf_token(self.request),
            rooms=tuple(Room(href, title, path.startswith(href)) for href, title in rooms(self.caller)),
            name=account.name,
            role=_ROLES[account.role],
            party=names.get(account.party_id or "", ""),
            told=_DONE.get(self.request.query_params.get("done", ""), ""),
            scopes=self.caller.scopes,
        )


def rooms(caller: Caller) -> list[tuple[str, str]]:
    """Return address and name of the rooms that somebody may enter; the others are not there."""
    return [(href, title) for href, title, scope in _ROOMS if scope in caller.scopes]


def away(path: str, *, done: str = "") -> Response:
    """Send the browser to another page, so that a form is not sent twice; ``done`` is told there."""
    return RedirectResponse(path + (f"?done={quote(done)}" if done else ""), 303)


@dataclass(frozen=True)
class Visits:
    """A dependency of a page: gives who visits, if they may do what ``scope`` names."""

    scope: str

    async def __call__(self, request: Request) -> Visit:
        """Return who visits; they have been looked up already."""
        return Visit(request, opened(request), await Permit(self.scope)(request))


@dataclass(frozen=True)
class SignedIn:
    """A dependency of a page that anybody may open who is signed in: what they see there depends on who they are."""

    async def __call__(self, request: Request) -> Visit:
        """Return who visits; they have been looked up already."""
        caller: Caller | None = request.state.caller
        if caller is None:
            raise HttpProblem(401, "signed_out", "sign in first")
        return Visit(request, opened(request), caller)


async def _posted(request: Request) -> Mapping[str, str]:
    """Read a small form that came from a page of ours."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise HttpProblem(400, "form", "a form of more than 100 fields") from None
    check_csrf(request, fields.get("csrf", ""))
    return {name: value.strip() for name, value in fields.items()}


Posted = Annotated[Mapping[str, str], Depends(_posted)]


class _PageRoute(APIRoute):
    """A route of the pages: counts the request and looks up who asks, once."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with what comes before it."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await admitted(request)
            return await handle(request)

        return handler


def pages(*beginnings: str) -> APIRouter:
    """Return a router for pages whose addresses begin so; the API's description leaves them out."""
    return Rooms(*beginnings, route_class=_PageRoute, include_in_schema=False)
