"""What people receive, as files, each whole or not at all: statements as PDF and CSV, payments for a bank or as CSV."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from linernotes.formats.payments import Debtor, PainVersion, PaymentFile, pain001, payments_csv
from linernotes.formats.statement_files import statement_csv
from linernotes.formats.statement_pdf import statement_pdf
from linernotes.journeys.files import write_whole
from linernotes.model import Payment, Problem, Statement

__all__ = ["write_bank_file", "write_payment_table", "write_statements"]


def write_statements(
    statements: Sequence[Statement], *, pdf: Path | None = None, csv: Path | None = None
) -> Sequence[Path]:
    """Write a party's statements into the files that are named; return those written.

    Raises InvariantError, before anything is written, if a statement does not add up; StorageError for the disk.
    """
    printed = None if pdf is None else statement_pdf(statements)
    written = []
    if pdf is not None and printed is not None:
        write_whole(pdf, printed)
        written.append(pdf)
    if csv is not None:
        write_whole(csv, statement_csv(statements))
        written.append(csv)
    return written


def write_bank_file(
    payments: Sequence[Payment],
    debtor: Debtor,
    path: Path,
    *,
    created_at: datetime,
    version: PainVersion = PainVersion.V09,
) -> PaymentFile:
    """Write the bank's file of payments, if there is one that it can carry; return what is in it and what is not."""
    file = pain001(payments, debtor, created_at=created_at, version=version)
    if file.xml is not None:
        write_whole(path, file.xml)
    return file


def write_payment_table(payments: Sequence[Payment], problems: Sequence[Problem], path: Path) -> None:
    """Write all payments as CSV, each with what keeps it from the bank's file."""
    write_whole(path, payments_csv(payments, problems))
