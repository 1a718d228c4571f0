"""Entering many parties, works and recordings at once: what is new is added, what is known stays, differences are told.

Conventions
-----------
A batch is rows, ready for the tables, keyed by id; ``where`` says for each work and recording which line it comes from.
Whatever carries an identifier that the catalogue knows is the thing it knows, under the id it has there. Nothing that
was said before is changed: a title, a year or an identifier that differs is a problem, of shares that differ both stay.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Table, func, select, update

from linernotes.errors import InvariantError
from linernotes.model import Problem, RightType, Share
from linernotes.store.batches import Batch, ContributionRow, ModelReleaseRow, PartyRow, RecordingRow, ShareRow, by_right
from linernotes.store.bulk import put_back
from linernotes.store.row_sets import add, add_shares, rows_of
from linernotes.store.schema import contributions, former, model_releases, parties, recordings, shares, voices, works

__all__ = ["Entering", "Succeed"]

Succeed = Callable[[Sequence[Share], Sequence[Share]], tuple[Sequence[tuple[Share, Share]], Sequence[Share]]]
"""Says which of the shares held end, as they were and as they become, and which of those stated begin."""

_KNOWN_PARTIES_MAX = 400_000
_TOLD_MAX = 400_000
_LINK = itemgetter(0, 1, 2)
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
    _told: list[ContributionRow] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)
    _numbered: dict[str, tuple[str, tuple[str | None, ...]]] = field(default_factory=dict)

    def enter(self, connection: Connection, batch: Batch) -> None:
        """Enter a batch; problems and counts are added up."""
        now = _moment(connection)
        party_ids = self._enter_parties(connection, batch)
        work_ids, known_works = self._enter_works(connection, batch, now)
        recording_ids, known_recordings = self._enter_recordings(connection, batch, work_ids, now)
        voice_ids, known_voices = self._enter_voices(connection, batch, party_ids, now)
        subjects = work_ids | recording_ids | voice_ids
        known = known_works | known_recordings | known_voices
        self._enter_model_releases(connection, batch, party_ids)
        told: list[ContributionRow] = [(*key, contains_ai) for key, contains_ai in batch.contributions.items()]
        stated: Mapping[str, Sequence[ShareRow]] = batch.shares
        if subjects or any(given != key for given, key in party_ids.items()):
            told = [(subjects.get(row[0], row[0]), party_ids[row[1]], *row[2:]) for row in told]
            stated = {
                subject: [(subjects.get(row[0], row[0]), party_ids[row[1]], *row[2:]) for row in rows]
                for subject, rows in stated.items()
            }
        _check_whole(batch, party_ids)
        self._told += told
        if len(self._told) >= _TOLD_MAX:
            self.write_down(connection)
        add_shares(connection, [row for subject, rows in stated.items() if subject not in known for row in rows])
        self.restated.update(subjects.get(subject, subject) for subject in batch.restated)
        again: dict[str, list[ShareRow]] = {}
        for subject in [key for key in stated if key in known]:
            again.setdefault(subjects.get(subject, subject), []).extend(by_right(stated[subject]))
        if again:
            self._restate(connection, again)

    def write_down(self, connection: Connection) -> None:
        """Write who did what, of all batches since the last time: to be called before they are kept.

        That table is one tree by subject: rows of many batches, in order, touch each page of it once.
        """
        add(connection, contributions, sorted(self._told, key=_LINK))
        self._told.clear()

    # ── parties ──────────────────────────────────────────────────────────────

    def _enter_parties(self, connection: Connection, batch: Batch) -> Mapping[str, str]:
        """Find or add the parties; return the id that each has here."""
        ids = {}
        named, numbered = [], []
        for row in batch.parties.values():
            if row[2] is row[3] is row[4] is None:
                ids[row[0]] = row[0]
                if row[0] not in self._named:
                    named.append(row)
            elif (known := self._numbered.get(row[0])) is not None and known[1] == row[2:]:
                ids[row[0]] = known[0]
            else:
                numbered.append(row)
        # Who has nothing but a name has their id from it: here already or new, there is nothing to compare.
        self.n_parties += add(connection, parties, [(*row, None) for row in named])
        self._named.update(row[0] for row in named)
        if numbered:
            ids |= self._enter_numbered(connection, numbered)
            self._numbered |= {row[0]: (ids[row[0]], row[2:]) for row in numbered}
        for remembered in (self._named, self._numbered):
            if len(remembered) > _KNOWN_PARTIES_MAX:
                remembered.clear()
        return ids

    def _enter_numbered(self, connection: Connection, unknown: Sequence[PartyRow]) -> dict[str, str]:
        """Find or add the parties that carry identifiers; return the id that each has here."""
        ids = {}
        held = {row.id: row._mapping for row in rows_of(connection, parties, parties.c.id, [row[0] for row in unknown])}
        for column, place in ((parties.c.ipi_name_number, 2), (parties.c.isni, 4)):
            given = [row[place] for row in unknown if row[place] is not None]
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
        add(connection, parties, [(*row, None) for row in new.values()])
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
        n_added = add(connection, works, [(*row, now.stored) for row in batch.works.values()])
        self.n_works += n_added
        if n_added == len(batch.works):
            return {}, set()
        held = _held(connection, works, works.c.iswc, batch.works, 2)
        renamed, known = {}, set()
        for key, row in batch.works.items():
            found = held.get(row[2]) or held[key]
            if now.entered(found, key):
                continue
            known.add(key)
            if found.id != key:
                renamed[key] = found.id
            if found.title.casefold() != row[1].casefold():
                self._succeed(connection, batch, key, (works, found.id, "title"), here=found.title, given=row[1])
        return renamed, known

    def _enter_recordings(
        self, connection: Connection, batch: Batch, work_ids: Mapping[str, str], now: "_Moment"
    ) -> tuple[dict[str, str], set[str]]:
        """Add the recordings that are not here; return the ids that differ here, and which were known."""
        given_rows = [_unheard(row, work_ids.get(row[4] or "", row[4]), now) for row in batch.recordings.values()]
        n_added = add(connection, recordings, given_rows)
        self.n_recordings += n_added
        if n_added == len(given_rows):
            return {}, set()
        held = _held(connection, recordings, recordings.c.isrc, batch.recordings, 3)
        renamed, known = {}, set()
        for key, row in batch.recordings.items():
            title, artist, isrc, work_id, year, contains_ai = row[1:7]
            found = held.get(isrc) or held[key]
            if now.entered(found, key):
                continue
            work_id = work_ids.get(work_id or "", work_id)
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
                    self._succeed(connection, batch, key, (recordings, found.id, name), here=here, given=value)
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
            key: self.voice_id(party_ids[row[1]]) if key == self.voice_id(row[1]) else key
            for key, row in batch.voices.items()
        }
        held = {row.id: row._mapping for row in rows_of(connection, voices, voices.c.id, [*ids.values()])}
        known, new = set(), {}
        for key, (_, performer, name, consent) in batch.voices.items():
            here, given = ids[key], {"party_id": party_ids[performer], "name": name, "consent": consent}
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
                    self._differs(batch, key, f"the {column} of {here}", said, value)
                else:
                    self._succeed(connection, batch, key, (voices, here, column), here=said, given=value)
        add(connection, voices, [(key, *given.values(), now.stored) for key, given in new.items()])
        self.n_voices += len(new)
        return {key: here for key, here in ids.items() if key != here}, known

    def _enter_model_releases(self, connection: Connection, batch: Batch, party_ids: Mapping[str, str]) -> None:
        """Add the model releases that are not here, by id or by name and who answers for it; what differs is told."""
        held = {
            row.id: row for row in rows_of(connection, model_releases, model_releases.c.id, [*batch.model_releases])
        }
        theirs = [party_ids[row[2]] for row in batch.model_releases.values()]
        of_party = rows_of(connection, model_releases, model_releases.c.party_id, theirs)
        by_name = {(row.party_id, row.name.casefold()) for row in of_party}
        new: list[ModelReleaseRow] = []
        for key, (_, name, party) in batch.model_releases.items():
            given = {"party_id": party_ids[party], "name": name}
            if key in held:
                for column, value in given.items():
                    if (here := getattr(held[key], column)) != value:
                        self._succeed(connection, batch, key, (model_releases, key, column), here=here, given=value)
            elif (party_ids[party], name.casefold()) not in by_name:
                by_name.add((party_ids[party], name.casefold()))
                new.append((key, name, party_ids[party]))
        add(connection, model_releases, new)
        self.n_model_releases += len(new)

    def _succeed(
        self,
        connection: Connection,
        batch: Batch,
        key: str,
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
            self._differs(batch, key, f"the {name} of {subject}", here, given)
        elif last is not None and last > self.on:
            self._differs(batch, key, f"the {name} of {subject}, which changed on {last} already,", here, given)
        else:
            if last != self.on:
                add(connection, former, [(subject, name, self.on, json.dumps(here, ensure_ascii=False))])
            connection.execute(update(table).where(table.c.id == subject).values({name: given}))
            self.n_changed += 1

    def _differs(self, batch: Batch, key: str, what: str, here: object, given: object) -> None:
        message = f"{what} is {here!r} in the catalogue, {given!r} here; the catalogue keeps its own"
        self.problems.append(Problem("differs", message, batch.where.get(key, key)))

    # ── shares ───────────────────────────────────────────────────────────────

    def _restate(self, connection: Connection, stated: Mapping[str, Sequence[ShareRow]]) -> None:
        """Enter shares of what had been here before: those not said yet, or, from a day on, in place of others."""
        put_back(connection, only=shares)
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
        add(connection, shares, fresh)


def _share(row: ShareRow) -> Share:
    return Share(row[0], row[1], RightType(row[2]), Fraction(row[3], row[4]), *row[5:])


def _share_row(share: Share) -> ShareRow:
    return (
        *(share.subject_id, share.party_id, share.right_type.value),
        *(share.fraction.numerator, share.fraction.denominator),
        *(share.territory, share.valid_from, share.valid_to),
    )


def _held(
    connection: Connection, table: Table, identifier: Column[Any], given: Mapping[str, Sequence[Any]], place: int
) -> dict[str | None, Any]:
    """Find rows by id and by identifier, in two look-ups for the lot."""
    found: dict[str | None, Any] = {row.id: row for row in rows_of(connection, table, table.c.id, list(given))}
    if numbers := [row[place] for row in given.values() if row[place] is not None]:
        found |= {row._mapping[identifier.name]: row for row in rows_of(connection, table, identifier, numbers)}
    return found


def _check_whole(batch: Batch, party_ids: Mapping[str, str]) -> None:
    """Refuse a batch that speaks of parties or works which it does not bring; the database need not look for each."""
    spoken_of = {row[1] for row in batch.contributions}
    spoken_of.update(row[1] for rows in batch.shares.values() for row in rows)
    performed = {row[4] for row in batch.recordings.values()} - {None}
    if missing := (spoken_of - party_ids.keys()) | (performed - batch.works.keys()):
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


def _unheard(row: RecordingRow, work_id: str | None, now: _Moment) -> tuple[Any, ...]:
    """Return the whole row of a recording that nobody has heard here yet."""
    key, title, artist, isrc, _, year, contains_ai, path, duration_s = row
    return key, title, artist, None, path, duration_s, 0, 0, isrc, work_id, year, now.stored, contains_ai
