"""Sign in: accounts with their passwords, sessions of browsers, tokens of programs.

A password is kept as an argon2 hash, a session or token as the SHA-256 of a random secret. Whether a name is known
cannot be told from how long a refusal takes.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import argon2

from linernotes.errors import ParameterError
from linernotes.model import AccessToken, AccountRole, UserAccount
from linernotes.workspace import Workspace

__all__ = [
    "first_admin",
    "in_session",
    "make_token",
    "new_account",
    "party_of",
    "password_hash",
    "sign_in",
    "sign_out",
    "with_token",
]

_HASHER = argon2.PasswordHasher()  # RFC 9106, the setting for less memory: 64 MiB, three passes
_NOBODY = _HASHER.hash(secrets.token_hex())
_HASHING = threading.BoundedSemaphore(2)  # 64 MiB each: a flood of sign-ins waits instead of filling the memory
_PASSWORD_CHARACTERS = range(12, 1025)
_NAME_CHARACTERS_MAX = 100
_TOKEN = "lnt"  # noqa: S105  (what every token begins with, so that scanners of leaked secrets can be taught it)


def password_hash(password: str) -> str:
    """Return the hash that is kept of a password; ParameterError if it is shorter than 12 characters, or absurd."""
    if len(password) not in _PASSWORD_CHARACTERS:
        message = f"a password of {len(password)} characters: give 12 or more"
        raise ParameterError(message, code="password_length")
    with _HASHING:
        return _HASHER.hash(password)


def new_account(
    workspace: Workspace,
    name: str,
    password: str,
    *,
    role: AccountRole,
    actor: str,
    why: str,
    at: datetime,
    party: str | None = None,
) -> UserAccount:
    """Make an account; ``party``, an id or a whole name, is whom a rights holder acts for.

    Raises
    ------
    ParameterError if name, password, or role and party do not go; ConflictError if the name is taken
    NotFoundError if nobody in the catalogue is called ``party``
    """
    name = " ".join(name.split())
    if not name or len(name) > _NAME_CHARACTERS_MAX or not name.isprintable():
        raise ParameterError(f"{name[:40]!r}: give a name of 1 to {_NAME_CHARACTERS_MAX} printable characters")
    party_id = party_of(workspace, role, party)
    account = UserAccount(f"acc_{secrets.token_hex(8)}", name, role, party_id, at)
    workspace.accounts.add(account, password_hash(password), actor=actor, why=why)
    return account


def party_of(workspace: Workspace, role: AccountRole, party: str | None) -> str | None:
    """Return the id of the party that an account of this role acts for; ParameterError where the two do not go."""
    if (role is AccountRole.RIGHTS_HOLDER) != (party is not None):
        raise ParameterError("a rights holder acts for a party, and nobody else does: give both or neither")
    return None if party is None else workspace.claims.party(party)


def first_admin(workspace: Workspace, *, at: datetime) -> tuple[str, str] | None:
    """Make the first account, an admin with a random password; return both. None where there is an account."""
    if workspace.accounts.all():
        return None
    name, password = "admin", secrets.token_urlsafe(18)
    new_account(workspace, name, password, role=AccountRole.ADMIN, actor="linernotes", why="the first start", at=at)
    return name, password


def sign_in(
    workspace: Workspace, name: str, password: str, *, at: datetime, until: datetime, replacing: str | None = None
) -> tuple[UserAccount, str] | None:
    """Begin a session, in place of the one whose secret is ``replacing``; return whose, and its new secret.

    None if the name or the password is wrong, which takes as long either way.
    """
    found = workspace.accounts.credentials(name)
    fits = _fits(found[1] if found is not None else _NOBODY, password)
    if found is None or not fits or found[0].disabled_at is not None:
        return None
    secret = secrets.token_urlsafe(32)
    before = None if replacing is None else _digest(replacing)
    workspace.accounts.open_session(_digest(secret), found[0].id, at=at, until=until, replacing=before)
    return found[0], secret


def in_session(workspace: Workspace, secret: str, *, at: datetime) -> UserAccount | None:
    """Return who is in the session with this secret; None where it is over."""
    return workspace.accounts.in_session(_digest(secret), at=at)


def sign_out(workspace: Workspace, secret: str) -> None:
    """End the session with this secret."""
    workspace.accounts.close_session(_digest(secret))


def make_token(
    workspace: Workspace, account: UserAccount, name: str, scopes: Sequence[str], *, at: datetime, days: int | None
) -> tuple[AccessToken, str]:
    """Make a token; return it and the text that a program signs in with, which is kept nowhere."""
    secret = secrets.token_urlsafe(32)
    until = None if days is None else at + timedelta(days=days)
    token = AccessToken(secrets.token_hex(6), account.id, name, tuple(sorted(set(scopes))), at, expires_at=until)
    workspace.accounts.add_token(token, _digest(secret))
    return token, f"{_TOKEN}_{token.id}_{secret}"


def with_token(workspace: Workspace, text: str, *, at: datetime) -> tuple[UserAccount, AccessToken] | None:
    """Return whose token this is, and the token; None where it is none that stands."""
    kind, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    found = workspace.accounts.by_token(token_id, at=at) if kind == _TOKEN else None
    if found is None or not hmac.compare_digest(found[2], _digest(secret)):
        return None
    return found[0], found[1]


def _fits(known: str, password: str) -> bool:
    with _HASHING:
        try:
            return _HASHER.verify(known, password[: _PASSWORD_CHARACTERS.stop])
        except argon2.exceptions.VerifyMismatchError:
            return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
