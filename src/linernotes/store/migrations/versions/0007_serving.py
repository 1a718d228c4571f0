"""The server: accounts, sessions, tokens, jobs, answers given once, and who is told of events."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("party_id", sa.String),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("disabled_at", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_accounts_party_id"),
        sa.CheckConstraint("(role = 'rights_holder') = (party_id IS NOT NULL)", name="ck_accounts_party"),
    )
    _create_of_account(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
    )
    _create_of_account(
        "tokens",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String),
        sa.Column("revoked_at", sa.String),
    )
    _create_of_account(
        "subscriptions",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("private_allowed", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("ended_at", sa.String),
    )
    _create_jobs()
    op.create_table(
        "answers",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.Text),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_created_at", "answers", ["created_at"])


def _create_of_account(name: str, *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("account_id", sa.String, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=f"fk_{name}_account_id"),
    )
    op.create_index(f"ix_{name}_account_id", name, ["account_id"])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("request_key", sa.String),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("upload_sha256", sa.String(64)),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.String, nullable=False),
        sa.Column("lease", sa.String),
        sa.Column("leased_until", sa.String),
        sa.Column("worker", sa.String),
        sa.Column("progress", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("started_at", sa.String),
        sa.Column("finished_at", sa.String),
        sa.PrimaryKeyConstraint("number", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.UniqueConstraint("account_id", "request_key", name="uq_jobs_account_id_request_key"),
    )
    op.create_index("ix_jobs_upload_sha256", "jobs", ["upload_sha256"])
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"])
    op.create_index("ix_jobs_account_id_kind_number", "jobs", ["account_id", "kind", "number"])
