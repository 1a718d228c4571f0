"""Who is told of events by webhook."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from linernotes.errors import NotFoundError
from linernotes.model import Subscription
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.platforms import instant
from linernotes.store.serving_tables import accounts, subscriptions

__all__ = ["Subscriptions"]


class Subscriptions:
    """Subscriptions in one database."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the subscriptions in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def add(self, subscription: Subscription) -> None:
        """Enter a subscription."""
        row = {name: getattr(subscription, name) for name in ("id", "account_id", "url", "private_allowed")}
        row |= {"events": " ".join(subscription.events), "created_at": instant(subscription.created_at)}
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(insert(subscriptions).values(row))

    def of(self, account_id: str) -> list[Subscription]:
        """Return what an account subscribed to and has not ended."""
        query = select(subscriptions).where(
            subscriptions.c.account_id == account_id, subscriptions.c.ended_at.is_(None)
        )
        with explained(self._place), reading(self._engine) as connection:
            return [_subscription(row) for row in connection.execute(query.order_by(subscriptions.c.created_at))]

    def get(self, subscription_id: str) -> Subscription:
        """Return a subscription that stands; NotFoundError if there is none."""
        query = select(subscriptions).where(subscriptions.c.id == subscription_id, subscriptions.c.ended_at.is_(None))
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(f"no webhook {subscription_id!r}")
        return _subscription(row)

    def end(self, subscription_id: str, *, account_id: str, at: datetime) -> None:
        """End a subscription of an account; NotFoundError if it has no such one."""
        mine = (subscriptions.c.id == subscription_id) & (subscriptions.c.account_id == account_id)
        standing = mine & subscriptions.c.ended_at.is_(None)
        with explained(self._place), writing(self._engine) as connection:
            if not connection.execute(update(subscriptions).where(standing).values(ended_at=instant(at))).rowcount:
                raise NotFoundError(f"no webhook {subscription_id!r}")

    def concerned(
        self, event: str, *, account_ids: Sequence[str] = (), party_ids: Sequence[str] = ()
    ) -> list[Subscription]:
        """Return who is to be told of an event: these accounts, and those that act for these parties."""
        whose = accounts.c.id.in_(list(account_ids)) | accounts.c.party_id.in_(list(party_ids))
        query = (
            select(subscriptions)
            .join(accounts, accounts.c.id == subscriptions.c.account_id)
            .where(whose, accounts.c.disabled_at.is_(None), subscriptions.c.ended_at.is_(None))
        )
        with explained(self._place), reading(self._engine) as connection:
            found = [_subscription(row) for row in connection.execute(query)]
        return [subscription for subscription in found if event in subscription.events]


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        *(row.id, row.account_id, row.url, tuple(row.events.split())),
        created_at=datetime.fromisoformat(row.created_at),
        private_allowed=row.private_allowed,
    )
