"""Split sheets: their steps in the chain, and, once agreed, their shares in the catalogue.

Whoever adds a step says how many steps they saw: if somebody was faster, nothing is changed. The step that completes a
sheet, the entry that seals it and the shares are one transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import Party, Problem, Share
from linernotes.store import chain
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.notice_tables import sheets
from linernotes.store.schema import parties, recordings, shares, works

__all__ = ["Agreement", "SheetRow", "Sheets", "Subject"]

_KIND = "sheet"
_AGREED = "sheet-agreed"
_PROVISIONAL = "provisional"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """Where a sheet stands."""

    id: str
    subject_id: str
    state: str
    version: int
    n_steps: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a sheet divides: a work or a recording."""

    id: str
    title: str
    is_recording: bool
    identifier: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the last acceptance brings: the shares for the catalogue, who agreed, the entry that seals it."""

    shares: Sequence[Share]
    agreed_by: Collection[str]
    payload: Mapping[str, Any]


class Sheets:
    """The split sheets of one database."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the sheets in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ── in ───────────────────────────────────────────────────────────────────

    def add_step(
        self,
        row: SheetRow,
        payload: Mapping[str, Any],
        *,
        actor: str,
        why: str,
        at: datetime,
        agreement: Agreement | None = None,
    ) -> None:
        """Enter one step; ``row`` says where the sheet stands after it, ``agreement`` comes with the last one.

        Raises ConflictError if a step came in between, or the catalogue's shares cannot give way to those agreed.
        """
        with explained(self._place), writing(self._engine) as connection:
            values = {"state": row.state, "version": row.version, "n_steps": row.n_steps}
            if row.n_steps == 1:
                waiting = (sheets.c.subject_id == row.subject_id) & (sheets.c.state == _PROVISIONAL)
                if (other := connection.scalar(select(sheets.c.id).where(waiting))) is not None:
                    message = f"sheet {other} for {row.subject_id} waits to be agreed: answer it, or withdraw it"
                    raise ConflictError(message, code="open_sheet")
                connection.execute(insert(sheets).values(id=row.id, subject_id=row.subject_id, **values))
            else:
                seen = (sheets.c.id == row.id) & (sheets.c.n_steps == row.n_steps - 1)
                if not connection.execute(update(sheets).where(seen).values(values)).rowcount:
                    raise ConflictError(f"sheet {row.id}: somebody else was faster; nothing was changed: look again")
            chain.append(connection, _KIND, row.id, payload, actor=actor, why=why, at=at)
            if agreement is not None:
                _require_all_agreed(connection, agreement)
                _enter_shares(connection, agreement.shares)
                chain.append(connection, _AGREED, row.id, agreement.payload, actor=actor, why=why, at=at)

    def add_alias(self, alias: Party) -> None:
        """Enter a name that a party writes under; ConflictError if it is taken, or the party is an alias itself."""
        with explained(self._place), writing(self._engine) as connection:
            behind = connection.execute(select(parties).where(parties.c.id == alias.alias_of)).first()
            if behind is None or behind.alias_of is not None:
                raise ConflictError(f"{alias.name}: {alias.alias_of} is no party that an alias can stand for")
            taken = (parties.c.id == alias.id) | (parties.c.name == alias.name)
            if connection.execute(select(parties.c.id).where(taken)).first() is not None:
                raise ConflictError(f"a party is called {alias.name!r} already: choose another alias")
            connection.execute(insert(parties).values(asdict(alias)))

    # ── out ──────────────────────────────────────────────────────────────────

    def steps(self, sheet_id: str) -> list[chain.ChainRow]:
        """Return the steps of a sheet, oldest first; NotFoundError if there is no such sheet."""
        with explained(self._place), reading(self._engine) as connection:
            found = list(chain.rows(connection, kind=_KIND, subject_id=sheet_id))
        if not found:
            raise NotFoundError(f"no sheet {sheet_id!r}: linernotes sheet list shows them")
        return found

    def seal(self, sheet_id: str) -> chain.ChainRow | None:
        """Return the entry that sealed a sheet; None while it is not agreed."""
        with explained(self._place), reading(self._engine) as connection:
            return next(chain.rows(connection, kind=_AGREED, subject_id=sheet_id), None)

    def all(self, *, subject_id: str | None = None) -> list[SheetRow]:
        """Return where every sheet stands, or those of a work or recording."""
        query = select(sheets).order_by(sheets.c.id)
        if subject_id is not None:
            query = query.where(sheets.c.subject_id == subject_id)
        with explained(self._place), reading(self._engine) as connection:
            return [SheetRow(**row) for row in connection.execute(query).mappings().all()]

    def is_provisional(self, subject_id: str) -> bool:
        """Tell whether a sheet of this work or recording waits to be agreed: the money for it is held."""
        return bool(self.provisional([subject_id]))

    def provisional(self, subject_ids: Iterable[str] | None = None) -> frozenset[str]:
        """Return which works and recordings, of these or of all, have a sheet that waits to be agreed."""
        query = select(sheets.c.subject_id).where(sheets.c.state == _PROVISIONAL)
        if subject_ids is not None:
            query = query.where(sheets.c.subject_id.in_(list(subject_ids)))
        with explained(self._place), reading(self._engine) as connection:
            return frozenset(connection.scalars(query))

    def subject(self, subject_id: str) -> Subject:
        """Return the work or recording with this id; NotFoundError if there is none."""
        with explained(self._place), reading(self._engine) as connection:
            work = connection.execute(select(works.c.title, works.c.iswc).where(works.c.id == subject_id)).first()
            if work is not None:
                return Subject(subject_id, work.title, is_recording=False, identifier=work.iswc)
            query = select(recordings.c.title, recordings.c.isrc).where(recordings.c.id == subject_id)
            recording = connection.execute(query).first()
        if recording is None:
            raise NotFoundError(f"no work or recording {subject_id!r}: linernotes catalogue list shows them")
        return Subject(subject_id, recording.title, is_recording=True, identifier=recording.isrc)

    def holders(self, subject_id: str, right_types: Collection[str], *, territory: str, day: date) -> list[str]:
        """Return who holds a share of these rights on a day, or later, in the catalogue, by id.

        Raises ConflictError if the catalogue divides one of these rights by other territories.
        """
        with explained(self._place), reading(self._engine) as connection:
            return _holders(connection, subject_id, right_types, territory=territory, day=day)

    def verify(self) -> list[Problem]:
        """Compare where every sheet stands with its steps in the chain."""
        problems = []
        with explained(self._place), reading(self._engine) as connection:
            for row in connection.execute(select(sheets).order_by(sheets.c.id)):
                steps = list(chain.rows(connection, kind=_KIND, subject_id=row.id))
                sealed = next(chain.rows(connection, kind=_AGREED, subject_id=row.id), None) is not None
                if (len(steps), *_stand(steps, sealed=sealed)) != (row.n_steps, row.version, row.state):
                    where = f"sheet {row.id}"
                    problems.append(Problem("sheet_changed", f"{where}: it is not what the chain says of it", where))
        return problems

    def payees(self, party_ids: Iterable[str]) -> dict[str, str]:
        """Return who is paid for each of these parties: for an alias the party behind it."""
        query = select(parties.c.id, parties.c.alias_of).where(parties.c.id.in_(list(party_ids)))
        with explained(self._place), reading(self._engine) as connection:
            return {row.id: row.alias_of or row.id for row in connection.execute(query)}


