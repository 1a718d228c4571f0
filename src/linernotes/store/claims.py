"""Claims, and what they stand on: policies, voices, uploads, evidence; every step also in the chain.

Conventions
-----------
Who changes a claim says which state of it they saw (its ``head``, the hash of its last row in the chain): if somebody
was faster, nothing is changed and ConflictError says so. Evidence and the chain are append-only in the database itself.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, bindparam, func, insert, or_, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import (
    Claim,
    ClaimState,
    ClaimStep,
    Evidence,
    Policy,
    Problem,
    Reference,
    ReferenceEntry,
)
from linernotes.store import chain
from linernotes.store.claim_records import (
    Stored,
    claim_content,
    policy_content,
    policy_from,
    policy_row,
    step_from,
    stored_from,
)
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.references import look_up, utc
from linernotes.store.schema import claims, evidence, parties, policies, uploads
from linernotes.store.serving_tables import jobs

__all__ = ["Claims", "Stored"]

_PAGE_ROWS = 500
_NAMES = select(parties.c.id, parties.c.name).where(parties.c.id.in_(bindparam("ids", expanding=True)))
_POLICIES = select(policies).where(policies.c.ended_at.is_(None)).order_by(policies.c.party_id, policies.c.id)
_POLICIES_OF = _POLICIES.where(policies.c.party_id.in_(bindparam("ids", expanding=True)))
_WITH_EVIDENCE = select(claims, evidence.c.payload).join(evidence, evidence.c.id == claims.c.evidence_id)


class Claims:
    """What is asserted of uploads and what came of it; in the same database as the catalogue."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the claims in the file ``path``, or the database at the URL."""
        self.engine: Engine = open_database(path, writable=writable)
        self.path = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # ── standing rules ───────────────────────────────────────────────────────

    def set_policy(self, policy: Policy, *, actor: str, why: str, at: datetime) -> list[Policy]:
        """Enter a rule; it ends the party's rules about exactly the same, and these are returned.

        Raises NotFoundError if the party is not in the catalogue.
        """
        row = policy_row(policy)
        same = [
            policies.c[name].is_not_distinct_from(row[name])
            for name in ("party_id", "use_type", "territory", "match_length_min_s", "probability_min", "subject_id")
        ]
        dated = [policies.c[name].is_not_distinct_from(row[name]) for name in ("valid_from", "valid_to")]
        with explained(self.path), writing(self.engine) as connection:
            self._check_party(connection, policy.party_id)
            known = select(policies).where(policies.c.ended_at.is_(None), *same, *dated)
            ended = [policy_from(row) for row in connection.execute(known)]
            for old in ended:
                self._end_policy(connection, old.id, actor=actor, why=why, at=at)
            connection.execute(insert(policies).values(row))
            chain.append(connection, "policy", policy.id, policy_content(row), actor=actor, why=why, at=at)
        return ended

    def end_policy(self, policy_id: str, *, actor: str, why: str, at: datetime) -> Policy:
        """End a rule; NotFoundError if no such rule stands."""
        with explained(self.path), writing(self.engine) as connection:
            row = connection.execute(
                select(policies).where(policies.c.id == policy_id, policies.c.ended_at.is_(None))
            ).first()
            if row is None:
                raise NotFoundError(f"no policy {policy_id!r} stands in {self.path}; see policy list")
            self._end_policy(connection, policy_id, actor=actor, why=why, at=at)
        return policy_from(row)

    def _end_policy(self, connection: Connection, policy_id: str, *, actor: str, why: str, at: datetime) -> None:
        connection.execute(update(policies).where(policies.c.id == policy_id).values(ended_at=at))
        chain.append(connection, "policy-end", policy_id, {}, actor=actor, why=why, at=at)

    def policies(self, party_ids: Collection[str] | None = None) -> list[Policy]:
        """List the rules that stand, of these parties or of all."""
        with explained(self.path), reading(self.engine) as connection:
            if party_ids is None:
                return [policy_from(row) for row in connection.execute(_POLICIES)]
            return [policy_from(row) for row in connection.execute(_POLICIES_OF, {"ids": list(party_ids)})]

    def _check_party(self, connection: Connection, party_id: str) -> None:
        if connection.execute(select(parties.c.id).where(parties.c.id == party_id)).first() is None:
            raise NotFoundError(f"no party {party_id!r} in {self.path}; see catalogue list")

    # ── what came in ─────────────────────────────────────────────────────────

    def add_evidence(
        self, upload_sha256: str, upload_path: str, heard: Sequence[Evidence], *, seen_at: datetime
    ) -> tuple[datetime, list[str]]:
        """Keep what was heard in an upload; return when the upload was first seen, and the id of each record.

        ``seen_at`` counts if it is earlier than what is known.
        """
        payloads = [chain.canonical({"upload_sha256": upload_sha256, **asdict(each)}) for each in heard]
        ids = [hashlib.sha256(payload.encode()).hexdigest() for payload in payloads]
        with explained(self.path), writing(self.engine) as connection:
            known = connection.scalar(select(uploads.c.first_seen_at).where(uploads.c.sha256 == upload_sha256))
            first = min(seen_at, utc(known)) if known is not None else seen_at
            if known is None:
                row = {"sha256": upload_sha256, "path": upload_path, "first_seen_at": first}
                connection.execute(insert(uploads).values(row))
            elif first < utc(known):
                connection.execute(update(uploads).where(uploads.c.sha256 == upload_sha256).values(first_seen_at=first))
            there = set(connection.scalars(select(evidence.c.id).where(evidence.c.id.in_(ids))))
            for key, payload in dict(zip(ids, payloads, strict=True)).items():
                if key not in there:
                    row = {"id": key, "upload_sha256": upload_sha256, "payload": payload}
                    connection.execute(insert(evidence).values(row))
        return first, ids

    def reference(self, reference: Reference) -> ReferenceEntry | None:
        """Return what the catalogue says of a reference; None where it knows nothing of it."""
        with explained(self.path), reading(self.engine) as connection:
            return look_up(connection, reference)

    # ── claims ───────────────────────────────────────────────────────────────

    def enter(self, histories: Iterable[Sequence[tuple[Claim, ClaimStep]]]) -> list[Stored]:
        """Enter new claims, each with its first steps, all or none; those that are here already stay as they are."""
        entered = []
        with explained(self.path), writing(self.engine) as connection:
            for history in histories:
                claim, first = history[-1][0], history[0][1]
                if connection.execute(select(claims.c.id).where(claims.c.id == claim.id)).first() is not None:
                    continue
                heads = [self._append(connection, step, claim_content(then)).hash for then, step in history]
                connection.execute(
                    insert(claims).values(
                        id=claim.id,
                        upload_sha256=claim.upload_sha256,
                        evidence_id=claim.evidence_id,
                        subject_id=claim.subject_id,
                        party_id=claim.party_id,
                        right_type=claim.right_type.value,
                        use_type=claim.use_type.value,
                        state=claim.state.value,
                        content=chain.canonical(claim_content(claim)),
                        head=heads[-1],
                        proposed_at=first.at,
                    )
                )
                entered.append(Stored(claim, heads[-1]))
        return entered

    def advance(self, seen: Stored, step: Callable[[Claim], tuple[Claim, ClaimStep]]) -> Stored:
        """Take a claim one step further from where it was seen.

        Raises
        ------
        ConflictError if it has moved since, or the step is not allowed; NotFoundError if it is not here
        """
        claim, done = step(seen.claim)
        content = claim_content(claim)
        with explained(self.path), writing(self.engine) as connection:
            found = connection.execute(select(claims.c.head, claims.c.state).where(claims.c.id == claim.id)).first()
            if found is None:
                raise NotFoundError(f"no claim {claim.id!r} in {self.path}; see claims list")
            if found.head != seen.head:
                raise ConflictError(
                    f"claim {claim.id}: somebody else was faster, it is {found.state} now; nothing was changed:"
                    " look at it again",
                    code="decided_meanwhile",
                )
            row = self._append(connection, done, content)
            connection.execute(
                update(claims)
                .where(claims.c.id == claim.id)
                .values(state=claim.state.value, content=chain.canonical(content), head=row.hash)
            )
        return Stored(claim, row.hash)

    def _append(self, connection: Connection, step: ClaimStep, content: Mapping[str, Any]) -> chain.ChainRow:
        payload = {"command": step.command, "claim": content}
        return chain.append(connection, "claim", step.claim_id, payload, actor=step.actor, why=step.why, at=step.at)

    def find(
        self,
        *,
        claim_id: str | None = None,
        party_id: str | None = None,
        state: ClaimState | None = None,
        upload_sha256s: Collection[str] | None = None,
        proposed_before: datetime | None = None,
    ) -> Iterator[Stored]:
        """Yield claims in order of id, a page of them in memory at a time."""
        asked = {
            "claim_id": claim_id,
            "party_id": party_id,
            "state": state and state.value,
            "upload_sha256s": upload_sha256s if upload_sha256s is None else list(upload_sha256s),
            "proposed_before": proposed_before,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        query, after = _found(frozenset(given)), ""
        while True:
            bounds = {"after": after, "limit": _PAGE_ROWS}
            with explained(self.path), reading(self.engine) as connection:
                page = connection.execute(query, given | bounds).all()
            yield from (stored_from(row) for row in page)
            if len(page) < _PAGE_ROWS:
                return
            after = page[-1].id

    def page(
        self,
        *,
        limit: int,
        after: str = "",
        party_id: str | None = None,
        uploader_id: str | None = None,
        state: ClaimState | None = None,
    ) -> list[Claim]:
        """Return claims in order of id, from the one after ``after`` on: a party's, or on an account's uploads.

        Those of both where both are given, all where neither is.
        """
        asked = {"party_id": party_id, "uploader_id": uploader_id, "state": state and state.value}
        given = {name: value for name, value in asked.items() if value is not None}
        query, bounds = _page(frozenset(given)), {"after": after, "limit": limit}
        with explained(self.path), reading(self.engine) as connection:
            return [stored_from(row).claim for row in connection.execute(query, given | bounds)]

    def get(self, claim_id: str) -> Stored:
        """Return a claim as it stands; NotFoundError if it is not here."""
        for stored in self.find(claim_id=claim_id):
            return stored
        raise NotFoundError(f"no claim {claim_id!r} in {self.path}; see claims list")

    def history(self, claim_id: str) -> list[ClaimStep]:
        """Return every step of a claim, first to last."""
        with explained(self.path), reading(self.engine) as connection:
            return [step_from(row) for row in chain.rows(connection, kind="claim", subject_id=claim_id)]

    def count(self, party_id: str, *, since: datetime, before: datetime) -> int:
        """Count the claims that a party proposed from ``since`` to just before ``before``."""
        query = select(func.count()).where(
            claims.c.party_id == party_id, claims.c.proposed_at >= since, claims.c.proposed_at < before
        )
        with explained(self.path), reading(self.engine) as connection:
            return connection.scalar(query) or 0

    def names(self, party_ids: Collection[str]) -> dict[str, str]:
        """Return the name of each of these parties."""
        if not party_ids:
            return {}
        with explained(self.path), reading(self.engine) as connection:
            return {row.id: row.name for row in connection.execute(_NAMES, {"ids": list(party_ids)})}

    def party(self, text: str) -> str:
        """Return the id of the party that ``text`` is the id or the whole name of.

        Raises NotFoundError if nobody is called so; ConflictError if several are
        """
        query = select(parties.c.id, parties.c.name).where(or_(parties.c.id == text, parties.c.name == text)).limit(9)
        with explained(self.path), reading(self.engine) as connection:
            found = connection.execute(query).all()
        if not found:
            raise NotFoundError(f"no party is called {text!r} in {self.path}; give its id or its whole name")
        if len(found) > 1:
            ids = ", ".join(sorted(row.id for row in found))
            raise ConflictError(
                f"several parties are called {text!r}: give one of the ids {ids}", code="party_ambiguous"
            )
        return str(found[0].id)

    # ── trust ────────────────────────────────────────────────────────────────

    def verify(self, *, head: str | None = None) -> tuple[int, str, list[Problem]]:
        """Walk the chain, and compare every claim and every piece of evidence with it.

        Returns how many rows the chain has, the hash of the last one, and every fault; see :func:`chain.verify`.
        """
        with explained(self.path), reading(self.engine) as connection:
            n_rows, last, problems = chain.verify(connection, head=head)
            return n_rows, last, [*problems, *_in_claims(connection), *_in_rules(connection), *_in_evidence(connection)]


def _in_claims(connection: Connection) -> Iterator[Problem]:
    """Yield the claims that are not what the chain says of them."""
    latest: dict[str, tuple[str, str]] = {}
    for row in chain.rows(connection, kind="claim"):
        try:
            latest[row.subject_id] = row.hash, chain.canonical(row.content["claim"])
        except (ValueError, KeyError, TypeError):
            yield Problem("chain_changed", f"chain row {row.sequence}: not a step of a claim", row.subject_id)
    for found in connection.execute(select(claims)):
        where = f"claim {found.id}"
        told = latest.pop(found.id, None)
        if told != (found.head, found.content) or not _agrees(found):
            yield Problem("claim_changed", f"{where}: it is not what the chain says of it", where)
    for claim_id in latest:
        yield Problem("claim_missing", f"claim {claim_id}: it is in the chain, but gone", f"claim {claim_id}")


# ── statements, put together once: that takes longer than to run them ────────


@cache
def _found(given: frozenset[str]) -> Select[Any]:
    conditions = {
        "claim_id": claims.c.id == bindparam("claim_id"),
        "party_id": claims.c.party_id == bindparam("party_id"),
        "state": claims.c.state == bindparam("state"),
        "upload_sha256s": claims.c.upload_sha256.in_(bindparam("upload_sha256s", expanding=True)),
        "proposed_before": claims.c.proposed_at < bindparam("proposed_before"),
    }
    return _in_order(*(condition for name, condition in conditions.items() if name in given))


@cache
def _page(given: frozenset[str]) -> Select[Any]:
    uploaded = select(jobs.c.upload_sha256).where(jobs.c.account_id == bindparam("uploader_id"))
    whose = {
        "party_id": claims.c.party_id == bindparam("party_id"),
        "uploader_id": claims.c.upload_sha256.in_(uploaded),
    }
    any_of = [condition for name, condition in whose.items() if name in given]
    of_state = [claims.c.state == bindparam("state")] if "state" in given else []
    return _in_order(*of_state, *([or_(*any_of)] if any_of else []))


def _in_order(*conditions: ColumnElement[bool]) -> Select[Any]:
    following = _WITH_EVIDENCE.where(claims.c.id > bindparam("after"), *conditions)
    return following.order_by(claims.c.id).limit(bindparam("limit"))


def _in_rules(connection: Connection) -> Iterator[Problem]:
    """Yield the policies that are not what the chain says of them."""
    told = {row.subject_id: row.payload for row in chain.rows(connection, kind="policy")}
    ended = {row.subject_id for row in chain.rows(connection, kind="policy-end")}
    for found in connection.execute(select(policies)):
        row = {name: value for name, value in found._mapping.items() if name != "ended_at"}
        same = told.pop(found.id, None) == chain.canonical(policy_content(row))
        if not same or (found.ended_at is not None) != (found.id in ended):
            where = f"policy {found.id}"
            yield Problem("policy_changed", f"{where}: it is not what the chain says of it", where)
    for policy_id in told:
        yield Problem("policy_missing", f"policy {policy_id}: it is in the chain, but gone", f"policy {policy_id}")


def _in_evidence(connection: Connection) -> Iterator[Problem]:
    """Yield the evidence that is not what its own id says."""
    for found in connection.execute(select(evidence.c.id, evidence.c.payload)):
        if hashlib.sha256(found.payload.encode()).hexdigest() != found.id:
            where = f"evidence {found.id}"
            yield Problem("evidence_changed", f"{where}: it is not what was recorded", where)


def _agrees(row: Row[Any]) -> bool:
    """Tell whether the columns for look-ups say what the content says."""
    content = json.loads(row.content)
    names = ("id", "upload_sha256", "evidence_id", "subject_id", "party_id", "right_type", "use_type", "state")
    return all(content[name] == row._mapping[name] for name in names)
