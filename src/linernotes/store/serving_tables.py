"""The tables of the server: who signs in, long work, answers given once; instants are text, as those of notices."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from linernotes.store.schema import metadata

__all__ = ["accounts", "answers", "jobs", "sessions", "subscriptions", "tokens"]

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String, nullable=False),
    Column("party_id", ForeignKey("parties.id")),
    Column("created_at", String, nullable=False),
    Column("disabled_at", String),
    CheckConstraint("(role = 'rights_holder') = (party_id IS NOT NULL)", name="party"),
)

# ``id`` is the SHA-256 of what the browser has: who reads the database cannot sign in with it.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("revoked_at", String),
)

# Payload, progress, result and problem are JSON. ``lease`` names the one attempt that may end the job.
jobs = Table(
    "jobs",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("request_key", String),
    Column("payload", Text, nullable=False),
    Column("upload_sha256", String(64), index=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", String, nullable=False),
    Column("lease", String),
    Column("leased_until", String),
    Column("worker", String),
    Column("progress", Text),
    Column("result", Text),
    Column("problem", Text),
    Column("created_at", String, nullable=False),
    Column("started_at", String),
    Column("finished_at", String),
    Unique("account_id", "request_key"),
    Index("ix_jobs_state_due_at", "state", "due_at"),
    Index("ix_jobs_account_id_kind_number", "account_id", "kind", "number"),
)

# What was answered to a request with an idempotency key; ``status`` is NULL while it is being worked on.
answers = Table(
    "answers",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("body", Text),
    Column("created_at", String, nullable=False, index=True),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("private_allowed", Boolean, nullable=False),
    Column("created_at", String, nullable=False),
    Column("ended_at", String),
)
