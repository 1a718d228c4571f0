"""Accounts, sessions and tokens; the same on SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import AccessToken, AccountRole, UserAccount
from linernotes.store.accounts import Accounts
from linernotes.store.claims import Claims

AT = datetime(2026, 11, 22, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
ADMIN = UserAccount("acc_admin", "admin", AccountRole.ADMIN, None, AT)
ADA = UserAccount("acc_ada", "ada", AccountRole.RIGHTS_HOLDER, "pty_ada", AT)


@pytest.fixture
def accounts(place: Path | str, fill_with_three: Callable[[Path | str], None]) -> Iterator[Accounts]:
    fill_with_three(place)
    opened = Accounts(place, writable=True)
    for account in (ADMIN, ADA):
        opened.add(account, f"hash of {account.name}", actor="tests", why="for the tests")
    yield opened
    opened.close()


def test_an_account_is_made_changed_and_told_in_the_chain(accounts: Accounts, place: Path | str) -> None:
    assert accounts.all() == [ADA, ADMIN]
    assert accounts.credentials("ada") == (ADA, "hash of ada")
    assert accounts.credentials("nobody") is None
    with pytest.raises(ConflictError, match="here already"):
        accounts.add(ADA, "x", actor="tests", why="again")
    stranger = UserAccount("acc_x", "x", AccountRole.RIGHTS_HOLDER, "pty_nobody", AT)
    with pytest.raises(NotFoundError, match="pty_nobody"):
        accounts.add(stranger, "x", actor="tests", why="nobody")
    changed = accounts.change("acc_ada", actor="acc_admin", why="she left", at=LATER, role=AccountRole.UPLOADER)
    assert (changed.role, changed.party_id) == (AccountRole.UPLOADER, None)
    told = [(row.kind, row.actor, row.why) for row in accounts.trail(after=0, limit=99)]
    assert told == [
        ("account", "tests", "for the tests"),
        ("account", "tests", "for the tests"),
        ("account-change", "acc_admin", "she left"),
    ]
    assert accounts.trail(after=2, limit=1)[0].sequence == 3
    claims = Claims(place, writable=False)
    assert claims.verify()[2] == []
    claims.close()


def test_an_admin_is_left_and_nothing_is_changed_otherwise(accounts: Accounts) -> None:
    for change in ({"disabled": True}, {"role": AccountRole.AUDITOR}):
        with pytest.raises(ConflictError, match="admin"):
            accounts.change("acc_admin", actor="x", why="x", at=AT, **change)
    assert accounts.get("acc_admin") == ADMIN
    with pytest.raises(NotFoundError):
        accounts.change("acc_nobody", actor="x", why="x", at=AT, disabled=True)


def test_a_session_ends_in_time_by_another_and_with_its_account(accounts: Accounts) -> None:
    accounts.open_session("first", "acc_ada", at=AT, until=LATER, replacing=None)
    assert accounts.in_session("first", at=AT) == ADA
    assert accounts.in_session("first", at=LATER) is None
    accounts.open_session("second", "acc_ada", at=AT, until=LATER, replacing="first")
    assert accounts.in_session("first", at=AT) is None
    accounts.close_session("second")
    assert accounts.in_session("second", at=AT) is None
    accounts.open_session("third", "acc_ada", at=AT, until=LATER, replacing=None)
    accounts.change("acc_ada", actor="acc_admin", why="forgotten", at=AT, password_hash="another")
    assert accounts.in_session("third", at=AT) is None
    assert accounts.credentials("ada") == (ADA, "another")


def test_a_token_stands_until_it_is_over_revoked_or_its_account_disabled(accounts: Accounts) -> None:
    token = AccessToken("t1", "acc_ada", "nightly", ("claims:read",), AT, expires_at=LATER)
    accounts.add_token(token, "hash")
    assert accounts.by_token("t1", at=AT) == (ADA, token, "hash")
    assert accounts.tokens("acc_ada") == [token]
    assert accounts.by_token("t1", at=LATER) is None
    with pytest.raises(NotFoundError):
        accounts.revoke_token("t1", account_id="acc_admin", at=AT)  # only one's own
    accounts.change("acc_ada", actor="acc_admin", why="x", at=AT, disabled=True)
    assert accounts.by_token("t1", at=AT) is None
    accounts.change("acc_ada", actor="acc_admin", why="x", at=AT, disabled=False)
    accounts.revoke_token("t1", account_id="acc_ada", at=AT)
    assert accounts.by_token("t1", at=AT) is None
    assert accounts.tokens("acc_ada") == []
