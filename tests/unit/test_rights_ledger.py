"""The ledger's own rules, and the journal as others read it."""

import pytest

from linernotes.errors import InvariantError
from linernotes.model import Account, Entry, EntryKind, Posting
from linernotes.rights.ledger import beancount, check_entry, csv_rows, total

LEGS = (
    Posting(Account.CASH, None, "EUR", -1_500_000),
    Posting(Account.PAYABLE, "pty_a", "EUR", 1_500_000),
)
GOOD = Entry("e1", "2026-01", EntryKind.ROYALTY, 'what "usage"\nbrought', LEGS, "2025-12")


def test_what_balances_passes() -> None:
    check_entry(GOOD)
    assert total(LEGS) == {}


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        ((*LEGS, Posting(Account.HELD, None, "JPY", 1)), r"0\.000001 JPY is left over"),
        ((), "two postings"),
        ((*LEGS, Posting(Account.HELD, None, "EUR", 0)), "none of nothing"),
        ((Posting(Account.CASH, None, "EUR", -(1 << 62)), Posting(Account.HELD, None, "EUR", 1 << 62)), "beyond"),
    ],
)
def test_what_does_not_is_a_bug(legs: tuple[Posting, ...], said: str) -> None:
    with pytest.raises(InvariantError, match=said):
        check_entry(Entry("e", "2026-01", EntryKind.ROYALTY, "", legs))


def test_the_journal_in_the_accountants_form() -> None:
    assert "".join(beancount([GOOD])) == (
        "1970-01-01 open Assets:Cash\n"
        "1970-01-01 open Liabilities:Payable:P-pty-a\n"
        '\n2026-01-01 * "royalty" "what \\"usage\\" brought"\n  id: "e1"\n'
        "  Assets:Cash  1.500000 EUR\n"
        "  Liabilities:Payable:P-pty-a  -1.500000 EUR\n"
    )


def test_the_journal_as_a_table() -> None:
    header, *rows = csv_rows([GOOD])
    assert header[4:8] == ("account", "party_id", "currency", "amount_micro")
    assert [row[4:8] for row in rows] == [("cash", "", "EUR", -1_500_000), ("payable", "pty_a", "EUR", 1_500_000)]
