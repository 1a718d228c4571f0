"""The catalogue: parties, works, recordings, who did what, and exact shares."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "parties",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("ipi_name_number", sa.String(11)),
        sa.Column("ipi_base_number", sa.String(11)),
        sa.Column("isni", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name="pk_parties"),
        sa.UniqueConstraint("ipi_name_number", name="uq_parties_ipi_name_number"),
        sa.UniqueConstraint("isni", name="uq_parties_isni"),
    )
    op.create_index("ix_parties_name", "parties", ["name"])
    op.create_table(
        "works",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("iswc", sa.String(11)),
        sa.PrimaryKeyConstraint("id", name="pk_works"),
        sa.UniqueConstraint("iswc", name="uq_works_iswc"),
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("artist", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("sample_rate_hz", sa.Integer, nullable=False),
        sa.Column("channels", sa.Integer, nullable=False),
        sa.Column("isrc", sa.String(12)),
        sa.Column("work_id", sa.String),
        sa.Column("year", sa.Integer),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("sha256", name="uq_recordings_sha256"),
        sa.UniqueConstraint("isrc", name="uq_recordings_isrc"),
        sa.ForeignKeyConstraint(["work_id"], ["works.id"], name="fk_recordings_work_id"),
    )
    op.create_index("ix_recordings_work_id", "recordings", ["work_id"])
    op.create_table(
        "contributions",
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "party_id", "role", name="pk_contributions"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_contributions_party_id"),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("right_type", sa.String, nullable=False),
        sa.Column("numerator", sa.BigInteger, nullable=False),
        sa.Column("denominator", sa.BigInteger, nullable=False),
        sa.Column("territory", sa.String, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.CheckConstraint("numerator > 0 AND denominator >= numerator", name="ck_shares_fraction"),
        sa.UniqueConstraint(
            "subject_id",
            "party_id",
            "right_type",
            "territory",
            "valid_from",
            name="uq_shares_subject_id_party_id_right_type_territory_valid_from",
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_shares_party_id"),
    )
    op.create_index("ix_shares_party_id", "shares", ["party_id"])
