"""The tables of usage reports; what they report lies in Parquet beside the catalogue."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text

from linernotes.store.schema import metadata

__all__ = ["usage_faults", "usage_files", "usage_periods", "usage_reports", "usage_sums"]

# A report has a row when its Parquet lies whole; what has none does not count.
usage_reports = Table(
    "usage_reports",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("format", String, nullable=False),
    Column("sender", Text, nullable=False),
    Column("imported_at", String, nullable=False, index=True),
    Column("n_lines", BigInteger, nullable=False),
    Column("n_faulty", BigInteger, nullable=False),
    Column("n_remarks", BigInteger, nullable=False),
)

usage_files = Table(
    "usage_files",
    metadata,
    Column("report_id", ForeignKey("usage_reports.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("first_line", BigInteger, nullable=False),
    Column("n_lines", BigInteger, nullable=False),
)

usage_periods = Table(
    "usage_periods",
    metadata,
    Column("report_id", ForeignKey("usage_reports.id"), primary_key=True),
    Column("period", String(7), primary_key=True, index=True),
)

usage_sums = Table(
    "usage_sums",
    metadata,
    Column("report_id", ForeignKey("usage_reports.id"), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("amount_micro", BigInteger, nullable=False),
    Column("stated_micro", BigInteger),
)

usage_faults = Table(
    "usage_faults",
    metadata,
    Column("report_id", ForeignKey("usage_reports.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("lost", Boolean, nullable=False),
)
