"""``/v1/accounts`` and ``/v1/tokens``: who can sign in, made and changed by admins; everybody's own tokens."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now, signed_in
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import routes
from linernotes.api.shapes import AccountOut, Accounts, ChangedAccount, MadeToken, NewAccount, NewToken, Tokens
from linernotes.journeys import signing_in
from linernotes.model import AccessToken, UserAccount

__all__ = [
    "add_account",
    "add_token",
    "change_account",
    "from_account",
    "list_accounts",
    "list_tokens",
    "revoke_token",
    "router",
]

router = routes("", "accounts")

Reads = Annotated[Caller, Depends(Permit("accounts:read"))]
Writes = Annotated[Caller, Depends(Permit("accounts:write"))]


def from_account(account: UserAccount) -> dict[str, Any]:
    """Return an account as JSON's types."""
    return {
        "id": account.id,
        "name": account.name,
        "role": account.role.value,
        "party_id": account.party_id,
        "created_at": account.created_at.isoformat(),
        "disabled": account.disabled_at is not None,
    }


@router.get("/accounts", response_model=Accounts)
def list_accounts(_: Reads, workspace: Opened) -> Response:
    """List all accounts by name."""
    return JSONResponse({"items": [from_account(account) for account in workspace.accounts.all()]})


@router.post("/accounts", status_code=201, response_model=AccountOut)
def add_account(caller: Writes, workspace: Opened, given: NewAccount) -> Response:
    """Make an account; the audit chain says who did."""
    account = signing_in.new_account(
        *(workspace, given.name, given.password),
        role=given.role,
        party=given.party,
        actor=caller.account.id,
        why=given.why or "a new account",
        at=now(),
    )
    return JSONResponse(from_account(account), 201)


@router.patch("/accounts/{account_id}", response_model=AccountOut)
def change_account(caller: Writes, workspace: Opened, account_id: str, given: ChangedAccount) -> Response:
    """Change role, password, or whether an account may sign in; its sessions end, the audit chain says why."""
    party_id = None if given.role is None else signing_in.party_of(workspace, given.role, given.party)
    account = workspace.accounts.change(
        account_id,
        actor=caller.account.id,
        why=given.why,
        at=now(),
        role=given.role,
        party_id=party_id,
        password_hash=None if given.password is None else signing_in.password_hash(given.password),
        disabled=given.disabled,
    )
    return JSONResponse(from_account(account))


# ── tokens ───────────────────────────────────────────────────────────────────


async def _in_person(request: Request) -> Caller:
    """Give who is signed in with a password: a token that leaked must not make others."""
    caller = await signed_in(request)
    if "authorization" in request.headers:
        raise HttpProblem(403, "in_person", "tokens are made and revoked by whoever is signed in with a password")
    return caller


InPerson = Annotated[Caller, Depends(_in_person)]


@router.get("/tokens", response_model=Tokens)
def list_tokens(caller: InPerson, workspace: Opened) -> Response:
    """List one's own tokens that stand."""
    return JSONResponse({"items": [_from_token(token) for token in workspace.accounts.tokens(caller.account.id)]})


@router.post("/tokens", status_code=201, response_model=MadeToken)
def add_token(caller: InPerson, workspace: Opened, given: NewToken) -> Response:
    """Make a token; its text is told this once, and kept nowhere."""
    beyond = sorted(set(given.scopes) - caller.scopes)
    if beyond:
        raise HttpProblem(400, "scope", f"{', '.join(beyond)}: not yours to give; you have {', '.join(caller.scopes)}")
    token, text = signing_in.make_token(workspace, caller.account, given.name, given.scopes, at=now(), days=given.days)
    return JSONResponse(_from_token(token) | {"token": text}, 201)


@router.delete("/tokens/{token_id}", status_code=204, response_class=Response)
def revoke_token(caller: InPerson, workspace: Opened, token_id: str) -> Response:
    """Revoke one of one's own tokens."""
    workspace.accounts.revoke_token(token_id, account_id=caller.account.id, at=now())
    return Response(status_code=204)


def _from_token(token: AccessToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
    }
