"""The ledger's rules, without a database: what an entry must be, what a period must add up to, and how it is printed.

Conventions
-----------
What comes into an account is positive. Money enters through ``cash``, which stands below zero by all that came in, and
leaves through ``paid``; in between it stands in an account with a name. So, in every currency and at any time::

    −cash = paid + payable + held + unmatched + unclaimed + below threshold + withheld tax + rounding
            + exchange + recoupable + reserved

A printed journal follows the accountant's habit instead: there ``cash`` is an asset above zero, so every sign turns.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from linernotes.errors import InvariantError
from linernotes.model import Account, Entry, Posting, Problem
from linernotes.money import LIMIT_MICRO, Money

__all__ = ["CSV_HEADER", "Balances", "beancount", "check_entry", "check_period", "csv_rows", "total"]

Balances = Mapping[tuple[Account, str | None, str], int]
"""What stands in an account of a party in a currency, in 10⁻⁶."""

CSV_HEADER = ("entry", "period", "kind", "usage_period", "account", "party_id", "currency", "amount_micro", "because")

_PRINTED = {
    Account.CASH: "Assets:Cash",
    Account.PAID: "Assets:Paid",
    Account.RECOUPABLE: "Assets:Recoupable",
    Account.PAYABLE: "Liabilities:Payable",
    Account.HELD: "Liabilities:Held",
    Account.UNMATCHED: "Liabilities:Unmatched",
    Account.UNCLAIMED: "Liabilities:Unclaimed",
    Account.BELOW_THRESHOLD: "Liabilities:BelowThreshold",
    Account.RESERVED: "Liabilities:Reserved",
    Account.WITHHELD_TAX: "Liabilities:WithheldTax",
    Account.ROUNDING: "Equity:Rounding",
    Account.EXCHANGE: "Equity:Exchange",
}


def total(postings: Iterable[Posting]) -> dict[str, int]:
    """Add up postings by currency; those that add up to nothing are left out."""
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.currency] += posting.amount_micro
    return {currency: amount for currency, amount in sums.items() if amount}


def check_entry(entry: Entry) -> None:
    """Refuse an entry that the database would refuse, and say why; InvariantError, for the rules made it."""
    left = total(entry.postings)
    if left:
        sums = ", ".join(str(Money(currency, amount)) for currency, amount in sorted(left.items()))
        raise InvariantError(f"entry {entry.id}: it does not balance, {sums} is left over")
    if len(entry.postings) < 2 or not all(posting.amount_micro for posting in entry.postings):
        raise InvariantError(f"entry {entry.id}: it needs two postings or more, and none of nothing")
    if any(abs(posting.amount_micro) >= LIMIT_MICRO for posting in entry.postings):
        raise InvariantError(f"entry {entry.id}: an amount is beyond what the books hold")


def check_period(period: str, opening: Balances, movements: Balances, closing: Balances) -> list[Problem]:
    """Say where opening and movements do not make the closing, and where a currency does not add up to zero."""
    problems = []
    for key in sorted({*opening, *movements, *closing}, key=lambda key: (key[0], key[1] or "", key[2])):
        account, party_id, currency = key
        was, moved, stands = (balances.get(key, 0) for balances in (opening, movements, closing))
        if was + moved != stands:
            where = f"{period} {account} {party_id or ''} {currency}".replace("  ", " ")
            told = [str(Money(currency, amount)) for amount in (was, moved, stands)]
            message = f"{where}: {told[0]} and {told[1]} do not make {told[2]}"
            problems.append(Problem("ledger_period", message, where))
    sums = total(Posting(account, party, currency, amount) for (account, party, currency), amount in closing.items())
    for currency, amount in sorted(sums.items()):
        message = f"{period}: what came in and what stands somewhere differ by {Money(currency, amount)}"
        problems.append(Problem("ledger_sum", message, f"{period} {currency}"))
    return problems


def csv_rows(entries: Iterable[Entry]) -> Iterator[Sequence[object]]:
    """Yield the header, then a row for each posting."""
    yield CSV_HEADER
    for entry in entries:
        for leg in entry.postings:
            yield (
                *(entry.id, entry.period, entry.kind.value, entry.usage_period or ""),
                *(leg.account.value, leg.party_id or "", leg.currency, leg.amount_micro, entry.because),
            )


def beancount(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the journal as beancount's text, which hledger reads too; amounts with six digits.

    Source: https://beancount.github.io/docs/beancount_language_syntax.html
    """
    opened: set[str] = set()
    for entry in entries:
        day = f"{entry.period}-01"
        legs = [(_printed(leg), leg) for leg in entry.postings]
        for name, _ in legs:
            if name not in opened:
                opened.add(name)
                yield f"1970-01-01 open {name}\n"
        because = entry.because.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        yield f'\n{day} * "{entry.kind}" "{because}"\n  id: "{entry.id}"\n'
        for name, leg in legs:
            yield f"  {name}  {_amount(-leg.amount_micro)} {leg.currency}\n"


def _printed(leg: Posting) -> str:
    name = _PRINTED[leg.account]
    # An account's part begins with a capital or a digit and holds letters, digits and dashes.
    return name if leg.party_id is None else f"{name}:P-{''.join(c if c.isalnum() else '-' for c in leg.party_id)}"


def _amount(amount_micro: int) -> str:
    units, micro = divmod(abs(amount_micro), 1_000_000)
    return f"{'-' if amount_micro < 0 else ''}{units}.{micro:06d}"
