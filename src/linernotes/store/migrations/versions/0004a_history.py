"""Titles, years and the like that held before: what was true on a day stays answerable."""

import sqlalchemy as sa
from alembic import op

revision = "0004a"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep what a field said until a day."""
    op.create_table(
        "former",
        sa.Column("subject_id", sa.String, primary_key=True),
        sa.Column("field", sa.String, primary_key=True),
        sa.Column("until", sa.Date, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
