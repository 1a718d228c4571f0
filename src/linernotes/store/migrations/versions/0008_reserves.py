"""What is kept in reserve of what a party earned, and for how many periods."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let terms say a reserve; those agreed before say none."""
    op.add_column("terms", sa.Column("reserve", sa.String, nullable=False, server_default="0"))
    op.add_column("terms", sa.Column("reserve_periods", sa.Integer, nullable=False, server_default="0"))
