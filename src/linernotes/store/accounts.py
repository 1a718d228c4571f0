"""Who signs in: accounts, their sessions and tokens. What an admin does to them stands in the chain.

Conventions
-----------
Passwords come in as argon2 hashes, sessions and tokens as the SHA-256 of a secret: nothing here opens a door.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, insert, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import AccessToken, AccountRole, UserAccount
from linernotes.store import chain
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.platforms import instant
from linernotes.store.schema import parties
from linernotes.store.serving_tables import accounts, sessions, tokens

__all__ = ["Accounts"]

# Every request asks one of these. To put a statement together takes longer than to run it: these are, once.
_STANDS = accounts.c.disabled_at.is_(None)
_IN_SESSION = (
    select(accounts)
    .join(sessions, sessions.c.account_id == accounts.c.id)
    .where(sessions.c.id == bindparam("session"), sessions.c.expires_at > bindparam("at"), _STANDS)
)
_BY_TOKEN = (
    select(tokens, *(column.label(f"of_{column.name}") for column in accounts.c))
    .join(accounts, accounts.c.id == tokens.c.account_id)
    .where(tokens.c.id == bindparam("token"), tokens.c.revoked_at.is_(None), _STANDS)
)


class Accounts:
    """Accounts in one database, beside the catalogue."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the accounts in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ── accounts ─────────────────────────────────────────────────────────────

    def add(self, account: UserAccount, password_hash: str, *, actor: str, why: str) -> None:
        """Enter an account.

        Raises ConflictError if the name is taken; NotFoundError if its party is not in the catalogue.
        """
        with explained(self._place), writing(self._engine) as connection:
            if connection.execute(select(accounts.c.id).where(accounts.c.name == account.name)).first():
                raise ConflictError(f"an account {account.name!r} is here already", code="name_taken")
            _require_party(connection, account.party_id)
            row = {name: getattr(account, name) for name in ("id", "name", "party_id")}
            row |= {"role": account.role.value, "created_at": instant(account.created_at)}
            connection.execute(insert(accounts).values(row | {"password_hash": password_hash}))
            told = {"name": account.name, "role": account.role.value, "party_id": account.party_id}
            chain.append(connection, "account", account.id, told, actor=actor, why=why, at=account.created_at)

    def change(
        self,
        account_id: str,
        *,
        actor: str,
        why: str,
        at: datetime,
        role: AccountRole | None = None,
        party_id: str | None = None,
        password_hash: str | None = None,
        disabled: bool | None = None,
    ) -> UserAccount:
        """Change what is given of an account and end its sessions; a role goes with its party.

        Raises
        ------
        NotFoundError if there is no such account or party; ConflictError if no admin would be left
        """
        with explained(self._place), writing(self._engine) as connection:
            values: dict[str, Any] = {}
            if role is not None:
                _require_party(connection, party_id)
                values |= {"role": role.value, "party_id": party_id}
            if password_hash is not None:
                values["password_hash"] = password_hash
            if disabled is not None:
                values["disabled_at"] = instant(at) if disabled else None
            if values:
                connection.execute(update(accounts).where(accounts.c.id == account_id).values(values))
                connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
                told = values | ({"password_hash": "changed"} if password_hash else {})
                chain.append(connection, "account-change", account_id, told, actor=actor, why=why, at=at)
            row = connection.execute(select(accounts).where(accounts.c.id == account_id)).first()
            if row is None:
                raise NotFoundError(f"no account {account_id!r}")
            admins = accounts.c.role == AccountRole.ADMIN.value, accounts.c.disabled_at.is_(None)
            if not connection.scalar(select(func.count()).select_from(accounts).where(*admins)):
                raise ConflictError("an admin must be left: make another one first", code="last_admin")
        return _account(row)

    def all(self) -> list[UserAccount]:
        """Return every account by name."""
        with explained(self._place), reading(self._engine) as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def get(self, account_id: str) -> UserAccount:
        """Return an account; NotFoundError if there is none of this id."""
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.id == account_id)).first()
        if row is None:
            raise NotFoundError(f"no account {account_id!r}")
        return _account(row)

    def credentials(self, name: str) -> tuple[UserAccount, str] | None:
        """Return the account of this name and the hash of its password; None where there is none."""
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
        return None if row is None else (_account(row), row.password_hash)

    # ── sessions ─────────────────────────────────────────────────────────────

    def open_session(
        self, session_hash: str, account_id: str, *, at: datetime, until: datetime, replacing: str | None
    ) -> None:
        """Begin a session, end the one it replaces, and forget those that are over."""
        over = (sessions.c.expires_at <= instant(at)) | (sessions.c.id == (replacing or ""))
        row = {"id": session_hash, "account_id": account_id, "created_at": instant(at), "expires_at": instant(until)}
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(delete(sessions).where(over))
            connection.execute(insert(sessions).values(row))

    def in_session(self, session_hash: str, *, at: datetime) -> UserAccount | None:
        """Return who is in a session; None where it is over, or its account is disabled."""
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(_IN_SESSION, {"session": session_hash, "at": instant(at)}).first()
        return None if row is None else _account(row)

    def close_session(self, session_hash: str) -> None:
        """End a session."""
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.id == session_hash))

    # ── tokens ───────────────────────────────────────────────────────────────

    def add_token(self, token: AccessToken, secret_hash: str) -> None:
        """Enter a token."""
        row = {"id": token.id, "account_id": token.account_id, "name": token.name, "scopes": " ".join(token.scopes)}
        dates = {"created_at": instant(token.created_at), "expires_at": token.expires_at and instant(token.expires_at)}
        told = {"token": token.id, "name": token.name, "scopes": list(token.scopes)}
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(insert(tokens).values(row | dates | {"secret_hash": secret_hash}))
            chain.append(
                *(connection, "token", token.account_id, told),
                actor=token.account_id,
                why="a token was made",
                at=token.created_at,
            )

    def tokens(self, account_id: str) -> list[AccessToken]:
        """Return an account's tokens that stand, the newest last."""
        query = select(tokens).where(tokens.c.account_id == account_id, tokens.c.revoked_at.is_(None))
        with explained(self._place), reading(self._engine) as connection:
            return [_token(row) for row in connection.execute(query.order_by(tokens.c.created_at, tokens.c.id))]

    def by_token(self, token_id: str, *, at: datetime) -> tuple[UserAccount, AccessToken, str] | None:
        """Return whose a token is, the token, and the hash of its secret; None where it does not stand."""
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(_BY_TOKEN, {"token": token_id}).first()
        if row is None or (row.expires_at is not None and row.expires_at <= instant(at)):
            return None
        role, created_at = AccountRole(row.of_role), datetime.fromisoformat(row.of_created_at)
        account = UserAccount(row.of_id, row.of_name, role, row.of_party_id, created_at)
        return account, _token(row), row.secret_hash

    def revoke_token(self, token_id: str, *, account_id: str, at: datetime) -> None:
        """End one of an account's tokens; NotFoundError if it has no such token."""
        mine = (tokens.c.id == token_id) & (tokens.c.account_id == account_id) & tokens.c.revoked_at.is_(None)
        with explained(self._place), writing(self._engine) as connection:
            if not connection.execute(update(tokens).where(mine).values(revoked_at=instant(at))).rowcount:
                raise NotFoundError(f"no token {token_id!r}")
            told = {"token": token_id}
            chain.append(connection, "token-end", account_id, told, actor=account_id, why="a token was revoked", at=at)

    # ── the chain ────────────────────────────────────────────────────────────

    def note(self, kind: str, subject_id: str, told: dict[str, Any], *, actor: str, why: str, at: datetime) -> None:
        """Put into the chain what an admin did, where doing it leaves no row of its own there."""
        with explained(self._place), writing(self._engine) as connection:
            chain.append(connection, kind, subject_id, told, actor=actor, why=why, at=at)

    def trail(self, *, after: int, limit: int) -> Sequence[chain.ChainRow]:
        """Return rows of the chain from the one after ``after`` on."""
        with explained(self._place), reading(self._engine) as connection:
            return chain.page(connection, after=after, limit=limit)


def _require_party(connection: Connection, party_id: str | None) -> None:
    if party_id is not None and not connection.execute(select(parties.c.id).where(parties.c.id == party_id)).first():
        raise NotFoundError(f"no party {party_id!r}: a rights holder acts for one of the catalogue")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _account(row: Row[Any]) -> UserAccount:
    role, created_at = AccountRole(row.role), datetime.fromisoformat(row.created_at)
    return UserAccount(row.id, row.name, role, row.party_id, created_at, _moment(row.disabled_at))


def _token(row: Row[Any]) -> AccessToken:
    created_at = datetime.fromisoformat(row.created_at)
    scopes = tuple(row.scopes.split())
    return AccessToken(
        *(row.id, row.account_id, row.name, scopes, created_at),
        expires_at=_moment(row.expires_at),
        revoked_at=_moment(row.revoked_at),
    )
