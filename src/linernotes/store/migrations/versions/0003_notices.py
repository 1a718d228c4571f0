"""Notices: platforms, where uploads are, notices and what must reach a platform; split sheets."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    _create_platforms()
    _create_notices()
    op.create_table(
        "sheets",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("n_steps", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sheets"),
    )
    op.create_index("ix_sheets_subject_id", "sheets", ["subject_id"])


def _create_platforms() -> None:
    op.create_table(
        "platforms",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("regime", sa.String, nullable=False),
        sa.Column("country", sa.String, nullable=False),
        sa.Column("subdivision", sa.String),
        sa.Column("webhook_url", sa.Text),
        sa.Column("private_allowed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_platforms"),
        sa.UniqueConstraint("name", name="uq_platforms_name"),
    )
    op.create_table(
        "locations",
        sa.Column("platform_id", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("upload_sha256", sa.String(64), nullable=False),
        sa.Column("known_since", sa.String, nullable=False),
        sa.Column("gone_at", sa.String),
        sa.PrimaryKeyConstraint("platform_id", "url", name="pk_locations"),
        sa.ForeignKeyConstraint(["platform_id"], ["platforms.id"], name="fk_locations_platform_id"),
    )
    op.create_index("ix_locations_upload_sha256", "locations", ["upload_sha256"])


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("regime", sa.String, nullable=False),
        sa.Column("platform_id", sa.String, nullable=False),
        sa.Column("upload_sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("issued_at", sa.String, nullable=False),
        sa.Column("countered_on", sa.Date),
        sa.Column("restore_from", sa.Date),
        sa.Column("restore_by", sa.Date),
        sa.Column("complaint_until", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(["platform_id"], ["platforms.id"], name="fk_notices_platform_id"),
    )
    op.create_index("ix_notices_upload_sha256", "notices", ["upload_sha256"])
    op.create_index("ix_notices_state", "notices", ["state"])
    op.create_table(
        "notice_claims",
        sa.Column("notice_id", sa.String, nullable=False),
        sa.Column("claim_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "claim_id", name="pk_notice_claims"),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_claims_notice_id"),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name="fk_notice_claims_claim_id"),
    )
    op.create_index("ix_notice_claims_claim_id", "notice_claims", ["claim_id"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("notice_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String, nullable=False),
        sa.Column("leased_until", sa.String),
        sa.Column("last_answer", sa.Text),
        sa.Column("delivered_at", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_deliveries_notice_id"),
    )
    op.create_index("ix_deliveries_notice_id", "deliveries", ["notice_id"])
    op.create_index("ix_deliveries_state_next_at", "deliveries", ["state", "next_at"])
