"""The tables of the books and of what is agreed; the database itself keeps them append-only (migration 0006)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from linernotes.store.schema import metadata

__all__ = [
    "advances",
    "closing_balances",
    "closings",
    "entries",
    "exchange_rates",
    "postings",
    "royalty_rules",
    "royalty_runs",
    "terms",
]

# An entry is written after its postings, and is then sealed: at that moment the database checks that it balances.
# ``usage_period`` is when what it is about was used; ``cause`` names what a hold waits for; ``resolves`` ends a hold.
entries = Table(
    "entries",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("period", String(7), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("because", Text, nullable=False),
    Column("usage_period", String(7), index=True),
    Column("run_id", String(64)),
    Column("cause", String),
    Column("resolves", ForeignKey("entries.id"), unique=True),
    CheckConstraint("(kind IN ('post', 'void')) = (resolves IS NOT NULL)", name="resolves"),
)

postings = Table(
    "postings",
    metadata,
    Column(
        "entry",
        ForeignKey("entries.sequence", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", String, nullable=False),
    Column("party_id", ForeignKey("parties.id")),
    Column("currency", String(3), nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    CheckConstraint("amount_micro <> 0", name="amount"),
    Index("ix_postings_party_id", "party_id"),
    sqlite_with_rowid=False,
)

closings = Table(
    "closings",
    metadata,
    Column("period", String(7), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("closed_at", DateTime(timezone=True), nullable=False),
)

closing_balances = Table(
    "closing_balances",
    metadata,
    Column("period", ForeignKey("closings.period"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", String, nullable=False),
    Column("party_id", String),
    Column("currency", String(3), nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a run was made from, as canonical JSON; its id is the hash of that and of the run before it.
royalty_runs = Table(
    "royalty_runs",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(64), nullable=False, unique=True),
    Column("period", String(7), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
)

# ── what is agreed; exact numbers are fractions written out ("1/3"), the latest said holds ──

royalty_rules = Table(
    "royalty_rules",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("use_type", String, nullable=False),
    Column("territory", String, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("parts", Text, nullable=False),
)

terms = Table(
    "terms",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("party_id", ForeignKey("parties.id"), primary_key=True),
    Column("currency", String(3)),
    Column("recoupment_group", String),
    Column("withholding", String, nullable=False),
    Column("minimum_micro", BigInteger, nullable=False),
    Column("iban", String),
    Column("bic", String),
    Column("reserve", String, nullable=False, server_default="0"),
    Column("reserve_periods", Integer, nullable=False, server_default="0"),
    Column("recoup_from", String, nullable=False, server_default=""),
)

advances = Table(
    "advances",
    metadata,
    Column("id", String, primary_key=True),
    Column("party_id", ForeignKey("parties.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    Column("paid_on", Date, nullable=False),
    CheckConstraint("amount_micro > 0", name="amount"),
)

exchange_rates = Table(
    "exchange_rates",
    metadata,
    Column("base", String(3), primary_key=True),
    Column("quote", String(3), primary_key=True),
    Column("rate_on", Date, primary_key=True),
    Column("rate", String, nullable=False),
    Column("source", String, nullable=False),
)
