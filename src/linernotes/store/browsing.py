"""Going through the catalogue: a page of recordings, works, voices or models at a time, with what is said of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Select, Table, bindparam, exists, or_, select

from linernotes.model import (
    AiDisclosure,
    Contribution,
    ModelRelease,
    Party,
    Recording,
    RightType,
    Role,
    Share,
    Voice,
    Work,
)
from linernotes.store.database import reading
from linernotes.store.schema import contributions, model_releases, parties, recordings, shares, voices, works

__all__ = ["Page", "model_release_pages", "page_of", "pages", "recording_from_row"]

_PAGE_ROWS = 1000
# Put together once: that takes longer than to run them.
_RECORDING = select(recordings).where(
    or_(*(column == bindparam("key") for column in (recordings.c.id, recordings.c.isrc)))
)
_WORK = select(works.c.id).where(or_(*(column == bindparam("key") for column in (works.c.id, works.c.iswc))))


@dataclass(frozen=True, slots=True)
class Page:
    """Some recordings, works, voices and model releases; parties by id, what is said of each by its id."""

    recordings: Sequence[Recording] = ()
    works: Mapping[str, Work] = field(default_factory=dict)
    parties: Mapping[str, Party] = field(default_factory=dict)
    contributions: Mapping[str, Sequence[Contribution]] = field(default_factory=dict)
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)
    model_releases: Mapping[str, ModelRelease] = field(default_factory=dict)


def pages(engine: Engine, *, rows: int = _PAGE_ROWS) -> Iterator[Page]:
    """Yield everything in order of id: recordings with works, works without recordings, voices, then models."""
    for connection, found in _in_order(engine, select(recordings), recordings.c.id, rows):
        yield _page(connection, found, [row.work_id for row in found if row.work_id is not None])
    unrecorded = select(works.c.id).where(~exists().where(recordings.c.work_id == works.c.id))
    for connection, found in _in_order(engine, unrecorded, works.c.id, rows):
        yield _page(connection, [], [row.id for row in found])
    for connection, found in _in_order(engine, select(voices), voices.c.id, rows):
        yield _page(connection, [], [], found)
    yield from model_release_pages(engine, rows=rows)


def model_release_pages(engine: Engine, *, rows: int = _PAGE_ROWS) -> Iterator[Page]:
    """Yield all model releases in order of id, with the parties that answer for them."""
    for connection, found in _in_order(engine, select(model_releases), model_releases.c.id, rows):
        yield _page(connection, [], [], released=found)


def _in_order(
    engine: Engine, query: Select[Any], key: Column[Any], rows: int
) -> Iterator[tuple[Connection, Sequence[Row[Any]]]]:
    """Yield what a query finds in order of its key, some rows at a time, each with a connection to ask more."""
    after = ""
    while True:
        with reading(engine) as connection:
            found = connection.execute(query.where(key > after).order_by(key).limit(rows)).all()
            if found:
                yield connection, found
        if len(found) < rows:
            return
        after = found[-1].id


def page_of(engine: Engine, key: str) -> Page:
    """Return what is known of a recording, work, voice, model release or party; or an empty page.

    It is looked up by id, ISRC, ISWC, IPI name number or ISNI. Of a work, its recordings come too; of a party, its
    voice and models, and the works and recordings that it has a part in, at most a page.
    """
    with reading(engine) as connection:
        recording = connection.execute(_RECORDING, {"key": key}).first()
        if recording is not None:
            return _page(connection, [recording], [recording.work_id] if recording.work_id else [])
        work = connection.scalar(_WORK, {"key": key})
        if work is not None:
            query = select(recordings).where(recordings.c.work_id == work).order_by(recordings.c.id).limit(_PAGE_ROWS)
            return _page(connection, connection.execute(query).all(), [work])
        voice = connection.execute(select(voices).where(voices.c.id == key)).first()
        if voice is not None:
            return _page(connection, [], [], [voice])
        release = connection.execute(select(model_releases).where(model_releases.c.id == key)).first()
        if release is not None:
            return _page(connection, [], [], released=[release])
        party = connection.execute(
            select(parties).where(or_(parties.c.id == key, parties.c.ipi_name_number == key, parties.c.isni == key))
        ).first()
        if party is None:
            return Page()
        query_of = select(contributions.c.subject_id).where(contributions.c.party_id == party.id).limit(_PAGE_ROWS)
        subjects = list(connection.scalars(query_of))
        found = connection.execute(select(recordings).where(recordings.c.id.in_(subjects))).all()
        sung = connection.execute(select(voices).where(voices.c.party_id == party.id).order_by(voices.c.id)).all()
        answered = select(model_releases).where(model_releases.c.party_id == party.id).order_by(model_releases.c.id)
        page = _page(connection, found, subjects, sung, connection.execute(answered.limit(_PAGE_ROWS)).all())
        return replace(page, parties={party.id: _party(party), **page.parties})


def _page(
    connection: Connection,
    found: Sequence[Row[Any]],
    work_ids: Sequence[str],
    sung: Sequence[Row[Any]] = (),
    released: Sequence[Row[Any]] = (),
) -> Page:
    here = {row.id: Work(row.id, row.title, row.iswc) for row in _by(connection, works, works.c.id, set(work_ids))}
    voiced = {row.id: Voice(row.id, row.party_id, row.name, row.consent) for row in sung}
    models = {row.id: ModelRelease(row.id, row.name, row.party_id) for row in released}
    subjects = {row.id for row in found} | set(here) | set(voiced)
    did: dict[str, list[Contribution]] = {}
    for row in _by(connection, contributions, contributions.c.subject_id, subjects):
        ai = AiDisclosure(row.contains_ai) if row.contains_ai else None
        did.setdefault(row.subject_id, []).append(Contribution(row.subject_id, row.party_id, Role(row.role), ai))
    held: dict[str, list[Share]] = {}
    for row in _by(connection, shares, shares.c.subject_id, subjects):
        held.setdefault(row.subject_id, []).append(
            Share(
                *(row.subject_id, row.party_id, RightType(row.right_type), Fraction(row.numerator, row.denominator)),
                *(row.territory, row.valid_from, row.valid_to),
            )
        )
    ids = {c.party_id for many in did.values() for c in many} | {s.party_id for many in held.values() for s in many}
    ids |= {voice.party_id for voice in voiced.values()} | {model.party_id for model in models.values()}
    people = {row.id: _party(row) for row in _by(connection, parties, parties.c.id, ids)}
    return Page([recording_from_row(row) for row in found], here, people, did, held, voiced, models)


def _by(connection: Connection, table: Table, column: Any, values: set[str]) -> Sequence[Row[Any]]:
    if not values:
        return []
    return connection.execute(_all_by(table, column), {"values": list(values)}).all()


@cache
def _all_by(table: Table, column: Any) -> Select[Any]:
    # In order of entry where there is one, so that what is written out twice is the same.
    order = table.c.id if "id" in table.c else table.c.subject_id
    here = column.in_(bindparam("values", expanding=True))
    return select(table).where(here).order_by(order, *table.primary_key)


def _party(row: Row[Any]) -> Party:
    return Party(**{name: getattr(row, name) for name in Party.__slots__})


def recording_from_row(row: Row[Any]) -> Recording:
    """Return a recording as the model has it; one that nobody has heard here yet has no hash of its sound."""
    fields = {name: getattr(row, name) for name in Recording.__slots__}
    ai = AiDisclosure(row.contains_ai) if row.contains_ai else None
    return Recording(**fields | {"sha256": row.sha256 or "", "contains_ai": ai})
