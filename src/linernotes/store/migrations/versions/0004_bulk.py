"""A catalogue of a million: recordings that nobody has heard yet, and an index for what is looked up."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a recording have no sound yet; index shares by what is asked for."""
    # The old rule that a share is said once held for no share without a date: NULL differs from NULL.
    with op.batch_alter_table("recordings") as recordings:
        recordings.alter_column("sha256", existing_type=sa.String(64), nullable=True)
    with op.batch_alter_table("shares") as shares:
        shares.drop_constraint("uq_shares_subject_id_party_id_right_type_territory_valid_from", type_="unique")
        shares.drop_index("ix_shares_party_id")
        shares.create_index("ix_shares_subject_id", ["subject_id"])
    # SQLite would keep each of these rows twice, in a table and in the index of its key.
    with op.batch_alter_table("contributions", recreate="auto", table_kwargs={"sqlite_with_rowid": False}) as table:
        if op.get_bind().dialect.name == "sqlite":
            table.alter_column("contains_ai", existing_type=sa.String, nullable=True)
