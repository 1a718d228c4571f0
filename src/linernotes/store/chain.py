"""The chain: what was said and decided, each row hashed over the one before; the database refuses to change any.

Conventions
-----------
A row's hash is SHA-256 over the canonical JSON (UTF-8, no spaces, keys sorted) of the list of its other cells:
``[sequence, at, kind, subject_id, actor, why, payload, previous_hash]``, the payload as the text that is stored. The
first row follows sixty-four zeros. Who keeps a row's hash elsewhere can show later that nothing before it was changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from linernotes.model import Problem
from linernotes.store.schema import chain

__all__ = ["FIRST", "ChainRow", "append", "canonical", "page", "rows", "verify"]

FIRST = "0" * 64
"""What the first row follows."""

_PAGE_ROWS = 5000


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One entry: what happened to ``subject_id``, who did it, when (UTC, ISO 8601) and why."""

    sequence: int
    at: str
    kind: str
    subject_id: str
    actor: str
    why: str
    payload: str
    previous_hash: str
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """The payload as JSON's types."""
        content: dict[str, Any] = json.loads(self.payload)
        return content


def canonical(value: object) -> str:
    """Write JSON the one way that is hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def append(
    connection: Connection,
    kind: str,
    subject_id: str,
    payload: Mapping[str, Any],
    *,
    actor: str,
    why: str,
    at: datetime,
) -> ChainRow:
    """Add a row inside the caller's writing transaction, which is what keeps two from following the same row."""
    last = connection.execute(select(chain.c.sequence, chain.c.hash).order_by(chain.c.sequence.desc()).limit(1)).first()
    sequence, previous = (last.sequence + 1, last.hash) if last is not None else (1, FIRST)
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    text = canonical(dict(payload))
    cells = (sequence, moment, kind, subject_id, actor, why, text, previous)
    row = ChainRow(*cells, _hash(cells))
    connection.execute(insert(chain).values({name: getattr(row, name) for name in ChainRow.__slots__}))
    return row


def rows(connection: Connection, *, kind: str | None = None, subject_id: str | None = None) -> Iterator[ChainRow]:
    """Yield rows in order, of one kind and about one subject if given; a page of them in memory at a time."""
    query = select(chain)
    if kind is not None:
        query = query.where(chain.c.kind == kind)
    if subject_id is not None:
        query = query.where(chain.c.subject_id == subject_id)
    after = 0
    while True:
        page = connection.execute(
            query.where(chain.c.sequence > after).order_by(chain.c.sequence).limit(_PAGE_ROWS)
        ).all()
        yield from (ChainRow(*row) for row in page)
        if len(page) < _PAGE_ROWS:
            return
        after = page[-1].sequence


def page(connection: Connection, *, after: int, limit: int) -> Sequence[ChainRow]:
    """Return at most ``limit`` rows, from the one after number ``after`` on."""
    query = select(chain).where(chain.c.sequence > after).order_by(chain.c.sequence).limit(limit)
    return [ChainRow(*row) for row in connection.execute(query)]


def verify(connection: Connection, *, head: str | None = None) -> tuple[int, str, Sequence[Problem]]:
    """Walk the chain; return how many rows it has, the last row's hash, and every fault.

    ``head``: a hash that was noted earlier; its row must still be there.
    """
    problems: list[Problem] = []
    previous, number, seen = FIRST, 0, head in (None, FIRST)
    for number, row in enumerate(rows(connection), 1):
        where = f"chain row {row.sequence}"
        cells = (row.sequence, row.at, row.kind, row.subject_id, row.actor, row.why, row.payload, row.previous_hash)
        if _hash(cells) != row.hash:
            problems.append(Problem("chain_changed", f"{where}: its content is not what was hashed", where))
        if row.previous_hash != previous:
            problems.append(Problem("chain_broken", f"{where}: it does not follow the row before it", where))
        if row.sequence != number:
            problems.append(Problem("chain_gap", f"{where}: row {number} is missing", where))
        seen = seen or row.hash == head
        previous = row.hash
    if not seen:
        problems.append(Problem("chain_head", f"no row has the hash {head}: rows were taken out or replaced", "chain"))
    return number, previous, problems


def _hash(cells: Sequence[object]) -> str:
    return hashlib.sha256(canonical(list(cells)).encode()).hexdigest()
