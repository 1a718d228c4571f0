"""Entering many parties, works and recordings at once: what is new is added, what is known stays, differences are told.

Conventions
-----------
A batch is rows, ready for the tables, keyed by id; ``where`` says for each work and recording which line it comes from.
Whatever carries an identifier that the catalogue knows is the thing it knows, under the id it has there. Nothing that
was said before is changed: a title, a year or an identifier that differs is a problem, of shares that differ both stay.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    String,
    Table,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from linernotes.model import Problem, RightType, Share
from linernotes.store.bulk import put_back
from linernotes.store.schema import contributions, former, parties, recordings, shares, voices, works

__all__ = ["WORK_RIGHTS", "Batch", "Entering", "ShareRow", "Succeed", "by_right"]

Succeed = Callable[[Sequence[Share], Sequence[Share]], tuple[Sequence[tuple[Share, Share]], Sequence[Share]]]
"""Says which of the shares held end, as they were and as they become, and which of those stated begin."""

_KNOWN_PARTIES_MAX = 200_000
_LINKS = ("work_id", "party_id")
_PARTY_IDENTIFIERS = ("ipi_name_number", "ipi_base_number", "isni")

PartyRow = tuple[str, str, str | None, str | None, str | None]
"""id, name, ipi_name_number, ipi_base_number, isni."""
WorkRow = tuple[str, str, str | None]
"""id, title, iswc."""
RecordingRow = tuple[str, str, str, str | None, str | None, int | None, str | None, str, float]
"""id, title, artist, isrc, work_id, year, contains_ai, path, duration_s."""
ContributionRow = tuple[str, str, str, str | None]
"""subject_id, party_id, role, contains_ai."""
VoiceRow = tuple[str, str, str, str | None]
"""id, party_id, name, consent."""
ShareRow = tuple[str, str, str, int, int, str, date | None, date | None]
"""subject_id, party_id, right_type, numerator, denominator, territory, valid_from, valid_to.

