"""The catalogue: parties, works, recordings, who did what and for which share.

Conventions
-----------
Identifiers come in checked and compact (:mod:`linernotes.identifiers`). Ids follow from content, so that the same entry
made twice, here or elsewhere, is one: a recording's from its file, a work's and a party's from identifier or name.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from sqlalchemy import Connection, Engine, RowMapping, func, insert, or_, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import Contribution, Party, Recording, RecordingEntry, RightType, Role, Share, Work
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.schema import contributions, parties, recordings, shares, works

__all__ = ["Catalogue", "content_id"]

_PAGE_ROWS = 1000


def content_id(kind: str, *parts: str) -> str:
    """Return a stable id from what a thing is. Check: ``content_id("pty", "Ada")`` is ``pty_99a563ab2f6e21e9``."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{kind}_{digest[:16]}"


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
            recording = entry.recording
            self._refuse_taken_isrc(connection, recording)
            renamed = {party.id: self._merge_party(connection, party) for party in entry.parties}
            if entry.work is not None:
                self._add_work(connection, entry.work)
            row = asdict(recording) | {"registered_at": datetime.now(UTC)}
            connection.execute(insert(recordings).values(row))
            self._add_roles(connection, entry, renamed)

    def _refuse_taken_isrc(self, connection: Connection, recording: Recording) -> None:
        if recording.isrc is None:
            return
        taken = connection.execute(
            select(recordings.c.id, recordings.c.title).where(recordings.c.isrc == recording.isrc)
        )
        if (row := taken.first()) is not None:
            message = f"{recording.path}: ISRC {recording.isrc} already belongs to {row.id} ({row.title})"
            raise ConflictError(message, code="isrc_taken")

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
            (c.subject_id, renamed[c.party_id], c.role.value) for c in entry.contributions if c.subject_id not in told
        }
        if roles:
            names = ("subject_id", "party_id", "role")
            connection.execute(insert(contributions), [dict(zip(names, role, strict=True)) for role in sorted(roles)])
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
            yield from (_recording(row._mapping) for row in rows)
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
        with explained(self.path), reading(self.engine) as connection:
            row = connection.execute(select(recordings).where(recordings.c.id == recording_id)).first()
            if row is None:
                raise NotFoundError(f"no recording {recording_id!r} in {self.path}")
            recording = _recording(row._mapping)
            work = None
            if recording.work_id is not None:
                found = connection.execute(select(works).where(works.c.id == recording.work_id)).one()
                work = Work(found.id, found.title, found.iswc)
            subjects = [recording.id] + ([work.id] if work else [])
            did = connection.execute(
                select(contributions).where(contributions.c.subject_id.in_(subjects)).order_by(*contributions.c)
            ).all()
            held = connection.execute(
                select(shares).where(shares.c.subject_id.in_(subjects)).order_by(shares.c.id)
            ).all()
            ids = {r.party_id for r in did} | {r.party_id for r in held}
            people = connection.execute(select(parties).where(parties.c.id.in_(ids)).order_by(parties.c.name)).all()
        return RecordingEntry(
            recording=recording,
            work=work,
            parties=[Party(**row._mapping) for row in people],
            contributions=[Contribution(r.subject_id, r.party_id, Role(r.role)) for r in did],
            shares=[
                Share(
                    r.subject_id,
                    r.party_id,
                    RightType(r.right_type),
                    Fraction(r.numerator, r.denominator),
                    r.territory,
                    r.valid_from,
                    r.valid_to,
                )
                for r in held
            ],
        )


def _recording(row: RowMapping) -> Recording:
    return Recording(**{name: row[name] for name in Recording.__slots__})
