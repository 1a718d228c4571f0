"""What people receive lands whole, or not at all."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from linernotes.errors import InvariantError, StorageError
from linernotes.formats.payments import Debtor, payment_problems
from linernotes.journeys.account_statement import write_bank_file, write_payment_table, write_statements
from linernotes.model import Payment
from tests.statement_samples import balanced, line

AT = datetime(2026, 11, 22, tzinfo=UTC)
PAYMENT = Payment("pay_1", "pty_1", "Mira", "2026-10", "EUR", 5, date(2026, 11, 30), "NL91ABNA0417164300")


def test_statements_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    told = [balanced([line()])]
    assert write_statements(told) == []
    pdf, csv = tmp_path / "new" / "mira.pdf", tmp_path / "mira.csv"
    assert write_statements(told, pdf=pdf, csv=csv) == [pdf, csv]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert len(csv.read_text().splitlines()) == 2
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mira.csv", "mira.pdf", "new"]


def test_what_does_not_add_up_leaves_the_old_file(tmp_path: Path) -> None:
    pdf, csv = tmp_path / "mira.pdf", tmp_path / "mira.csv"
    pdf.write_bytes(b"old")
    wrong = replace(balanced([line()]), closing_micro=5)
    with pytest.raises(InvariantError):
        write_statements([wrong], pdf=pdf, csv=csv)
    assert pdf.read_bytes() == b"old"
    assert not csv.exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_statements([balanced([line()])], csv=tmp_path / "file" / "mira.csv")


def test_a_bank_file_with_nothing_in_it_is_not_written(tmp_path: Path) -> None:
    debtor, path = Debtor("Nordklang", "DE89370400440532013000"), tmp_path / "out.xml"
    assert write_bank_file([replace(PAYMENT, iban=None)], debtor, path, created_at=AT).xml is None
    assert not path.exists()
    assert write_bank_file([PAYMENT], debtor, path, created_at=AT).n_payments == 1
    assert path.read_text().startswith('<?xml version="1.0" encoding="UTF-8"?>')


def test_the_table_has_every_payment(tmp_path: Path) -> None:
    payments = [PAYMENT, replace(PAYMENT, id="pay_2", iban=None)]
    write_payment_table(payments, payment_problems(payments), tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3