In a batch, ``right_type`` may be :data:`WORK_RIGHTS`: the same share of each of the three rights in a work.
"""
WORK_RIGHTS = "mechanical performance synchronisation"


@dataclass(slots=True)
class Batch:
    """Rows to enter together, by key; ``shares`` by subject, each row once.

    ``contributions``: subject, party and role, and how much a machine did. ``restated``: those to look at again.
    """

    parties: dict[str, PartyRow] = field(default_factory=dict)
    works: dict[str, WorkRow] = field(default_factory=dict)
    recordings: dict[str, RecordingRow] = field(default_factory=dict)
    contributions: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    shares: dict[str, list[ShareRow]] = field(default_factory=dict)
    voices: dict[str, VoiceRow] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    restated: set[str] = field(default_factory=set)

    def in_order(self) -> "Batch":
        """Return the batch with its rows in order of their keys: entered so, neighbours share a page."""
        return Batch(
            dict(sorted(self.parties.items())),
            dict(sorted(self.works.items())),
            dict(sorted(self.recordings.items())),
            dict(sorted(self.contributions.items())),
            dict(sorted(self.shares.items())),
            self.voices,
            self.where,
            self.restated,
        )


@dataclass(slots=True)
class Entering:
    """Batches on their way into the catalogue, inside one transaction each; what came of them so far."""

    succeed: Succeed | None = None
    on: date | None = None
    """The day from which titles and the like hold that differ; None: the catalogue keeps its own."""
    n_parties: int = 0
    n_works: int = 0
    n_recordings: int = 0
    n_voices: int = 0
    n_known: int = 0
    n_shares_ended: int = 0
    n_changed: int = 0
    problems: list[Problem] = field(default_factory=list)
    restated: set[str] = field(default_factory=set)
    """Works and recordings whose shares were stated anew, differently; for a check that they still add up."""
    _parties: OrderedDict[str, tuple[str, tuple[str | None, ...]]] = field(default_factory=OrderedDict)

    def enter(self, connection: Connection, batch: Batch) -> None:
        """Enter a batch; problems and counts are added up."""
        now = _moment(connection)
        party_ids = self._enter_parties(connection, batch)
        work_ids, known_works = self._enter_works(connection, batch, now)
        recording_ids, known_recordings = self._enter_recordings(connection, batch, work_ids, now)
        subjects = work_ids | recording_ids
        known = known_works | known_recordings | self._enter_voices(connection, batch, party_ids, now)
        told: list[ContributionRow] = [(*key, contains_ai) for key, contains_ai in batch.contributions.items()]
        stated: Mapping[str, Sequence[ShareRow]] = batch.shares
        if subjects or any(given != key for given, key in party_ids.items()):
            told = [(subjects.get(row[0], row[0]), party_ids[row[1]], *row[2:]) for row in told]
            stated = {
                subject: [(subjects.get(row[0], row[0]), party_ids[row[1]], *row[2:]) for row in rows]
                for subject, rows in stated.items()
            }
        _add(connection, contributions, told)
        _add_shares(connection, [row for subject, rows in stated.items() if subject not in known for row in rows])
        self.restated.update(subjects.get(subject, subject) for subject in batch.restated)
        again: dict[str, list[ShareRow]] = {}
        for subject in [key for key in stated if key in known]:
            again.setdefault(subjects.get(subject, subject), []).extend(by_right(stated[subject]))
        if again:
            self._restate(connection, again)

    # ── parties ──────────────────────────────────────────────────────────────

    def _enter_parties(self, connection: Connection, batch: Batch) -> Mapping[str, str]:
        """Find or add the parties; return the id that each has here."""
        ids = {}
        unknown = []
        for row in batch.parties.values():
            known = self._parties.get(row[0])
            if known is not None and known[1] == row[2:]:
                ids[row[0]] = known[0]
            else:
                unknown.append(row)
        if not unknown:
            return ids
        held = {row.id: row._mapping for row in _rows(connection, parties, parties.c.id, [row[0] for row in unknown])}
        for column, place in ((parties.c.ipi_name_number, 2), (parties.c.isni, 4)):
            given = [row[place] for row in unknown if row[place] is not None]
            held |= {row.id: row._mapping for row in _rows(connection, parties, column, given)}
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
        _add(connection, parties, [(*row, None) for row in new.values()])
        self.n_parties += len(new)
        for row in unknown:
            self._parties[row[0]] = (ids[row[0]], row[2:])
        while len(self._parties) > _KNOWN_PARTIES_MAX:
            self._parties.popitem(last=False)
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

    def _enter_works(self, connection: Connection, batch: Batch, now: Any) -> tuple[dict[str, str], set[str]]:
        """Find or add the works; return the ids that differ here, and which were known."""
        held = _held(connection, works, works.c.iswc, batch.works, 2)
        if not held:
            _add(connection, works, [(*row, now) for row in batch.works.values()])
            self.n_works += len(batch.works)
            return {}, set()
        renamed, known, new = {}, set(), []
        for key, row in batch.works.items():
            found = held.get(row[2]) or held.get(key)
            if found is None:
                new.append((*row, now))
                continue
            known.add(key)
            if found.id != key:
                renamed[key] = found.id
            if found.title.casefold() != row[1].casefold():
                self._succeed(connection, batch, key, (works, found.id, "title"), here=found.title, given=row[1])
        _add(connection, works, new)
        self.n_works += len(new)
        return renamed, known

    def _enter_recordings(
        self, connection: Connection, batch: Batch, work_ids: Mapping[str, str], now: Any
    ) -> tuple[dict[str, str], set[str]]:
        held = _held(connection, recordings, recordings.c.isrc, batch.recordings, 3)
        if not held and not work_ids:
            _add(connection, recordings, [_unheard(row, row[4], now) for row in batch.recordings.values()])
            self.n_recordings += len(batch.recordings)
            return {}, set()
        renamed, known, new = {}, set(), []
        for key, row in batch.recordings.items():
            title, artist, isrc, work_id, year, contains_ai = row[1:7]
            work_id = work_ids.get(work_id, work_id) if work_id is not None else None
            found = held.get(isrc) or held.get(key)
            if found is None:
                new.append(_unheard(row, work_id, now))
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
                    self._succeed(connection, batch, key, (recordings, found.id, name), here=here, given=value)
            if missing:
                connection.execute(update(recordings).where(recordings.c.id == found.id).values(missing))
        _add(connection, recordings, new)
        self.n_recordings += len(new)
        self.n_known += len(known)
        return renamed, known

    def _enter_voices(self, connection: Connection, batch: Batch, party_ids: Mapping[str, str], now: Any) -> set[str]:
        """Add the voices that are not here; a consent that was missing is added. Returns those that were known."""
        held = {row.id: row for row in _rows(connection, voices, voices.c.id, list(batch.voices))}
        for key, (_, performer, name, consent) in batch.voices.items():
            given = {"party_id": party_ids[performer], "name": name, "consent": consent}
            if key not in held:
                continue
            for column, value in given.items():
                here = getattr(held[key], column)
                if column == "consent" and here is None and value is not None:
                    connection.execute(update(voices).where(voices.c.id == key).values(consent=value))
                elif value not in (None, here):
                    self._succeed(connection, batch, key, (voices, key, column), here=here, given=value)
        new = [(key, party_ids[row[1]], *row[2:], now) for key, row in batch.voices.items() if key not in held]
        _add(connection, voices, new)
        self.n_voices += len(new)
        return set(held)

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
                _add(connection, former, [(subject, name, self.on, json.dumps(here, ensure_ascii=False))])
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
        for row in _rows(connection, shares, shares.c.subject_id, list(stated)):
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
        _add(connection, shares, fresh)


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
    found: dict[str | None, Any] = {row.id: row for row in _rows(connection, table, table.c.id, list(given))}
    if numbers := [row[place] for row in given.values() if row[place] is not None]:
        found |= {row._mapping[identifier.name]: row for row in _rows(connection, table, identifier, numbers)}
    return found


def _rows(connection: Connection, table: Table, column: Column[Any], values: Sequence[Any]) -> Iterable[Any]:
    return connection.execute(select(table).where(_among(connection, column, values))).all() if values else ()


def _among(connection: Connection, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Tell a column's values from others, as one parameter: there may be more than a statement can have."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(values)).table_valued("value").c.value))
    return column == any_(literal(list(values), postgresql.ARRAY(String)))


def _moment(connection: Connection) -> Any:
    """Return this moment as the database keeps it, so that it need not be written out for each of a million rows."""
    write = DateTime(timezone=True).dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return datetime.now(UTC) if write is None else write(datetime.now(UTC))


def _unheard(row: RecordingRow, work_id: str | None, now: Any) -> tuple[Any, ...]:
    """Return the whole row of a recording that nobody has heard here yet."""
    key, title, artist, isrc, _, year, contains_ai, path, duration_s = row
    return key, title, artist, None, path, duration_s, 0, 0, isrc, work_id, year, now, contains_ai


def _add(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> int:
    """Add rows; those whose key is here already stay as they are. Returns how many were added."""
    if not rows:
        return 0
    columns = [column for column in table.columns if not (table is shares and column.name == "id")]
    keys = [column.name for column in columns]
    if connection.dialect.name == "sqlite":
        # The driver's own loop over tuples: a catalogue has ten million rows.
        insert = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=sqlite.dialect(), column_keys=keys)
        return connection.exec_driver_sql(str(insert), _as_stored(connection, columns, rows)).rowcount
    statement = postgresql.insert(table).on_conflict_do_nothing()
    return connection.execute(statement, [dict(zip(keys, row, strict=True)) for row in rows]).rowcount


def _add_shares(connection: Connection, rows: Sequence[ShareRow]) -> None:
    """Add shares; where a row is about all rights in a work, the database makes three of it."""
    whole = [(*row[:2], *row[3:]) for row in rows if row[2] == WORK_RIGHTS]
    if not whole or connection.dialect.name != "sqlite":
        _add(connection, shares, list(by_right(rows)))
        return
    _add(connection, shares, [row for row in rows if row[2] != WORK_RIGHTS])
    each = [select(literal_column(f"'{right}'", String).label("right_type")) for right in WORK_RIGHTS.split()]
    given = [column for column in shares.columns if column.name not in ("id", "right_type")]
    source = select(
        union_all(*each).subquery().c.right_type, *(bindparam(column.name, type_=column.type) for column in given)
    )
    statement = sqlite.insert(shares).from_select(["right_type", *(column.name for column in given)], source)
    connection.exec_driver_sql(str(statement.compile(dialect=sqlite.dialect())), _as_stored(connection, given, whole))


def by_right(rows: Iterable[ShareRow]) -> Iterator[ShareRow]:
    """Yield rows about one right each."""
    for row in rows:
        for right in row[2].split():
            yield (*row[:2], right, *row[3:])


def _as_stored(
    connection: Connection, columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Write days as SQLAlchemy would, and moments unless they are written already."""
    writers = {
        place: lru_cache(maxsize=1024)(write)
        for place, column in enumerate(columns)
        if isinstance(column.type, Date | DateTime)
        and (write := column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)) is not None
    }
    for place, write in writers.items():
        rows = [
            row
            if row[place] is None or isinstance(row[place], str)
            else (*row[:place], write(row[place]), *row[place + 1 :])
            for row in rows
        ]
    return list(rows)
