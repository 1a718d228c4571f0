"""The catalogue: parties, works, recordings, who did what and for which share.

Conventions
-----------
Identifiers come in checked and compact (:mod:`linernotes.identifiers`). Ids follow from content, so that the same entry
made twice, here or elsewhere, is one: a recording's from its file, a work's and a party's from identifier or name.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import AiDisclosure, Party, Recording, RecordingEntry, Work
from linernotes.store import searching, words
from linernotes.store.batches import Batch
from linernotes.store.browsing import Page, model_release_pages, page_of, pages, recording_from_row
from linernotes.store.bulk import put_back, set_aside
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.entering import Entering
from linernotes.store.schema import contributions, former, parties, policies, recordings, shares, works

__all__ = ["Catalogue", "content_id"]

_BETWEEN = "\x1f"
_PAGE_ROWS = 1000
_CACHE_KIB = 262_144
_KEPT_EVERY_S = 10.0


def content_id(kind: str, *parts: str) -> str:
    """Return a stable id from what a thing is. Check: ``content_id("pty", "Ada")`` is ``pty_99a563ab2f6e21e9``."""
    return f"{kind}_{sha256(_BETWEEN.join(parts).encode()).hexdigest()[:16]}"


class Catalogue:
    """What is known of parties, works and recordings; one database."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the catalogue in the file ``path``, or the database at the URL; a missing file is made if ``writable``.

        One that is missing and not made is empty.
        """
        self.engine: Engine = open_database(path, writable=writable)
        self.path = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # ── in ───────────────────────────────────────────────────────────────────

    def add(self, entry: RecordingEntry) -> None:
        """Enter a recording and all that is said of it, whole or not at all.

        Raises
        ------
        ConflictError if its ISRC, or a party's identifier, already belongs to another
        """
        with explained(self.path), writing(self.engine) as connection:
            recording = self._meet_announced(connection, entry.recording)
            renamed = {party.id: self._merge_party(connection, party) for party in entry.parties}
            if entry.work is not None:
                self._add_work(connection, entry.work)
            row = asdict(recording) | {"registered_at": datetime.now(UTC)}
            connection.execute(insert(recordings).values(row))
            self._add_roles(connection, entry, renamed)

    def _meet_announced(self, connection: Connection, recording: Recording) -> Recording:
        """Let a recording that was told of by its ISRC become the one that is heard now, with all that is said of it.

        Raises ConflictError if the ISRC belongs to another sound.
        """
        if recording.isrc is None:
            return recording
        taken = connection.execute(select(recordings).where(recordings.c.isrc == recording.isrc)).first()
        if (row := taken) is not None and row.sha256 is None:
            for table in (contributions, shares, policies, former):
                moved = update(table).where(table.c.subject_id == row.id).values(subject_id=recording.id)
                connection.execute(moved)
            connection.execute(delete(recordings).where(recordings.c.id == row.id))
            announced = recording_from_row(row)
            return replace(
                recording,
                work_id=recording.work_id or announced.work_id,
                year=recording.year or announced.year,
                contains_ai=recording.contains_ai or announced.contains_ai,
            )
        if row is not None:
            message = f"{recording.path}: ISRC {recording.isrc} already belongs to {row.id} ({row.title})"
            raise ConflictError(message, code="isrc_taken")
        return recording

    def _merge_party(self, connection: Connection, party: Party) -> str:
        """Find the party, by identifier before name, or enter it; return the id it has here."""
        known = [
            column == value
            for column, value in (
                (parties.c.ipi_name_number, party.ipi_name_number),
                (parties.c.isni, party.isni),
                (parties.c.id, party.id),
            )
            if value is not None
        ]
        found = connection.execute(select(parties).where(or_(*known))).all()
        if len(found) > 1:
            names = ", ".join(f"{row.name} ({row.id})" for row in found)
            message = f"the identifiers given for {party.name} belong to several parties: {names}"
            raise ConflictError(message, code="party_ambiguous")
        if not found:
            connection.execute(insert(parties).values(asdict(party)))
            return party.id
        row = found[0]._mapping
        for name in ("ipi_name_number", "ipi_base_number", "isni"):
            given = getattr(party, name)
            if given is not None and row[name] not in (None, given):
                message = f"{party.name} is here with {name} {row[name]}, not {given}"
                raise ConflictError(message, code="party_conflict")
            if given is not None and row[name] is None:
                connection.execute(update(parties).where(parties.c.id == row["id"]).values({name: given}))
        return str(row["id"])

    def _add_work(self, connection: Connection, work: Work) -> None:
        known = connection.execute(select(works).where(works.c.id == work.id)).first()
        if known is None:
            connection.execute(insert(works).values(asdict(work) | {"registered_at": datetime.now(UTC)}))

    def _add_roles(self, connection: Connection, entry: RecordingEntry, renamed: Mapping[str, str]) -> None:
        """Enter who did what; a work that is here already keeps the roles and shares it has."""
        subjects = {entry.recording.id} | ({entry.work.id} if entry.work else set())
        told = set(
            connection.scalars(select(contributions.c.subject_id).where(contributions.c.subject_id.in_(subjects)))
        )
        roles = {
            (c.subject_id, renamed[c.party_id], c.role.value): c.contains_ai
            for c in entry.contributions
            if c.subject_id not in told
        }
        if roles:
            names = ("subject_id", "party_id", "role")
            entered = [dict(zip(names, role, strict=True)) | {"contains_ai": ai} for role, ai in sorted(roles.items())]
            connection.execute(insert(contributions), entered)
        rows = [
            {
                "subject_id": share.subject_id,
                "party_id": renamed[share.party_id],
                "right_type": share.right_type.value,
                "numerator": share.fraction.numerator,
                "denominator": share.fraction.denominator,
                "territory": share.territory,
                "valid_from": share.valid_from,
                "valid_to": share.valid_to,
            }
            for share in entry.shares
            if share.subject_id not in told
        ]
        if rows:
            connection.execute(insert(shares), rows)

    def enter(self, entering: Entering, batches: Iterable[Batch], *, is_large: bool = False) -> None:
        """Enter batches of rows as they come; what came of it is in ``entering``.

        Kept every few seconds: the fewer times, the fewer pages are written twice; a kill loses no more than that.
        ``is_large``: there are many, so that setting indexes aside is worth it where the catalogue is empty.
        """
        waiting = iter(batches)
        batch = next(waiting, None)
        with explained(self.path), self.engine.connect().execution_options(write=True) as connection:
            raw = connection.connection.dbapi_connection if connection.dialect.name == "sqlite" else None
            if raw is not None:
                # Indexes of a million are looked into at random: the default of two megabytes would be read in circles.
                raw.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
                raw.execute("PRAGMA threads=2")  # sort what becomes an index on two cores
                # Every row names parties and works of its own batch, which is checked set by set (Entering.enter).
                raw.execute("PRAGMA foreign_keys=OFF")
            try:
                while batch is not None:
                    until_s = time.monotonic() + _KEPT_EVERY_S
                    with connection.begin():
                        if is_large:
                            set_aside(connection)
                            is_large = False
                        entering.enter(connection, batch)
                        while (batch := next(waiting, None)) is not None and time.monotonic() < until_s:
                            entering.enter(connection, batch)
            finally:
                with connection.begin():
                    put_back(connection)
                if raw is not None:
                    raw.execute("PRAGMA foreign_keys=ON")

    # ── out ──────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        with explained(self.path), reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(recordings)) or 0

    def __iter__(self) -> Iterator[Recording]:
        """Yield the recordings in order of id, a page of them in memory at a time."""
        after = ""
        while True:
            query = select(recordings).where(recordings.c.id > after).order_by(recordings.c.id).limit(_PAGE_ROWS)
            with explained(self.path), reading(self.engine) as connection:
                rows = connection.execute(query).all()
            yield from map(recording_from_row, rows)
            if len(rows) < _PAGE_ROWS:
                return
            after = rows[-1].id

    def known(self, recording_ids: Iterable[str]) -> set[str]:
        """Tell which of these recordings are here."""
        query = select(recordings.c.id).where(recordings.c.id.in_(list(recording_ids)))
        with explained(self.path), reading(self.engine) as connection:
            return set(connection.scalars(query))

    def entry(self, recording_id: str) -> RecordingEntry:
        """Return a recording with all that is said of it; NotFoundError if it is not here."""
        page = self.page_of(recording_id)
        recording = next((found for found in page.recordings if found.id == recording_id), None)
        if recording is None:
            raise NotFoundError(f"no recording {recording_id!r} in {self.path}")
        work = page.works.get(recording.work_id) if recording.work_id is not None else None
        subjects = [recording.id] + ([work.id] if work else [])
        return RecordingEntry(
            recording=recording,
            work=work,
            parties=sorted(page.parties.values(), key=lambda party: party.name),
            contributions=[c for subject in sorted(subjects) for c in page.contributions.get(subject, ())],
            shares=[s for subject in subjects for s in page.shares.get(subject, ())],
        )

    def former(self, subject_ids: Collection[str], on: date) -> dict[str, dict[str, Any]]:
        """Return what fields of these things said on a day, where they say something else now, by id of the thing."""
        told = select(former).where(former.c.subject_id.in_(list(subject_ids)), former.c.until > on)
        found: dict[str, dict[str, Any]] = {}
        with explained(self.path), reading(self.engine) as connection:
            for row in connection.execute(told.order_by(former.c.until.desc())):  # the next change decides
                value = json.loads(row.value)
                value = AiDisclosure(value) if row.field == "contains_ai" else value
                found.setdefault(row.subject_id, {})[row.field] = value
        return found

    def search(
        self, text: str, *, limit: int, party_id: str | None = None, after: str = ""
    ) -> list[tuple[Recording, str | None]]:
        """Search recordings; see :func:`linernotes.store.searching.search`."""
        with explained(self.path), reading(self.engine) as connection:
            return searching.search(connection, text, party_id=party_id, after=after, limit=limit)

    def index_words(self) -> bool:
        """Add some of the recordings that a search would read through to the index; False: there are none."""
        with explained(self.path):
            with reading(self.engine) as connection:
                if words.is_current(connection):
                    return False
            with writing(self.engine) as connection:
                words.bring_up(connection)
        return True

    def has_part(self, party_id: str, subject_ids: Collection[str]) -> bool:
        """Tell whether a party has a part in one of these; see :func:`linernotes.store.searching.has_part`."""
        with explained(self.path), reading(self.engine) as connection:
            return searching.has_part(connection, party_id, subject_ids)

    def history(self, subject_id: str) -> list[tuple[str, date, Any]]:
        """Return what fields of a thing said before, until when; see :func:`linernotes.store.searching.history`."""
        with explained(self.path), reading(self.engine) as connection:
            return searching.history(connection, subject_id)

    def n_former(self) -> int:
        """Count the titles and the like that held before."""
        with explained(self.path), reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(former)) or 0

    def page_of(self, key: str) -> Page:
        """Return what is known of a recording, work or party; see :func:`linernotes.store.browsing.page_of`."""
        with explained(self.path):
            return page_of(self.engine, key)

    def model_releases(self) -> Iterator[Page]:
        """Yield the model releases with who answers for them, a page in memory at a time."""
        with explained(self.path):
            yield from model_release_pages(self.engine)

    def pages(self) -> Iterator[Page]:
        """Yield everything, a page in memory at a time; see :func:`linernotes.store.browsing.pages`."""
        with explained(self.path):
            yield from pages(self.engine)
