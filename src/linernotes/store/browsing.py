"""Going through the catalogue: a page of recordings, works or voices at a time, each with all that is said of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, exists, or_, select

from linernotes.model import AiDisclosure, Contribution, Party, Recording, RightType, Role, Share, Voice, Work
from linernotes.store.database import reading
from linernotes.store.schema import contributions, parties, recordings, shares, voices, works

__all__ = ["Page", "page_of", "pages", "recording_from_row"]

_PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some recordings, works and voices; parties by id, what is said of a recording, work or voice by its id."""

    recordings: Sequence[Recording] = ()
    works: Mapping[str, Work] = field(default_factory=dict)
    parties: Mapping[str, Party] = field(default_factory=dict)
    contributions: Mapping[str, Sequence[Contribution]] = field(default_factory=dict)
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)


def pages(engine: Engine, *, rows: int = _PAGE_ROWS) -> Iterator[Page]:
    """Yield all recordings with their works in order of id, then the works that have no recording, then the voices."""
    after = ""
    while True:
        with reading(engine) as connection:
            query = select(recordings).where(recordings.c.id > after).order_by(recordings.c.id).limit(rows)
            found = connection.execute(query).all()
            if found:
                yield _page(connection, found, [row.work_id for row in found if row.work_id is not None])
        if len(found) < rows:
            break
        after = found[-1].id
    after = ""
    unrecorded = ~exists().where(recordings.c.work_id == works.c.id)
    while True:
        with reading(engine) as connection:
            query = select(works.c.id).where(works.c.id > after, unrecorded).order_by(works.c.id).limit(rows)
            ids = list(connection.scalars(query))
            if ids:
                yield _page(connection, [], ids)
        if len(ids) < rows:
            break
        after = ids[-1]
    after = ""
    while True:
        with reading(engine) as connection:
            sung = select(voices).where(voices.c.id > after).order_by(voices.c.id).limit(rows)
            found = connection.execute(sung).all()
            if found:
                yield _page(connection, [], [], found)
        if len(found) < rows:
            return
        after = found[-1].id


def page_of(engine: Engine, key: str) -> Page:
    """Return what is known of a recording, work, voice or party, by id, ISRC, ISWC, IPI name number or ISNI; or empty.

    Of a work, its recordings come too; of a party, its voice, and the works and recordings that it has
    a part in, at most a page.
    """
    with reading(engine) as connection:
        recording = connection.execute(
            select(recordings).where(or_(recordings.c.id == key, recordings.c.isrc == key))
        ).first()
        if recording is not None:
            return _page(connection, [recording], [recording.work_id] if recording.work_id else [])
        work = connection.scalar(select(works.c.id).where(or_(works.c.id == key, works.c.iswc == key)))
        if work is not None:
            query = select(recordings).where(recordings.c.work_id == work).order_by(recordings.c.id).limit(_PAGE_ROWS)
            return _page(connection, connection.execute(query).all(), [work])
        voice = connection.execute(select(voices).where(voices.c.id == key)).first()
        if voice is not None:
            return _page(connection, [], [], [voice])
        party = connection.execute(
            select(parties).where(or_(parties.c.id == key, parties.c.ipi_name_number == key, parties.c.isni == key))
        ).first()
        if party is None:
            return Page()
        query_of = select(contributions.c.subject_id).where(contributions.c.party_id == party.id).limit(_PAGE_ROWS)
        subjects = list(connection.scalars(query_of))
        found = connection.execute(select(recordings).where(recordings.c.id.in_(subjects))).all()
        sung = connection.execute(select(voices).where(voices.c.party_id == party.id).order_by(voices.c.id)).all()
        page = _page(connection, found, subjects, sung)
        return replace(page, parties={party.id: _party(party), **page.parties})


def _page(
    connection: Connection, found: Sequence[Row[Any]], work_ids: Sequence[str], sung: Sequence[Row[Any]] = ()
) -> Page:
    here = {row.id: Work(row.id, row.title, row.iswc) for row in _by(connection, works, works.c.id, set(work_ids))}
    voiced = {row.id: Voice(row.id, row.party_id, row.name, row.consent) for row in sung}
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
    ids |= {voice.party_id for voice in voiced.values()}
    people = {row.id: _party(row) for row in _by(connection, parties, parties.c.id, ids)}
    return Page([recording_from_row(row) for row in found], here, people, did, held, voiced)


def _by(connection: Connection, table: Table, column: Any, values: set[str]) -> Sequence[Row[Any]]:
    if not values:
        return []
    # In order of entry where there is one, so that what is written out twice is the same.
    order = table.c.id if "id" in table.c else table.c.subject_id
    return connection.execute(select(table).where(column.in_(values)).order_by(order, *table.primary_key)).all()


def _party(row: Row[Any]) -> Party:
    return Party(**{name: getattr(row, name) for name in Party.__slots__})


def recording_from_row(row: Row[Any]) -> Recording:
    """Return a recording as the model has it; one that nobody has heard here yet has no hash of its sound."""
    fields = {name: getattr(row, name) for name in Recording.__slots__}
    ai = AiDisclosure(row.contains_ai) if row.contains_ai else None
    return Recording(**fields | {"sha256": row.sha256 or "", "contains_ai": ai})
