"""References: all that the catalogue says of something that was recognised, in a handful of look-ups by key."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select

from linernotes.model import (
    AiDisclosure,
    Contribution,
    Reference,
    ReferenceEntry,
    RightType,
    Role,
    Share,
    Voice,
    Work,
)
from linernotes.store.browsing import recording_from_row
from linernotes.store.schema import contributions, parties, recordings, shares, voices, works

__all__ = ["look_up", "utc"]


def look_up(connection: Connection, reference: Reference) -> ReferenceEntry | None:
    """Find a reference by its id, a recording's, work's or voice's, else by ISRC or ISWC; None if it is not here."""
    recording = _first(connection, recordings, recordings.c.id == reference.id)
    work = _first(connection, works, works.c.id == reference.id) if recording is None else None
    voice = _first(connection, voices, voices.c.id == reference.id) if recording is work is None else None
    if recording is work is voice is None and reference.isrc is not None:
        recording = _first(connection, recordings, recordings.c.isrc == reference.isrc)
    if recording is work is voice is None and reference.iswc is not None:
        work = _first(connection, works, works.c.iswc == reference.iswc)
    if recording is work is voice is None:
        return None
    registered_at: dict[str, datetime] = {}
    if recording is not None:
        registered_at[recording.id] = utc(recording.registered_at)
        if recording.work_id is not None:
            work = _first(connection, works, works.c.id == recording.work_id)
    if work is not None and (since := _work_known_since(connection, work)) is not None:
        registered_at[work.id] = since
    label_ids: Sequence[str] = ()
    if voice is not None:
        registered_at[voice.id] = utc(voice.registered_at)
        label_ids = _labels_of(connection, voice.party_id)
    subjects = [row.id for row in (recording, work, voice) if row is not None]
    did = _contributions(connection, subjects)
    held = _shares(connection, subjects)
    ids = {c.party_id for c in did} | {s.party_id for s in held} | set(label_ids)
    ids |= {voice.party_id} if voice is not None else set()
    named = connection.execute(select(parties.c.id, parties.c.name).where(parties.c.id.in_(ids)))
    return ReferenceEntry(
        recording=None if recording is None else recording_from_row(recording),
        work=None if work is None else Work(work.id, work.title, work.iswc),
        voice=None if voice is None else Voice(voice.id, voice.party_id, voice.name, voice.consent),
        contributions=did,
        shares=held,
        names={row.id: row.name for row in named},
        registered_at=registered_at,
        label_ids=label_ids,
    )


def utc(moment: datetime) -> datetime:
    """Return a moment from the database with its zone, which SQLite does not keep."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _first(connection: Connection, table: Table, condition: ColumnElement[bool]) -> Row[Any] | None:
    return connection.execute(select(table).where(condition)).first()


def _work_known_since(connection: Connection, work: Row[Any]) -> datetime | None:
    """Return when a work was registered: by itself, else with the first recording of it."""
    since = work.registered_at or connection.scalar(
        select(func.min(recordings.c.registered_at)).where(recordings.c.work_id == work.id)
    )
    return None if since is None else utc(since)


def _labels_of(connection: Connection, performer_id: str) -> list[str]:
    sung, released = contributions.alias("sung"), contributions.alias("released")
    query = (
        select(released.c.party_id)
        .join(sung, sung.c.subject_id == released.c.subject_id)
        .where(sung.c.party_id == performer_id, sung.c.role == Role.PERFORMER, released.c.role == Role.LABEL)
        .distinct()
        .order_by(released.c.party_id)
    )
    return list(connection.scalars(query))


def _contributions(connection: Connection, subjects: Sequence[str]) -> list[Contribution]:
    query = select(contributions).where(contributions.c.subject_id.in_(subjects)).order_by(*contributions.c)
    return [
        Contribution(r.subject_id, r.party_id, Role(r.role), r.contains_ai and AiDisclosure(r.contains_ai))
        for r in connection.execute(query)
    ]


def _shares(connection: Connection, subjects: Sequence[str]) -> list[Share]:
    query = select(shares).where(shares.c.subject_id.in_(subjects)).order_by(shares.c.id)
    return [
        Share(
            r.subject_id,
            r.party_id,
            RightType(r.right_type),
            Fraction(r.numerator, r.denominator),
            r.territory,
            r.valid_from,
            r.valid_to,
        )
        for r in connection.execute(query)
    ]
