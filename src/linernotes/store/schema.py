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
    Text,
)

__all__ = [
    "chain",
    "claims",
    "contributions",
    "evidence",
    "former",
    "metadata",
    "model_releases",
    "parties",
    "policies",
    "recordings",
    "shares",
    "uploads",
    "voices",
    "works",
]

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
    Column("alias_of", ForeignKey("parties.id")),
)

works = Table(
    "works",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("iswc", String(11), unique=True),
    Column("registered_at", DateTime(timezone=True)),
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("artist", String, nullable=False),
    Column("sha256", String(64), unique=True),
    Column("path", String, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("sample_rate_hz", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("isrc", String(12), unique=True),
    Column("work_id", ForeignKey("works.id"), index=True),
    Column("year", Integer),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("contains_ai", String),
)

contributions = Table(
    "contributions",
    metadata,
    Column("subject_id", String, primary_key=True),
    Column("party_id", ForeignKey("parties.id"), primary_key=True, index=True),
    Column("role", String, primary_key=True),
    Column("contains_ai", String),
    sqlite_with_rowid=False,
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
    Index("ix_shares_subject_id", "subject_id"),
)

# What a title or the like was until a day, that day not included; as JSON, so that a year stays a number.
former = Table(
    "former",
    metadata,
    Column("subject_id", String, primary_key=True),
    Column("field", String, primary_key=True),
    Column("until", Date, primary_key=True),
    Column("value", Text, nullable=False),
)

voices = Table(
    "voices",
    metadata,
    Column("id", String, primary_key=True),
    Column("party_id", ForeignKey("parties.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("consent", Text),
    Column("registered_at", DateTime(timezone=True), nullable=False),
)

model_releases = Table(
    "model_releases",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("party_id", ForeignKey("parties.id"), nullable=False),
)

# Exact numbers of a policy are fractions written out ("1/2"); a policy ends, it is never changed.
policies = Table(
    "policies",
    metadata,
    Column("id", String, primary_key=True),
    Column("party_id", ForeignKey("parties.id"), nullable=False, index=True),
    Column("use_type", String, nullable=False),
    Column("action", String, nullable=False),
    Column("share", String),
    Column("side", String),
    Column("territory", String, nullable=False),
    Column("match_length_min_s", String, nullable=False),
    Column("probability_min", String, nullable=False),
    Column("subject_id", String),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("ended_at", DateTime(timezone=True)),
)

# ── what came in, what was heard, what was asserted ──────────────────────────

uploads = Table(
    "uploads",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("path", String, nullable=False),
    Column("first_seen_at", DateTime(timezone=True), nullable=False),
)

# The id is the SHA-256 of the payload, so that the record cannot be exchanged for another.
evidence = Table(
    "evidence",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("upload_sha256", ForeignKey("uploads.sha256"), nullable=False, index=True),
    Column("payload", Text, nullable=False),
)

# Where a claim stands now, for lists and look-ups; how it came there is in the chain, and ``verify`` compares them.
claims = Table(
    "claims",
    metadata,
    Column("id", String, primary_key=True),
    Column("upload_sha256", ForeignKey("uploads.sha256"), nullable=False, index=True),
    Column("evidence_id", ForeignKey("evidence.id"), nullable=False),
    Column("subject_id", String, nullable=False),
    Column("party_id", ForeignKey("parties.id"), nullable=False),
    Column("right_type", String, nullable=False),
    Column("use_type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("head", String(64), nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Index("ix_claims_party_id_proposed_at", "party_id", "proposed_at"),
    Index("ix_claims_state", "state"),
)

# ── the chain ────────────────────────────────────────────────────────────────

# ``at`` is text and ``payload`` canonical JSON: the very bytes that were hashed.
chain = Table(
    "chain",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject_id", String, nullable=False, index=True),
    Column("actor", String, nullable=False),
    Column("why", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)
