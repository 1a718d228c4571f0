"""*Accounts*: who signs in, made and shut out by admins."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from linernotes.api.callers import now
from linernotes.journeys import signing_in
from linernotes.model import AccountRole
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import one_of, reason
from linernotes.web.views.accounts import ROLES, seats

__all__ = ["add_account", "disable", "enable", "router", "show_accounts"]

router = pages("/accounts")

Reads = Annotated[Visit, Depends(Visits("accounts:read"))]
Writes = Annotated[Visit, Depends(Visits("accounts:write"))]


@router.get("/accounts")
def show_accounts(visitor: Reads) -> Response:
    """Show all accounts."""
    accounts = visitor.workspace.accounts.all()
    names = visitor.workspace.claims.names({account.party_id for account in accounts if account.party_id})
    roles = [(role.value, says) for role, says in ROLES.items()]
    return visitor.page("accounts.html", title="Accounts", accounts=seats(accounts, names), roles=roles)


@router.post("/accounts")
def add_account(visitor: Writes, form: Posted) -> Response:
    """Make an account."""
    signing_in.new_account(
        *(visitor.workspace, form.get("name", ""), form.get("password", "")),
        role=one_of(AccountRole, form.get("role", ""), "a role"),
        party=form.get("party") or None,
        actor=visitor.caller.account.id,
        why=reason(form.get("why", "")),
        at=now(),
    )
    return away("/accounts", done="account")


@router.post("/accounts/{account_id}/disable")
def disable(visitor: Writes, account_id: str, form: Posted) -> Response:
    """Shut an account out; its sessions end."""
    return _stand(visitor, account_id, form.get("why", ""), disabled=True)


@router.post("/accounts/{account_id}/enable")
def enable(visitor: Writes, account_id: str, form: Posted) -> Response:
    """Let an account in again."""
    return _stand(visitor, account_id, form.get("why", ""), disabled=False)


def _stand(visitor: Visit, account_id: str, why: str, *, disabled: bool) -> Response:
    actor = visitor.caller.account.id
    visitor.workspace.accounts.change(account_id, actor=actor, why=reason(why), at=now(), disabled=disabled)
    return away("/accounts", done="account-change")
