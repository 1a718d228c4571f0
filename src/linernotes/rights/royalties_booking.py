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

__all__ = ["Booked", "Slot", "Target", "book"]

_OPEN = frozenset({Account.PAYABLE, Account.UNCLAIMED, Account.UNMATCHED})
_NAME = {account: account.value for account in Account}

Slot = tuple[Account, str | None, str]
"""An account, of a party or of nobody, in a currency."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a usage period comes to: by account, payee and currency, and what is held, by cause."""

    usage_period: str
    standing: Mapping[Slot, int]
    held: Mapping[str, Mapping[Slot, int]]


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
    name = f"{run_id[:24]}:{target.usage_period}"
    usage = target.usage_period
    found: list[Entry] = []
    now = dict(booked.standing)
    by_cause: dict[str, list[Entry]] = defaultdict(list)
    for hold in booked.pending:
        by_cause[hold.cause or ""].append(hold)
    for cause in sorted({*by_cause, *target.held}):
        holds = by_cause.get(cause, [])
        wanted = {slot: amount for slot, amount in target.held.get(cause, {}).items() if amount}
        if _amounts(holds) == wanted:
            continue
        is_due = not wanted and cause.removeprefix("claim:") in due_claim_ids
        for hold in holds:
            ended = _ended(hold, usage, period, run_id, is_due=is_due, payees=payees)
            found.append(ended)
            for leg in ended.postings:
                slot = leg.account, leg.party_id, leg.currency
                if leg.account is Account.PAYABLE:
                    now[slot] = now.get(slot, 0) + leg.amount_micro
        if legs := _legs(wanted):
            why = f"{usage}: held, {_told(cause)}"
            found.append(Entry(f"{name}:{cause}", period, EntryKind.HOLD, why, legs, usage, cause, None, run_id))
    changes = dict(target.standing)
    for slot, amount in now.items():
        if slot[0] in _OPEN:
            changes[slot] = changes.get(slot, 0) - amount
    if legs := _legs(changes):
        is_first = not booked.standing and not booked.pending
        kind = EntryKind.ROYALTY if is_first else EntryKind.CORRECTION
        why = f"{usage}: " + ("what usage brought" if is_first else "what is found since")
        found.append(Entry(name, period, kind, why, legs, usage, run_id=run_id))
    return found


def _amounts(holds: Sequence[Entry]) -> dict[Slot, int]:
    sums: dict[Slot, int] = defaultdict(int)
    for hold in holds:
        for leg in hold.postings:
            if leg.account is Account.HELD:
                sums[leg.account, leg.party_id, leg.currency] += leg.amount_micro
    return {slot: amount for slot, amount in sums.items() if amount}


def _ended(
    hold: Entry, usage_period: str, period: str, run_id: str, *, is_due: bool, payees: Mapping[str, str]
) -> Entry:
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
    why = f"{usage_period}: {'the claim is due' if is_due else 'the hold is over'}, {_told(hold.cause or '')}"
    # One hold ends once, whatever run sees it: the id says so.
    return Entry(f"{kind}:{hold.id}", period, kind, why, back, usage_period, None, hold.id, run_id)


def _legs(changes: Mapping[Slot, int]) -> list[Posting]:
    """Write changes as postings in order of currency, account and party, each currency against cash."""
    came_in: dict[str, int] = defaultdict(int)
    # Sorted as texts: a run may have a million of these.
    found = sorted(
        (currency, _NAME[account], party or "", account, amount)
        for (account, party, currency), amount in changes.items()
        if amount
    )
    for currency, _, _, _, amount in found:
        came_in[currency] += amount
    return [
        *(Posting(Account.CASH, None, currency, -amount) for currency, amount in sorted(came_in.items()) if amount),
        *(Posting(account, party or None, currency, amount) for currency, _, party, account, amount in found),
    ]


def _told(cause: str) -> str:
    kind, _, rest = cause.partition(":")
    return {
        "claim": f"claim {rest} is not decided",
        "contested_claims": f"claims on {rest} add up to more than there is",
        "contested_shares": f"shares of {rest} add up to more than the whole",
        "too_fine": f"shares of {rest} have no common denominator that can be divided by",
    }.get(kind, cause)
