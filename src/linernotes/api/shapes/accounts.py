"""Accounts, sessions and tokens."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from linernotes.api.shapes.common import In, Out
from linernotes.model import AccountRole

__all__ = [
    "AccountOut",
    "Accounts",
    "ChangedAccount",
    "Credentials",
    "MadeToken",
    "NewAccount",
    "NewToken",
    "SessionOut",
    "TokenOut",
    "Tokens",
]


class Credentials(In):
    """Name and password of an account."""

    name: Annotated[str, Field(max_length=200, examples=["admin"])]
    password: Annotated[str, Field(max_length=1024, examples=["correct horse battery staple"])]


class AccountOut(Out):
    """Somebody who can sign in."""

    id: Annotated[str, Field(examples=["acc_0123456789abcdef"])]
    name: Annotated[str, Field(examples=["Ada"])]
    role: AccountRole
    party_id: str | None
    created_at: datetime
    disabled: bool


class Accounts(Out):
    """All accounts."""

    items: list[AccountOut]


class SessionOut(Out):
    """Who is signed in; ``csrf_token`` goes into the header ``X-CSRF-Token`` of what changes something."""

    account: AccountOut
    scopes: list[str]
    csrf_token: str | None


class NewAccount(In):
    """An account to be made; ``party`` (id or whole name) goes with the role ``rights_holder`` alone."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Ada"])]
    password: Annotated[str, Field(max_length=1024, examples=["correct horse battery staple"])]
    role: AccountRole
    party: Annotated[str | None, Field(max_length=200, examples=["Ada"])] = None
    why: Annotated[str, Field(max_length=2000, examples=["she joined"])] = ""


class ChangedAccount(In):
    """What is to be changed of an account; its sessions end."""

    role: AccountRole | None = None
    party: Annotated[str | None, Field(max_length=200)] = None
    password: Annotated[str | None, Field(max_length=1024)] = None
    disabled: bool | None = None
    why: Annotated[str, Field(min_length=1, max_length=2000, examples=["she forgot it"])]


class NewToken(In):
    """A token to be made; ``days``: how long it stands, null: until it is revoked."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["nightly uploads"])]
    scopes: Annotated[list[str], Field(min_length=1, max_length=50, examples=[["traces:read", "traces:write"]])]
    days: Annotated[int | None, Field(ge=1, le=3650)] = 90


class TokenOut(Out):
    """A token, without what opens the door."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None


class MadeToken(TokenOut):
    """A token that was just made: ``token`` goes after ``Authorization: Bearer``, and is told this once."""

    token: str


class Tokens(Out):
    """One's own tokens."""

    items: list[TokenOut]
