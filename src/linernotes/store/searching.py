"""Searching the catalogue, as somebody who has a part in some of it."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, literal_column, or_, select

from linernotes.model import Recording
from linernotes.store.browsing import recording_from_row
from linernotes.store.schema import contributions, former, model_releases, recordings, shares, voices, works
from linernotes.store.words import matching, words_of

__all__ = ["has_part", "history", "search"]

_FEW = 2000  # ids that a query may name


def search(
    connection: Connection, text: str, *, party_id: str | None, after: str, limit: int
) -> list[tuple[Recording, str | None]]:
    """Return recordings that have every word of ``text``, or that code, in order of id, with their works' titles.

    Words are those of title, artist and work; the last may be unfinished. ``party_id``: those alone that this party
    has a part in; ``after``: the last id of the page before. What is rare is looked up and then put in order; what is
    common is come across soon, in order of id.
    """
    query = (
        select(recordings, works.c.title.label("work_title"))
        .outerjoin(works, works.c.id == recordings.c.work_id)
        .where(recordings.c.id > after)
        .order_by(recordings.c.id)
        .limit(limit)
    )
    if text:
        query = query.where(_says(connection, text))
    if party_id is not None:
        query = query.where(_is_of(connection, party_id))
    return [(recording_from_row(row), row.work_title) for row in connection.execute(query)]


def _says(connection: Connection, text: str) -> ColumnElement[bool]:
    """Say which recordings a text is looked for in: few by their ids, many by what they say."""
    words, code = words_of(text), text.upper()
    if not words:
        return false()
    found, upto = matching(connection, words, most=_FEW)
    if found is not None and connection.dialect.name == "sqlite":
        # What came in since the index was brought up is read through.
        late = select(recordings.c.id).outerjoin(works, works.c.id == recordings.c.work_id)
        is_late = literal_column("recordings.rowid") > upto
        found += connection.scalars(late.where(is_late, _has_all(words)).limit(_FEW + 1))
    if found is None or len(found) > _FEW:
        return _has_all(words)
    of_work = select(works.c.id).where(works.c.iswc == code).scalar_subquery()
    codes = (recordings.c.id == text, recordings.c.isrc == code, recordings.c.work_id == of_work)
    found += connection.scalars(select(recordings.c.id).where(or_(*codes)))
    return recordings.c.id.in_(found)


def _has_all(words: Sequence[str]) -> ColumnElement[bool]:
    told = (recordings.c.title, recordings.c.artist, works.c.title)
    return and_(*(or_(*(func.lower(column).contains(word, autoescape=True) for column in told)) for word in words))


def _is_of(connection: Connection, party_id: str) -> ColumnElement[bool]:
    """Say what a party has a part in: little by its ids, much by what it is told to have."""
    did = select(contributions.c.subject_id).where(contributions.c.party_id == party_id)
    holds = select(shares.c.subject_id).where(shares.c.party_id == party_id)
    mine = [each for parts in (did, holds) for each in connection.scalars(parts.distinct().limit(_FEW + 1))]
    if len(mine) <= _FEW:
        return recordings.c.id.in_(mine) | recordings.c.work_id.in_(mine)
    return _has_part(party_id, recordings.c.id) | _has_part(party_id, recordings.c.work_id)


def _has_part(party_id: str, subject: ColumnElement[Any]) -> ColumnElement[bool]:
    did = exists().where(contributions.c.subject_id == subject, contributions.c.party_id == party_id)
    # By the subject, not through all that a party holds, whichever index there is.
    holds = exists().where(shares.c.subject_id == subject, shares.c.party_id.concat("") == party_id)
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
