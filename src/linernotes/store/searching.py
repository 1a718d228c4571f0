"""Searching the catalogue, as somebody who has a part in some of it."""

import json
from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from linernotes.model import Recording
from linernotes.store.browsing import recording_from_row
from linernotes.store.schema import contributions, former, model_releases, recordings, shares, voices, works

__all__ = ["has_part", "history", "search"]


def search(
    connection: Connection, text: str, *, party_id: str | None, after: str, limit: int
) -> list[tuple[Recording, str | None]]:
    """Return recordings whose title, artist, ISRC or work has ``text`` in it, in order of id, with their works' titles.

    ``party_id``: those alone that this party has a part in; ``after``: the last id of the page before.
    """
    query = (
        select(recordings, works.c.title.label("work_title"))
        .outerjoin(works, works.c.id == recordings.c.work_id)
        .where(recordings.c.id > after)
        .order_by(recordings.c.id)
        .limit(limit)
    )
    if text:
        within = "%" + text.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        told = (recordings.c.title, recordings.c.artist, works.c.title)
        codes = (recordings.c.id == text, recordings.c.isrc == text.upper(), works.c.iswc == text.upper())
        query = query.where(or_(*(func.lower(column).like(within, escape="\\") for column in told), *codes))
    if party_id is not None:
        query = query.where(_has_part(party_id, recordings.c.id) | _has_part(party_id, recordings.c.work_id))
    return [(recording_from_row(row), row.work_title) for row in connection.execute(query)]


def _has_part(party_id: str, subject: ColumnElement[Any]) -> ColumnElement[bool]:
    did = exists().where(contributions.c.subject_id == subject, contributions.c.party_id == party_id)
    holds = exists().where(shares.c.subject_id == subject, shares.c.party_id == party_id)
    return did | holds


def has_part(connection: Connection, party_id: str, subject_ids: Collection[str]) -> bool:
    """Tell whether a party made, holds, or answers for one of these recordings, works, voices or model releases."""
    ids = list(subject_ids)
    return any(
        connection.execute(select(column).where(column.in_(ids), table.c.party_id == party_id).limit(1)).first()
        for table, column in (
            (contributions, contributions.c.subject_id),
            (shares, shares.c.subject_id),
            (voices, voices.c.id),
            (model_releases, model_releases.c.id),
        )
    )


def history(connection: Connection, subject_id: str) -> list[tuple[str, date, Any]]:
    """Return what fields of a thing said before, until when: field, day, value; the latest change first."""
    query = select(former).where(former.c.subject_id == subject_id).order_by(former.c.until.desc(), former.c.field)
    return [(row.field, row.until, json.loads(row.value)) for row in connection.execute(query)]
