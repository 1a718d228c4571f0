"""Notices as they were issued, their steps, and what has yet to reach a platform.

A notice, its step in the chain and its delivery are entered in one transaction: a crash leaves all of it or nothing.
What is delivered carries the delivery's id as idempotency key, the same in every attempt, so that a platform which gets
it twice can tell.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from linernotes.errors import ConflictError, InvariantError, NotFoundError
from linernotes.model import Problem
from linernotes.store import chain
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.notice_tables import deliveries, locations, notice_claims, notices
from linernotes.store.platforms import instant
from linernotes.store.schema import claims
from linernotes.store.serving_tables import jobs

__all__ = ["Delivery", "NewNotice", "Notices", "StoredNotice"]

_STANDING = ("confirmed", "upheld")
_OVER = ("withdrawn", "restored", "refused")
_GONE = "removed"
_BACK = "restored"
_WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """What is entered when a notice is issued; ``body`` is what its webhook posts, None where there is no webhook."""

    id: str
    regime: str
    platform_id: str
    upload_sha256: str
    claim_ids: Sequence[str]
    content: str
    body: str | None


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice and where it stands; the dates are those of a counter-notice's clock and of the time for complaints."""

    id: str
    regime: str
    platform_id: str
    upload_sha256: str
    state: str
    content: str
    issued_at: str
    countered_on: date | None
    restore_from: date | None
    restore_by: date | None
    complaint_until: date | None
    claim_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that must reach a platform; ``kind`` is ``notice`` or ``withdrawal``."""

    id: str
    notice_id: str
    kind: str
    body: str
    state: str
    attempts: int
    next_at: str
    leased_until: str | None
    last_answer: str | None
    delivered_at: str | None


class Notices:
    """The notices of one database."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the notices in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ── in ───────────────────────────────────────────────────────────────────

    def issue(self, new: Sequence[NewNotice], *, actor: str, why: str, at: datetime) -> list[str]:
        """Enter notices with what must be delivered, all or none; return the ids of those that were not here yet.

        Raises ConflictError if a claim is no longer confirmed or upheld.
        """
        with explained(self._place), writing(self._engine) as connection:
            entered = [notice for notice in new if not _is_here(connection, notice.id)]
            for notice in entered:
                _require_standing(connection, notice.claim_ids)
                connection.execute(
                    insert(notices).values(
                        id=notice.id,
                        regime=notice.regime,
                        platform_id=notice.platform_id,
                        upload_sha256=notice.upload_sha256,
                        state="issued",
                        content=notice.content,
                        issued_at=instant(at),
                    )
                )
                linked = [{"notice_id": notice.id, "claim_id": claim_id} for claim_id in notice.claim_ids]
                connection.execute(insert(notice_claims), linked)
                payload = {
                    "platform": notice.platform_id,
                    "upload": notice.upload_sha256,
                    "claims": list(notice.claim_ids),
                    "regime": notice.regime,
                    "content_sha256": _sha256(notice.content),
                }
                chain.append(connection, "notice.issued", notice.id, payload, actor=actor, why=why, at=at)
                if notice.body is not None:
                    _enter_delivery(connection, notice.id, "notice", notice.body, at)
        return [notice.id for notice in entered]

    def step(
        self,
        notice_id: str,
        *,
        before: str,
        after: str,
        payload: Mapping[str, Any],
        actor: str,
        why: str,
        at: datetime,
        dates: Mapping[str, date] | None = None,
        urls: Sequence[str] = (),
        body: str | None = None,
    ) -> None:
        """Move a notice from one state to the next; ``body``: what its platform is told of a withdrawal.

        ``urls``: the addresses that a removal takes the upload from, or a restoration puts it back to.

        Raises ConflictError if it no longer is where the caller saw it.
        """
        with explained(self._place), writing(self._engine) as connection:
            _move(connection, notice_id, before, {"state": after, **(dates or {})})
            chain.append(connection, f"notice.{after}", notice_id, payload, actor=actor, why=why, at=at)
            if after in (_GONE, _BACK):
                _mark_locations(connection, notice_id, urls, gone_at=instant(at) if after == _GONE else None)
            if after == _WITHDRAWN and _take_back(connection, notice_id) and body is not None:
                _enter_delivery(connection, notice_id, "withdrawal", body, at)

    # ── out ──────────────────────────────────────────────────────────────────

    def get(self, notice_id: str) -> StoredNotice:
        """Return a notice; NotFoundError if there is none, InvariantError if its content is not what was issued."""
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(select(notices).where(notices.c.id == notice_id)).mappings().first()
            if row is None:
                raise NotFoundError(f"no notice {notice_id!r}: linernotes claims notices lists them")
            issued = next(chain.rows(connection, kind="notice.issued", subject_id=notice_id), None)
            if issued is None or issued.content["content_sha256"] != _sha256(row["content"]):
                raise InvariantError(f"notice {notice_id}: its content is not what the chain says was issued")
            return _stored(connection, row)

    def all(
        self, *, claim_id: str | None = None, upload_sha256: str | None = None, state: str | None = None
    ) -> list[StoredNotice]:
        """Return notices, oldest first: all, or those about a claim or an upload, or in a state."""
        query = select(notices).order_by(notices.c.issued_at, notices.c.id)
        if state is not None:
            query = query.where(notices.c.state == state)
        if claim_id is not None:
            query = query.join(notice_claims).where(notice_claims.c.claim_id == claim_id)
        if upload_sha256 is not None:
            query = query.where(notices.c.upload_sha256 == upload_sha256)
        with explained(self._place), reading(self._engine) as connection:
            return [_stored(connection, row) for row in connection.execute(query).mappings().all()]

    def page(
        self,
        *,
        limit: int,
        after: str = "",
        party_id: str | None = None,
        uploader_id: str | None = None,
        claim_ids: Collection[str] | None = None,
        states: Collection[str] = (),
    ) -> list[StoredNotice]:
        """Return notices, oldest first: those whose claims are all of a party, or those about an account's uploads.

        Those of both where both are given, all where neither is; of them those about any of ``claim_ids``, those in
        one of ``states``, those that follow the notice ``after``.
        """
        asked = {
            "after": after or None,
            "party_id": party_id,
            "uploader_id": uploader_id,
            "claim_ids": claim_ids if claim_ids is None else list(claim_ids),
            "states": list(states) or None,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        query = _page(frozenset(given))
        with explained(self._place), reading(self._engine) as connection:
            found = connection.execute(query, given | {"limit": limit}).mappings().all()
            return [_stored(connection, row) for row in found]

    def count_over(self, platform_id: str, upload_sha256: str, regime: str) -> int:
        """Count the notices to a platform about an upload that are over: withdrawn, refused, restored."""
        query = select(func.count()).where(
            notices.c.platform_id == platform_id,
            notices.c.upload_sha256 == upload_sha256,
            notices.c.regime == regime,
            notices.c.state.in_(_OVER),
        )
        with explained(self._place), reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def history(self, notice_id: str) -> list[chain.ChainRow]:
        """Return the steps of a notice, oldest first."""
        with explained(self._place), reading(self._engine) as connection:
            return list(chain.rows(connection, subject_id=notice_id))

    def verify(self) -> list[Problem]:
        """Compare every notice with the chain: content with the digest that was issued, state with the steps."""
        problems = []
        with explained(self._place), reading(self._engine) as connection:
            for row in connection.execute(select(notices).order_by(notices.c.id)):
                state, digest = "", ""
                for step in chain.rows(connection, subject_id=row.id):
                    digest = step.content.get("content_sha256", digest)
                    state = _after(state, step)
                if (state, digest) != (row.state, _sha256(row.content)):
                    where = f"notice {row.id}"
                    problems.append(Problem("notice_changed", f"{where}: it is not what the chain says of it", where))
        return problems

    # ── on the way ───────────────────────────────────────────────────────────

    def deliveries(self, *, notice_id: str | None = None, pending: bool = False) -> list[Delivery]:
        """Return deliveries in the order they are due: all, those of a notice, or those still to be made."""
        query = select(deliveries).order_by(deliveries.c.next_at, deliveries.c.id)
        if notice_id is not None:
            query = query.where(deliveries.c.notice_id == notice_id)
        if pending:
            query = query.where(deliveries.c.state == "pending")
        with explained(self._place), reading(self._engine) as connection:
            return [Delivery(**row) for row in connection.execute(query).mappings().all()]

    def lease(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        """Take a delivery for one attempt, counting it; None if it is done, not due, or another process has it."""
        free = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= instant(now))
        wanted = (deliveries.c.id == delivery_id) & (deliveries.c.state == "pending") & free
        with explained(self._place), writing(self._engine) as connection:
            taken = connection.execute(
                update(deliveries)
                .where(wanted & (deliveries.c.next_at <= instant(now)))
                .values(leased_until=instant(until), attempts=deliveries.c.attempts + 1)
            )
            if not taken.rowcount:
                return None
            row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().one()
            return Delivery(**row)

    def delivered(self, delivery: Delivery, *, answer: str, at: datetime) -> None:
        """Note that a platform has it; twice is once."""
        with explained(self._place), writing(self._engine) as connection:
            done = connection.execute(
                update(deliveries)
                .where((deliveries.c.id == delivery.id) & (deliveries.c.state == "pending"))
                .values(state="delivered", last_answer=answer, delivered_at=instant(at), leased_until=None)
            )
            if not done.rowcount:
                return
            payload = {"delivery": delivery.id, "kind": delivery.kind, "attempts": delivery.attempts}
            subject = delivery.notice_id
            chain.append(connection, "notice.delivered", subject, payload, actor="linernotes", why=answer, at=at)
            if delivery.kind == "notice":
                issued = (notices.c.id == delivery.notice_id) & (notices.c.state == "issued")
                connection.execute(update(notices).where(issued).values(state="sent"))

    def postponed(self, delivery: Delivery, *, answer: str, next_at: datetime | None) -> None:
        """Note a failed attempt; the next one is at ``next_at``, None: it has failed for good."""
        values: dict[str, Any] = {"last_answer": answer, "leased_until": None}
        values |= {"state": "failed"} if next_at is None else {"next_at": instant(next_at)}
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(
                update(deliveries)
                .where((deliveries.c.id == delivery.id) & (deliveries.c.state == "pending"))
                .values(values)
            )

    def revive(self, *, at: datetime) -> int:
        """Make every delivery that failed for good due again; return how many."""
        with explained(self._place), writing(self._engine) as connection:
            return connection.execute(
                update(deliveries)
                .where(deliveries.c.state == "failed")
                .values(state="pending", attempts=0, next_at=instant(at))
            ).rowcount


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _after(state: str, step: chain.ChainRow) -> str:
    """Return the state a step of the chain takes a notice to."""
    what = step.kind.removeprefix("notice.")
    if what != "delivered":
        return what
    return "sent" if state == "issued" and step.content["kind"] == "notice" else state


def _is_here(connection: Connection, notice_id: str) -> bool:
    return connection.execute(select(notices.c.id).where(notices.c.id == notice_id)).first() is not None


def _require_standing(connection: Connection, claim_ids: Sequence[str]) -> None:
    """Refuse where a claim was disputed or given up since the caller read it."""
    rows = connection.execute(select(claims.c.id, claims.c.state).where(claims.c.id.in_(claim_ids)))
    found = {row.id: row.state for row in rows}
    for claim_id in claim_ids:
        if found.get(claim_id) not in _STANDING:
            state = found.get(claim_id, "not here")
            raise ConflictError(f"claim {claim_id} is {state} by now: no notice was issued", code="not_decided")


def _move(connection: Connection, notice_id: str, before: str, values: Mapping[str, Any]) -> None:
    moved = connection.execute(
        update(notices).where((notices.c.id == notice_id) & (notices.c.state == before)).values(values)
    )
    if not moved.rowcount:
        raise ConflictError(f"notice {notice_id} is no longer {before}: somebody else was faster; look again")


def _take_back(connection: Connection, notice_id: str) -> bool:
    """Cancel what was not delivered yet; tell whether the platform may have heard of it all the same."""
    of_notice = deliveries.c.notice_id == notice_id
    tried = connection.execute(select(deliveries.c.id).where(of_notice, deliveries.c.attempts > 0)).first()
    connection.execute(update(deliveries).where(of_notice, deliveries.c.state == "pending").values(state="cancelled"))
    return tried is not None


def _mark_locations(connection: Connection, notice_id: str, urls: Sequence[str], *, gone_at: str | None) -> None:
    platform_id = connection.scalar(select(notices.c.platform_id).where(notices.c.id == notice_id))
    here = (locations.c.platform_id == platform_id) & locations.c.url.in_(urls)
    connection.execute(update(locations).where(here).values(gone_at=gone_at))


def _enter_delivery(connection: Connection, notice_id: str, kind: str, body: str, at: datetime) -> None:
    """Queue what must be told, after what another process may just be telling of the same notice."""
    of_notice = deliveries.c.notice_id == notice_id
    number, leased = connection.execute(
        select(func.count(), func.max(deliveries.c.leased_until)).where(of_notice)
    ).one()
    connection.execute(
        insert(deliveries).values(
            id=f"{notice_id}-{number + 1}",
            notice_id=notice_id,
            kind=kind,
            body=body,
            state="pending",
            attempts=0,
            next_at=max(instant(at), leased or ""),
        )
    )


@cache
def _page(given: frozenset[str]) -> Select[Any]:
    """Put the statement for a page together, once: that takes longer than to run it."""
    before = select(notices.c.issued_at, notices.c.id).where(notices.c.id == bindparam("after")).scalar_subquery()
    claim_ids = notice_claims.c.claim_id.in_(bindparam("claim_ids", expanding=True))
    here = (notice_claims.c.notice_id == notices.c.id) & (notice_claims.c.claim_id == claims.c.id)
    hers = exists().where(here, claims.c.party_id == bindparam("party_id"))
    others = exists().where(here, claims.c.party_id != bindparam("party_id"))
    uploaded = select(jobs.c.upload_sha256).where(jobs.c.account_id == bindparam("uploader_id"))
    conditions = {
        "after": tuple_(notices.c.issued_at, notices.c.id) > before,
        "states": notices.c.state.in_(bindparam("states", expanding=True)),
        "claim_ids": notices.c.id.in_(select(notice_claims.c.notice_id).where(claim_ids)),
    }
    whose = {"party_id": hers & ~others, "uploader_id": notices.c.upload_sha256.in_(uploaded)}
    any_of = [condition for name, condition in whose.items() if name in given]
    chosen = [condition for name, condition in conditions.items() if name in given]
    query = select(notices).where(*chosen, *([or_(*any_of)] if any_of else []))
    return query.order_by(notices.c.issued_at, notices.c.id).limit(bindparam("limit"))


def _stored(connection: Connection, row: RowMapping) -> StoredNotice:
    ids = connection.scalars(
        select(notice_claims.c.claim_id)
        .where(notice_claims.c.notice_id == row["id"])
        .order_by(notice_claims.c.claim_id)
    )
    return StoredNotice(**row, claim_ids=tuple(ids))
