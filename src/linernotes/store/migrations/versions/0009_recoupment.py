"""Of which rights' earnings a party's advances are recouped."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let terms name rights; those agreed before name none, which is all."""
    op.add_column("terms", sa.Column("recoup_from", sa.String, nullable=False, server_default=""))
