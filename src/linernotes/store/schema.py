"""The tables, as SQLAlchemy Core knows them; ``migrations/`` builds them, and a test holds the two together."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = ["contributions", "metadata", "parties", "recordings", "shares", "works"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

parties = Table(
    "parties",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("ipi_name_number", String(11), unique=True),
    Column("ipi_base_number", String(11)),
    Column("isni", String(16), unique=True),
)

works = Table(
    "works",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("iswc", String(11), unique=True),
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("artist", String, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("path", String, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("sample_rate_hz", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("isrc", String(12), unique=True),
    Column("work_id", ForeignKey("works.id"), index=True),
    Column("year", Integer),
    Column("registered_at", DateTime(timezone=True), nullable=False),
)

contributions = Table(
    "contributions",
    metadata,
    Column("subject_id", String, primary_key=True),
    Column("party_id", ForeignKey("parties.id"), primary_key=True),
    Column("role", String, primary_key=True),
)

# A share is an exact fraction: two whole numbers, never a float.
shares = Table(
    "shares",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject_id", String, nullable=False),
    Column("party_id", ForeignKey("parties.id"), nullable=False),
    Column("right_type", String, nullable=False),
    Column("numerator", BigInteger, nullable=False),
    Column("denominator", BigInteger, nullable=False),
    Column("territory", String, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    CheckConstraint("numerator > 0 AND denominator >= numerator", name="fraction"),
    UniqueConstraint("subject_id", "party_id", "right_type", "territory", "valid_from"),
    Index("ix_shares_party_id", "party_id"),
)