def _stand(steps: Sequence[chain.ChainRow], *, sealed: bool) -> tuple[int, str]:
    """Return the version and the state that the steps of a sheet lead to."""
    if not steps:
        return 0, ""
    first, last = steps[0].content, steps[-1].content
    ended = last["verb"] == "withdraw" and last["party"] == first["party"]
    return last["version"], "agreed" if sealed else "withdrawn" if ended else _PROVISIONAL


def _holders(
    connection: Connection, subject_id: str, right_types: Collection[str], *, territory: str, day: date
) -> list[str]:
    lasting = or_(shares.c.valid_to.is_(None), shares.c.valid_to > day)
    found = connection.execute(
        select(shares.c.party_id, shares.c.territory, shares.c.right_type)
        .where(shares.c.subject_id == subject_id, shares.c.right_type.in_(list(right_types)), lasting)
        .distinct()
    ).all()
    for row in found:
        if row.territory != territory:
            message = f"{subject_id}: the catalogue divides {row.right_type} by territory ({row.territory})"
            raise ConflictError(f"{message}, a sheet for {territory} would overlap it: change the catalogue first")
    return sorted({row.party_id for row in found})


def _require_all_agreed(connection: Connection, agreement: Agreement) -> None:
    """Refuse where the catalogue has gained a holder since the sheet was opened."""
    first = agreement.shares[0]
    assert first.valid_from is not None
    rights = {share.right_type.value for share in agreement.shares}
    now = _holders(connection, first.subject_id, rights, territory=first.territory, day=first.valid_from)
    if left_out := sorted(set(now) - set(agreement.agreed_by)):
        message = f"{', '.join(left_out)} came to hold a share since the sheet was opened and did not agree"
        raise ConflictError(f"{first.subject_id}: {message}: open another sheet", code="holder_left_out")


def _enter_shares(connection: Connection, agreed: Sequence[Share]) -> None:
    """Let what held before end where the agreed shares begin; what was true earlier stays."""
    for subject_id, right, territory, day in {(s.subject_id, s.right_type, s.territory, s.valid_from) for s in agreed}:
        same = and_(
            shares.c.subject_id == subject_id, shares.c.right_type == right.value, shares.c.territory == territory
        )
        later = connection.execute(select(shares.c.valid_from).where(same, shares.c.valid_from >= day)).first()
        if later is not None:
            message = f"{subject_id}: the catalogue has shares of {right.value} from {later.valid_from} on"
            raise ConflictError(f"{message}, not before the sheet begins ({day}): choose a later day", code="shares")
        open_ended = or_(shares.c.valid_to.is_(None), shares.c.valid_to > day)
        connection.execute(update(shares).where(same, open_ended).values(valid_to=day))
    connection.execute(
        insert(shares),
        [
            {
                "subject_id": share.subject_id,
                "party_id": share.party_id,
                "right_type": share.right_type.value,
                "numerator": share.fraction.numerator,
                "denominator": share.fraction.denominator,
                "territory": share.territory,
                "valid_from": share.valid_from,
                "valid_to": share.valid_to,
            }
            for share in agreed
        ],
    )
