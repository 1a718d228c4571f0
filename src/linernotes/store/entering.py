"""Entering many parties, works and recordings at once: what is new is added, what is known stays, differences are told.

Conventions
-----------
Whatever carries an identifier that the catalogue knows is the thing it knows, under the id it has there. Nothing that
was said before is changed: a title, a year or an identifier that differs is a problem, of shares that differ both stay.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Table, func, select, update

from linernotes.errors import InvariantError
from linernotes.model import Problem, RightType, Share
from linernotes.store.batches import SHARE, WORK_RIGHTS, Batch, PartyRow, Rows, ShareRow
from linernotes.store.bulk import put_back
from linernotes.store.row_sets import add, add_whole_shares, rows_of
from linernotes.store.schema import contributions, former, model_releases, parties, recordings, shares, voices, works

__all__ = ["Entering", "Succeed"]

Succeed = Callable[[Sequence[Share], Sequence[Share]], tuple[Sequence[tuple[Share, Share]], Sequence[Share]]]
"""Says which of the shares held end, as they were and as they become, and which of those stated begin."""

_KNOWN_PARTIES_MAX = 400_000
_LINKS = ("work_id", "party_id")
_PARTY_IDENTIFIERS = ("ipi_name_number", "ipi_base_number", "isni")


@dataclass(slots=True)
class Entering:
    """Batches on their way into the catalogue, inside one transaction each; what came of them so far."""

    succeed: Succeed | None = None
    on: date | None = None
    """The day from which titles and the like hold that differ; None: the catalogue keeps its own."""
    voice_id: Callable[[str], str] = str
    """Gives the id of the voice of a party, where it has no other; so the voice of one party is one."""
    n_parties: int = 0
    n_works: int = 0
    n_recordings: int = 0
    n_voices: int = 0
    n_model_releases: int = 0
    n_known: int = 0
    n_shares_ended: int = 0
    n_changed: int = 0
    problems: list[Problem] = field(default_factory=list)
    restated: set[str] = field(default_factory=set)
    """Works and recordings whose shares were stated anew, differently; for a check that they still add up."""
    _named: set[str] = field(default_factory=set)
    _numbered: dict[str, tuple[str, tuple[str | None, ...]]] = field(default_factory=dict)

    def enter(self, connection: Connection, batch: Batch) -> None:
        """Enter a batch; problems and counts are added up."""
        _check_whole(batch)
        now = _moment(connection)
        party_ids = self._enter_parties(connection, batch)
        work_ids, known_works = self._enter_works(connection, batch, now)
        recording_ids, known_recordings = self._enter_recordings(connection, batch, work_ids, now)
        voice_ids, known_voices = self._enter_voices(connection, batch, party_ids, now)
        self._enter_model_releases(connection, batch, party_ids)
        subjects = work_ids | recording_ids | voice_ids
        told = [batch.contributions, batch.shares, batch.whole_shares]
        if subjects or party_ids:
            told = [rows.renamed(subjects, "subject_id").renamed(party_ids, "party_id") for rows in told]
        add(connection, contributions, told[0])
        known = {subjects.get(key, key) for key in known_works | known_recordings | known_voices}
        (of_one, again), (whole, again_whole) = _apart(told[1], known), _apart(told[2], known)
        add(connection, shares, of_one)
        add_whole_shares(connection, whole)
        self.restated.update(subjects.get(subject, subject) for subject in batch.restated)
        again += [(*row[:2], right, *row[2:]) for row in again_whole for right in WORK_RIGHTS.split()]
        if again:
            self._restate(connection, again)

    # ── parties ──────────────────────────────────────────────────────────────

    def _enter_parties(self, connection: Connection, batch: Batch) -> dict[str, str]:
        """Find or add the parties; return the ids that differ here."""
        # Who has nothing but a name has their id from it: here already or new, there is nothing to compare.
        named = [row for row in batch.names if row[0] not in self._named]
        self.n_parties += add(connection, parties, Rows.of(batch.names.columns, named))
        self._named.update(batch.names.column("id"))
        numbered = [row for row in batch.parties if self._numbered.get(row[0], ("", ()))[1] != row[2:]]
        if numbered:
            ids = self._enter_numbered(connection, Rows.of(batch.parties.columns, numbered))
            self._numbered |= {row[0]: (ids[row[0]], row[2:]) for row in numbered}
        ids = {key: self._numbered[key][0] for key in batch.parties.column("id")}
        for remembered in (self._named, self._numbered):
            if len(remembered) > _KNOWN_PARTIES_MAX:
                remembered.clear()
        return {given: key for given, key in ids.items() if given != key}

    def _enter_numbered(self, connection: Connection, unknown: Rows) -> dict[str, str]:
        """Find or add the parties that carry identifiers; return the id that each has here."""
        ids = {}
        held: dict[str, Mapping[str, Any]] = {}
        for column in (parties.c.id, parties.c.ipi_name_number, parties.c.isni):
            given = [cell for cell in unknown.column(column.name) if cell is not None]
            held |= {row.id: row._mapping for row in rows_of(connection, parties, column, given)}
        by_identifier = {
            (name, row[name]): key for key, row in held.items() for name in _PARTY_IDENTIFIERS if row[name] is not None
        }
        new: dict[str, PartyRow] = {}
        for row in unknown:
            key = next(
                (
                    by_identifier[name, value]
                    for name, value in (("ipi_name_number", row[2]), ("isni", row[4]))
                    if (name, value) in by_identifier
                ),
                row[0],
            )
            ids[row[0]] = key
            if key in held:
                self._complete_party(connection, row, held[key])
            elif key not in new:
                new[key] = row
                by_identifier |= {
                    (n, v): key for n, v in zip(_PARTY_IDENTIFIERS, row[2:], strict=True) if v is not None
                }
        add(connection, parties, Rows.of(unknown.columns, new.values()))
        self.n_parties += len(new)
        return ids

    def _complete_party(self, connection: Connection, row: PartyRow, held: Mapping[str, Any]) -> None:
        """Add identifiers that the catalogue lacks; one that differs is told and left."""
        for name, value in zip(_PARTY_IDENTIFIERS, row[2:], strict=True):
            if value is None or value == held[name]:
                continue
            if held[name] is not None:
                message = (
                    f"{held['name']} ({held['id']}) is here with {name} {held[name]}, not {value}; it keeps its own"
                )
                self.problems.append(Problem("party_conflict", message, held["id"]))
                continue
            taken = connection.execute(select(parties.c.id).where(parties.c[name] == value)).first()
            if taken is None or name == "ipi_base_number":
                connection.execute(update(parties).where(parties.c.id == held["id"]).values({name: value}))
            else:
                message = f"{name} {value}, given for {held['name']} ({held['id']}), belongs to {taken.id}; who is it?"
                self.problems.append(Problem("party_conflict", message, held["id"]))

    # ── works and recordings ─────────────────────────────────────────────────

    def _enter_works(self, connection: Connection, batch: Batch, now: "_Moment") -> tuple[dict[str, str], set[str]]:
        """Add the works that are not here; return the ids that differ here, and which were known."""
        n_added = add(connection, works, batch.works.without("where"), registered_at=now.stored)
        self.n_works += n_added
        if n_added == len(batch.works):
            return {}, set()
        held = _held(connection, works, works.c.iswc, batch.works)
        renamed, known = {}, set()
        for key, title, iswc, where in batch.works:
            found = held.get(iswc) or held[key]
            if now.entered(found, key):
                continue
            known.add(key)
            if found.id != key:
                renamed[key] = found.id
            if found.title.casefold() != title.casefold():
                self._succeed(connection, where, (works, found.id, "title"), here=found.title, given=title)
        return renamed, known

    def _enter_recordings(
        self, connection: Connection, batch: Batch, work_ids: Mapping[str, str], now: "_Moment"
    ) -> tuple[dict[str, str], set[str]]:
        """Add the recordings that are not here; return the ids that differ here, and which were known."""
        rows = batch.recordings.renamed(work_ids, "work_id") if work_ids else batch.recordings
        # Nobody has heard them here yet: they have no sound.
        still = {"sample_rate_hz": 0, "channels": 0, "registered_at": now.stored}
        n_added = add(connection, recordings, rows.without("where"), **still)
        self.n_recordings += n_added
        if n_added == len(rows):
            return {}, set()
        held = _held(connection, recordings, recordings.c.isrc, rows)
        renamed, known = {}, set()
        for key, title, artist, isrc, work_id, year, contains_ai, *_, where in rows:
            found = held.get(isrc) or held[key]
            if now.entered(found, key):
                continue
            known.add(key)
            if found.id != key:
                renamed[key] = found.id
            given = {"title": title, "artist": artist, "work_id": work_id, "year": year, "contains_ai": contains_ai}
            missing = {}
            for name, value in given.items():
                here = getattr(found, name)
                if value in (None, "", here) or (isinstance(here, str) and here.casefold() == str(value).casefold()):
                    continue
                if here in (None, ""):
                    missing[name] = value
                else:
                    self._succeed(connection, where, (recordings, found.id, name), here=here, given=value)
            if missing:
                connection.execute(update(recordings).where(recordings.c.id == found.id).values(missing))
        self.n_known += len(known)
        return renamed, known

    def _enter_voices(
        self, connection: Connection, batch: Batch, party_ids: Mapping[str, str], now: "_Moment"
    ) -> tuple[dict[str, str], set[str]]:
        """Add the voices that are not here; return the ids that differ here, and which were known.

        A consent that was missing is added. A voice that has its id from its party has it from the one that is here.
        """
        ids = {
            key: self.voice_id(party_ids.get(row[1], row[1])) if key == self.voice_id(row[1]) else key
            for key, row in batch.voices.items()
        }
        held = {row.id: row._mapping for row in rows_of(connection, voices, voices.c.id, [*ids.values()])}
        known, new = set(), {}
        for key, (_, performer, name, consent, where) in batch.voices.items():
            here, given = ids[key], {"party_id": party_ids.get(performer, performer), "name": name, "consent": consent}
            if here not in held:
                held[here] = new[here] = given
                continue
            known.add(key)
            for column, value in given.items():
                said = held[here][column]
                if value in (None, said):
                    continue
                if here in new and said is None:
                    new[here][column] = value
                elif column == "consent" and said is None:
                    connection.execute(update(voices).where(voices.c.id == here).values(consent=value))
                elif here in new:
                    self._differs(where, f"the {column} of {here}", said, value)
                else:
                    self._succeed(connection, where, (voices, here, column), here=said, given=value)
        rows = [(key, *given.values()) for key, given in new.items()]
        add(connection, voices, Rows.of(("id", "party_id", "name", "consent"), rows), registered_at=now.stored)
        self.n_voices += len(new)
        return {key: here for key, here in ids.items() if key != here}, known

    def _enter_model_releases(self, connection: Connection, batch: Batch, party_ids: Mapping[str, str]) -> None:
        """Add the model releases that are not here, by id or by name and who answers for it; what differs is told."""
        held = {
            row.id: row for row in rows_of(connection, model_releases, model_releases.c.id, [*batch.model_releases])
        }
        theirs = [party_ids.get(row[2], row[2]) for row in batch.model_releases.values()]
        of_party = rows_of(connection, model_releases, model_releases.c.party_id, theirs)
        by_name = {(row.party_id, row.name.casefold()) for row in of_party}
        new: list[tuple[str, str, str]] = []
        for key, (_, name, party, where) in batch.model_releases.items():
            party_id = party_ids.get(party, party)
            given = {"party_id": party_id, "name": name}
            if key in held:
                for column, value in given.items():
                    if (here := getattr(held[key], column)) != value:
                        self._succeed(connection, where, (model_releases, key, column), here=here, given=value)
            elif (party_id, name.casefold()) not in by_name:
                by_name.add((party_id, name.casefold()))
                new.append((key, name, party_id))
        add(connection, model_releases, Rows.of(("id", "name", "party_id"), new))
        self.n_model_releases += len(new)

    def _succeed(
        self,
        connection: Connection,
        where: str,
        place: tuple[Table, str, str],
        *,
        here: object,
        given: object,
    ) -> None:
        """Let a title or the like be another from a day on, and keep what it was; without a day, tell."""
        table, subject, name = place
        last = None
        if self.on is not None and name not in _LINKS:
            of_field = (former.c.subject_id == subject, former.c.field == name)
            last = connection.scalar(select(func.max(former.c.until)).where(*of_field))
        if self.on is None or name in _LINKS:
            self._differs(where, f"the {name} of {subject}", here, given)
        elif last is not None and last > self.on:
            self._differs(where, f"the {name} of {subject}, which changed on {last} already,", here, given)
        else:
            if last != self.on:
                said = (subject, name, self.on, json.dumps(here, ensure_ascii=False))
                add(connection, former, Rows.of(("subject_id", "field", "until", "value"), [said]))
            connection.execute(update(table).where(table.c.id == subject).values({name: given}))
            self.n_changed += 1

    def _differs(self, where: str, what: str, here: object, given: object) -> None:
        message = f"{what} is {here!r} in the catalogue, {given!r} here; the catalogue keeps its own"
        self.problems.append(Problem("differs", message, where))

    # ── shares ───────────────────────────────────────────────────────────────

    def _restate(self, connection: Connection, again: Sequence[ShareRow]) -> None:
        """Enter shares of what had been here before: those not said yet, or, from a day on, in place of others."""
        put_back(connection, only=shares)
        stated: dict[str, list[ShareRow]] = {}
        for row in again:
            stated.setdefault(row[0], []).append(row)
        held: dict[str, dict[ShareRow, int]] = {subject: {} for subject in stated}
        for row in rows_of(connection, shares, shares.c.subject_id, list(stated)):
            held[row.subject_id][tuple(row)[1:]] = row.id
        fresh: list[ShareRow] = []
        for subject, rows in stated.items():
            if self.succeed is None:
                added: Sequence[ShareRow] = [row for row in rows if row not in held[subject]]
            else:
                ended, begun = self.succeed([_share(row) for row in held[subject]], [_share(row) for row in rows])
                for before, after in ended:
                    key = held[subject][_share_row(before)]
                    connection.execute(update(shares).where(shares.c.id == key).values(valid_to=after.valid_to))
                self.n_shares_ended += len(ended)
                added = [_share_row(share) for share in begun]
            if added and held[subject]:
                self.restated.add(subject)
            fresh += added
        add(connection, shares, Rows.of(SHARE, fresh))


def _share(row: ShareRow) -> Share:
    return Share(row[0], row[1], RightType(row[2]), Fraction(row[3], row[4]), *row[5:])


def _share_row(share: Share) -> ShareRow:
    return (
        *(share.subject_id, share.party_id, share.right_type.value),
        *(share.fraction.numerator, share.fraction.denominator),
        *(share.territory, share.valid_from, share.valid_to),
    )


def _apart(rows: Rows, known: AbstractSet[str]) -> tuple[Rows, list[Any]]:
    """Part shares of what is new from rows about what was known."""
    if not known:
        return rows, []
    new = Rows.of(rows.columns, [row for row in rows if row[0] not in known])
    return new, [row for row in rows if row[0] in known]


def _held(connection: Connection, table: Table, identifier: Column[Any], rows: Rows) -> dict[str | None, Any]:
    """Find rows by id and by identifier, in two look-ups for the lot."""
    found: dict[str | None, Any] = {row.id: row for row in rows_of(connection, table, table.c.id, rows.column("id"))}
    if numbers := [number for number in rows.column(identifier.name) if number is not None]:
        found |= {row._mapping[identifier.name]: row for row in rows_of(connection, table, identifier, numbers)}
    return found


def _check_whole(batch: Batch) -> None:
    """Refuse a batch that speaks of parties or works which it does not bring; the database need not look for each."""
    spoken_of = {*batch.contributions.column("party_id")}
    spoken_of.update(batch.shares.column("party_id"), batch.whole_shares.column("party_id"))
    spoken_of.difference_update(batch.names.column("id"), batch.parties.column("id"))
    performed = {*batch.recordings.column("work_id")}
    performed.difference_update(batch.works.column("id"), [None])
    if missing := spoken_of | performed:
        raise InvariantError(f"a batch speaks of what it does not bring: {', '.join(sorted(map(str, missing))[:5])}")


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a batch is entered, and how the database keeps that: not written out for each of a million rows."""

    at: datetime
    stored: Any

    def entered(self, row: Any, key: str) -> bool:
        """Tell whether a row that goes by this key is one that was entered at this moment, not known before."""
        since = row.registered_at
        return row.id == key and since is not None and since.replace(tzinfo=None) == self.at.replace(tzinfo=None)


def _moment(connection: Connection) -> _Moment:
    now = datetime.now(UTC)
    write = DateTime(timezone=True).dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return _Moment(now, now if write is None else write(now))
