"""The accounts in a list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from linernotes.model import AccountRole, UserAccount

__all__ = ["ROLES", "Seat", "seats"]

ROLES: Mapping[AccountRole, str] = {
    AccountRole.RIGHTS_HOLDER: "rights holder",
    AccountRole.UPLOADER: "uploader",
    AccountRole.AUDITOR: "auditor",
    AccountRole.ADMIN: "admin",
}
"""Each role in words."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An account as the list shows it."""

    id: str
    name: str
    role: str
    party: str
    since: str
    is_disabled: bool


def seats(accounts: Iterable[UserAccount], names: Mapping[str, str]) -> list[Seat]:
    """Say who signs in, and for whom; ``names`` are of parties, by id."""
    return [
        Seat(
            *(account.id, account.name, ROLES[account.role], names.get(account.party_id or "", "")),
            since=f"{account.created_at:%Y-%m-%d}",
            is_disabled=account.disabled_at is not None,
        )
        for account in accounts
    ]
