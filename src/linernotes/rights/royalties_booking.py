"""From what a run came to, to entries: what is new since the books were written, and nothing else.

Conventions
-----------
A run works out afresh what everybody has of a usage period; what the books say already is taken off, and the difference
is posted in the period in which it is found. So a correction, a late report, a claim confirmed after months or an ISRC
that the catalogue has learned since are all one thing: an entry that says what changed. A hold is posted once for each
cause and ended once: posted to its claimant, or voided, and then the money goes to whom the rules say.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from linernotes.model import Account, Entry, EntryKind, Posting

__all__ = ["Booked", "Target", "book"]

_OPEN = (Account.PAYABLE, Account.UNCLAIMED, Account.UNMATCHED)

Slot = tuple[Account, str | None]
"""An account, of a party or of nobody."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a usage period in one currency comes to: by account and payee, and what is held by cause and claimant."""

    usage_period: str
    currency: str
    standing: Mapping[Slot, int]
    held: Mapping[str, Mapping[str | None, int]]


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books say of the same: by account and payee, and the holds that are pending."""

    standing: Mapping[Slot, int]
    pending: Sequence[Entry]


def book(
    target: Target,
    booked: Booked,
    *,
    period: str,
    run_id: str,
    due_claim_ids: Collection[str],
    payees: Mapping[str, str],
) -> list[Entry]:
    """Return the entries that take the books from what they say to what they should.

    ``payees`` says who is paid for a party, where that is another.
    """
    name = f"{run_id[:24]}:{target.usage_period}:{target.currency}"
    found: list[Entry] = []
    now = dict(booked.standing)
    by_cause: dict[str, list[Entry]] = defaultdict(list)
    for hold in booked.pending:
        by_cause[hold.cause or ""].append(hold)
    for cause in sorted({*by_cause, *target.held}):
        holds, wanted = by_cause.get(cause, []), target.held.get(cause, {})
        if _amounts(holds) == {party: amount for party, amount in wanted.items() if amount}:
            continue
        is_due = not wanted and cause.removeprefix("claim:") in due_claim_ids
        for hold in holds:
            found.append(_ended(hold, target, period, run_id, is_due=is_due, payees=payees))
            for leg in found[-1].postings:
                if leg.account is Account.PAYABLE:
                    now[leg.account, leg.party_id] = now.get((leg.account, leg.party_id), 0) + leg.amount_micro
        if legs := _legs({(Account.HELD, party): amount for party, amount in wanted.items()}, target.currency):
            why = f"{target.usage_period}: held, {_told(cause)}"
            found.append(
                Entry(f"{name}:{cause}", period, EntryKind.HOLD, why, legs, target.usage_period, cause, None, run_id)
            )
    changes = {
        slot: target.standing.get(slot, 0) - now.get(slot, 0) for slot in {*target.standing, *now} if slot[0] in _OPEN
    }
    if legs := _legs(changes, target.currency):
        is_first = not booked.standing and not booked.pending
        kind = EntryKind.ROYALTY if is_first else EntryKind.CORRECTION
        why = f"{target.usage_period}: " + ("what usage brought" if is_first else "what is found since")
        found.append(Entry(name, period, kind, why, legs, target.usage_period, run_id=run_id))
    return found


def _amounts(holds: Sequence[Entry]) -> dict[str | None, int]:
    sums: dict[str | None, int] = defaultdict(int)
    for hold in holds:
        for leg in hold.postings:
            if leg.account is Account.HELD:
                sums[leg.party_id] += leg.amount_micro
    return {party: amount for party, amount in sums.items() if amount}


def _ended(hold: Entry, target: Target, period: str, run_id: str, *, is_due: bool, payees: Mapping[str, str]) -> Entry:
    """Post a hold to its claimant, or void it: then its money goes back to where it came from, to be divided anew."""
    kept = [leg for leg in hold.postings if leg.account is Account.HELD]
    back = [Posting(leg.account, leg.party_id, leg.currency, -leg.amount_micro) for leg in kept]
    for leg in kept:
        if is_due and leg.party_id is not None:
            payee = payees.get(leg.party_id, leg.party_id)
            back.append(Posting(Account.PAYABLE, payee, leg.currency, leg.amount_micro))
        else:
            back.append(Posting(Account.CASH, None, leg.currency, leg.amount_micro))
    kind = EntryKind.POST if is_due else EntryKind.VOID
    why = f"{target.usage_period}: {'the claim is due' if is_due else 'the hold is over'}, {_told(hold.cause or '')}"
    # One hold ends once, whatever run sees it: the id says so.
    return Entry(f"{kind}:{hold.id}", period, kind, why, back, target.usage_period, None, hold.id, run_id)


def _legs(changes: Mapping[Slot, int], currency: str) -> list[Posting]:
    """Write changes as postings in order of account and party, against cash."""
    legs = [
        Posting(account, party, currency, amount)
        for (account, party), amount in sorted(changes.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        if amount
    ]
    came_in = sum(leg.amount_micro for leg in legs)
    return [Posting(Account.CASH, None, currency, -came_in), *legs] if came_in else legs


def _told(cause: str) -> str:
    kind, _, rest = cause.partition(":")
    return {
        "claim": f"claim {rest} is not decided",
        "contested_claims": f"claims on {rest} add up to more than there is",
        "contested_shares": f"shares of {rest} add up to more than the whole",
        "too_fine": f"shares of {rest} have no common denominator that can be divided by",
    }.get(kind, cause)
