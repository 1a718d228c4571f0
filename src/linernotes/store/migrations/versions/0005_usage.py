"""Usage reports: what came in, its files, periods and sums, and the lines that could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "usage_reports",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("imported_at", sa.String, nullable=False),
        sa.Column("n_lines", sa.BigInteger, nullable=False),
        sa.Column("n_faulty", sa.BigInteger, nullable=False),
        sa.Column("n_remarks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_reports"),
    )
    op.create_index("ix_usage_reports_imported_at", "usage_reports", ["imported_at"])
    _create_part(
        "usage_files",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.Column("n_lines", sa.BigInteger, nullable=False),
    )
    _create_part("usage_periods", sa.Column("period", sa.String(7), nullable=False))
    op.create_index("ix_usage_periods_period", "usage_periods", ["period"])
    _create_part(
        "usage_sums",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
        sa.Column("stated_micro", sa.BigInteger),
    )
    _create_part(
        "usage_faults",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("lost", sa.Boolean, nullable=False),
    )


def _create_part(name: str, key: "sa.Column[object]", *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("report_id", sa.String(64), nullable=False),
        key,
        *columns,
        sa.PrimaryKeyConstraint("report_id", key.name, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["report_id"], ["usage_reports.id"], name=f"fk_{name}_report_id"),
    )
