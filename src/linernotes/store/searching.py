"""Searching the catalogue, as somebody who has a part in some of it."""

import json
from collections.abc import Collection
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)

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
    asked: dict[str, Any] = {"after": after, "limit": limit}
    says = _says(connection, text) if text else {}
    of = {} if party_id is None else _is_of(connection, party_id)
    n_words = sum(name.startswith("word_") for name in says)
    statement = _listing(frozenset(says | of) - {*_names(n_words)}, n_words)
    return [(recording_from_row(row), row.work_title) for row in connection.execute(statement, asked | says | of)]


def _says(connection: Connection, text: str) -> dict[str, Any]:
    """Say which recordings a text is looked for in: few by their ids, many by what they say."""
    words, code = words_of(text), text.upper()
    if not words:
        return {"ids": []}
    found, upto = matching(connection, words, most=_FEW)
    said = dict(zip(_names(len(words)), words, strict=True))
    if found is not None and connection.dialect.name == "sqlite":
        found += connection.scalars(_late(len(words)), said | {"upto": upto, "most": _FEW + 1})
    if found is None or len(found) > _FEW:
        return said
    found += connection.scalars(_BY_CODE, {"text": text, "code": code})
    return {"ids": found}


def _is_of(connection: Connection, party_id: str) -> dict[str, Any]:
    """Say what a party has a part in: little by its ids, much by what it is told to have."""
    few = {"party_id": party_id, "most": _FEW + 1}
    mine = [each for parts in _PARTS for each in connection.scalars(parts, few)]
    return {"party_id": party_id} if len(mine) > _FEW else {"mine": mine}


# ── statements, put together once: that takes longer than to run them ────────

_BY_CODE = select(recordings.c.id).where(
    or_(
        recordings.c.id == bindparam("text"),
        recordings.c.isrc == bindparam("code"),
        recordings.c.work_id == select(works.c.id).where(works.c.iswc == bindparam("code")).scalar_subquery(),
    )
)
_SUBJECTS = (recordings.c.id, recordings.c.work_id)
_PARTS = [
    select(table.c.subject_id).where(table.c.party_id == bindparam("party_id")).distinct().limit(bindparam("most"))
    for table in (contributions, shares)
]


@cache
def _listing(given: frozenset[str], n_words: int) -> Select[Any]:
    conditions = {
        "ids": recordings.c.id.in_(bindparam("ids", expanding=True)),
        "mine": or_(*(column.in_(bindparam("mine", expanding=True)) for column in _SUBJECTS)),
        "party_id": or_(*(_has_part(bindparam("party_id", type_=String), column) for column in _SUBJECTS)),
    }
    return (
        select(recordings, works.c.title.label("work_title"))
        .outerjoin(works, works.c.id == recordings.c.work_id)
        .where(recordings.c.id > bindparam("after"), *(conditions[name] for name in given), *_has_all(n_words))
        .order_by(recordings.c.id)
        .limit(bindparam("limit"))
    )


@cache
def _late(n_words: int) -> Select[Any]:
    """Read through what came in since the index was brought up."""
    late = select(recordings.c.id).outerjoin(works, works.c.id == recordings.c.work_id)
    is_late = literal_column("recordings.rowid") > bindparam("upto")
    return late.where(is_late, *_has_all(n_words)).limit(bindparam("most"))


def _names(n_words: int) -> list[str]:
    return [f"word_{number}" for number in range(n_words)]


def _has_all(n_words: int) -> list[ColumnElement[bool]]:
    told = [func.lower(column) for column in (recordings.c.title, recordings.c.artist, works.c.title)]
    # A word has letters and digits alone: nothing that LIKE would take for more.
    words = [literal("%").concat(bindparam(name, type_=String)).concat("%") for name in _names(n_words)]
    return [or_(*(column.like(word) for column in told)) for word in words]


def _has_part(party_id: ColumnElement[Any], subject: ColumnElement[Any]) -> ColumnElement[bool]:
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
