"""What is agreed: rules of division, terms of payment, advances, exchange rates. The latest said holds, all is kept."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import Advance, ExchangeRate, RightType, RoyaltyRule, Terms
from linernotes.store import chain
from linernotes.store.books_tables import advances, exchange_rates, royalty_rules, terms
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.schema import parties

__all__ = ["Agreements"]


class Agreements:
    """Rules, terms, advances and rates; in the same database as the books."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open what is agreed in the file ``path``, or the database at the URL."""
        self.engine: Engine = open_database(path, writable=writable)
        self.path = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def set_rules(self, rules: Sequence[RoyaltyRule]) -> None:
        """Enter the rules that hold from now on, all together; the editions before stay on record."""
        with explained(self.path), writing(self.engine) as connection:
            edition = (connection.scalar(select(func.max(royalty_rules.c.edition))) or 0) + 1
            rows = [
                {
                    "edition": edition,
                    "number": number,
                    "use_type": rule.use_type,
                    "territory": rule.territory,
                    "valid_from": rule.valid_from,
                    "valid_to": rule.valid_to,
                    "parts": chain.canonical({right.value: str(part) for right, part in rule.parts.items()}),
                }
                for number, rule in enumerate(rules)
            ]
            connection.execute(insert(royalty_rules), rows)

    def rules(self) -> list[RoyaltyRule]:
        """Return the rules that hold; none where nobody has said any."""
        newest = select(func.max(royalty_rules.c.edition)).scalar_subquery()
        query = select(royalty_rules).where(royalty_rules.c.edition == newest).order_by(royalty_rules.c.number)
        with explained(self.path), reading(self.engine) as connection:
            return [
                RoyaltyRule(
                    row.use_type,
                    {RightType(right): Fraction(part) for right, part in json.loads(row.parts).items()},
                    row.territory,
                    row.valid_from,
                    row.valid_to,
                )
                for row in connection.execute(query)
            ]

    def set_terms(self, agreed: Sequence[Terms]) -> None:
        """Enter terms; what was agreed with the same parties before no longer holds. NotFoundError for a stranger."""
        with explained(self.path), writing(self.engine) as connection:
            _check_parties(connection, [each.party_id for each in agreed], self.path)
            edition = (connection.scalar(select(func.max(terms.c.edition))) or 0) + 1
            rows = [
                {
                    "edition": edition,
                    "party_id": each.party_id,
                    "currency": each.currency,
                    "recoupment_group": each.group,
                    "withholding": str(each.withholding),
                    "minimum_micro": each.minimum_micro,
                    "iban": each.iban,
                    "bic": each.bic,
                    "reserve": str(each.reserve),
                    "reserve_periods": each.reserve_periods,
                    "recoup_from": " ".join(each.recoup_from),
                }
                for each in agreed
            ]
            if rows:
                connection.execute(insert(terms), rows)

    def terms(self) -> dict[str, Terms]:
        """Return the terms that hold, by party."""
        with explained(self.path), reading(self.engine) as connection:
            return {
                row.party_id: Terms(
                    row.party_id,
                    row.currency,
                    row.recoupment_group,
                    Fraction(row.withholding),
                    row.minimum_micro,
                    row.iban,
                    row.bic,
                    Fraction(row.reserve),
                    row.reserve_periods,
                    tuple(map(RightType, row.recoup_from.split())),
                )
                for row in connection.execute(select(terms).order_by(terms.c.edition))
            }

    def add_advances(self, paid: Sequence[Advance]) -> int:
        """Enter advances and return how many were new; ConflictError if one is here that says something else."""
        with explained(self.path), writing(self.engine) as connection:
            _check_parties(connection, [each.party_id for each in paid], self.path)
            known = {row.id: Advance(*row) for row in connection.execute(select(advances))}
            for each in paid:
                if known.get(each.id, each) != each:
                    raise ConflictError(f"advance {each.id} is here already and says {known[each.id]}", code="advance")
            new = [each for each in dict.fromkeys(paid) if each.id not in known]
            for each in new:
                connection.execute(insert(advances).values({name: getattr(each, name) for name in Advance.__slots__}))
            return len(new)

    def advances(self) -> list[Advance]:
        """List the advances, by day and id."""
        with explained(self.path), reading(self.engine) as connection:
            query = select(advances).order_by(advances.c.paid_on, advances.c.id)
            return [Advance(*row) for row in connection.execute(query)]

    def add_rates(self, published: Sequence[ExchangeRate]) -> int:
        """Enter rates and return how many were new; ConflictError if another is here for the same day."""
        with explained(self.path), writing(self.engine) as connection:
            known = {(rate.base, rate.quote, rate.on): rate for rate in _rates(connection)}
            for rate in published:
                there = known.get((rate.base, rate.quote, rate.on), rate)
                if there.rate != rate.rate:
                    message = f"{rate.base} in {rate.quote} on {rate.on} is {there.rate} here, not {rate.rate}"
                    raise ConflictError(message, code="rate")
            new = {(r.base, r.quote, r.on): r for r in published if (r.base, r.quote, r.on) not in known}
            for rate in new.values():
                connection.execute(
                    insert(exchange_rates).values(
                        base=rate.base, quote=rate.quote, rate_on=rate.on, rate=str(rate.rate), source=rate.source
                    )
                )
            return len(new)

    def rates(self) -> list[ExchangeRate]:
        """List the rates."""
        with explained(self.path), reading(self.engine) as connection:
            return _rates(connection)


def _rates(connection: Connection) -> list[ExchangeRate]:
    order = (exchange_rates.c.base, exchange_rates.c.quote, exchange_rates.c.rate_on)
    return [
        ExchangeRate(row.base, row.quote, row.rate_on, Fraction(row.rate), row.source)
        for row in connection.execute(select(exchange_rates).order_by(*order))
    ]


def _check_parties(connection: Connection, party_ids: Sequence[str], path: object) -> None:
    known = set(connection.scalars(select(parties.c.id).where(parties.c.id.in_(party_ids))))
    if strange := sorted(set(party_ids) - known):
        raise NotFoundError(f"no party {', '.join(strange[:3])} in {path}; see catalogue list")
