"""The tables of notices, their delivery, and split sheets; instants are text, ISO 8601 in UTC, which sorts by time."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text

from linernotes.store.schema import metadata

__all__ = ["deliveries", "locations", "notice_claims", "notices", "platforms", "sheets"]

platforms = Table(
    "platforms",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("regime", String, nullable=False),
    Column("country", String, nullable=False),
    Column("subdivision", String),
    Column("webhook_url", Text),
    Column("private_allowed", Boolean, nullable=False),
)

# Where an upload is known to be; what was taken down there keeps its row, with the day it went.
locations = Table(
    "locations",
    metadata,
    Column("platform_id", ForeignKey("platforms.id"), primary_key=True),
    Column("url", String, primary_key=True),
    Column("upload_sha256", String(64), nullable=False, index=True),
    Column("known_since", String, nullable=False),
    Column("gone_at", String),
)

# Where a notice stands now; how it came there is in the chain, with the digest of ``content``.
notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("regime", String, nullable=False),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    Column("upload_sha256", String(64), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("issued_at", String, nullable=False),
    Column("countered_on", Date),
    Column("restore_from", Date),
    Column("restore_by", Date),
    Column("complaint_until", Date),
    Index("ix_notices_state", "state"),
)

notice_claims = Table(
    "notice_claims",
    metadata,
    Column("notice_id", ForeignKey("notices.id"), primary_key=True),
    Column("claim_id", ForeignKey("claims.id"), primary_key=True, index=True),
)

# What must reach a platform: entered with the notice, so that no crash forgets it. The id is the idempotency key.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("notice_id", ForeignKey("notices.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String, nullable=False),
    Column("leased_until", String),
    Column("last_answer", Text),
    Column("delivered_at", String),
    Index("ix_deliveries_state_next_at", "state", "next_at"),
)

# Where a sheet stands now, for look-ups by those who pay; its steps are in the chain.
sheets = Table(
    "sheets",
    metadata,
    Column("id", String, primary_key=True),
    Column("subject_id", String, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("n_steps", Integer, nullable=False),
)
