"""Rights: voices, model releases, policies, uploads, evidence, claims, and the chain that nothing is taken out of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("chain", "evidence")


def upgrade() -> None:
    """Add the deciding half."""
    _widen_catalogue()
    _create_standing_rules()
    _create_claims()
    _create_chain()
    for table in _APPEND_ONLY:
        _refuse_changes(table)


def _widen_catalogue() -> None:
    # Written out, for Alembic would build the table anew in SQLite, and other tables point to it.
    op.execute("ALTER TABLE parties ADD COLUMN alias_of VARCHAR CONSTRAINT fk_parties_alias_of REFERENCES parties (id)")
    op.add_column("works", sa.Column("registered_at", sa.DateTime(timezone=True)))
    op.add_column("recordings", sa.Column("contains_ai", sa.String))
    op.add_column("contributions", sa.Column("contains_ai", sa.String))
    op.create_index("ix_contributions_party_id", "contributions", ["party_id"])


def _create_standing_rules() -> None:
    op.create_table(
        "voices",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("consent", sa.Text),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_voices"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_voices_party_id"),
    )
    op.create_index("ix_voices_party_id", "voices", ["party_id"])
    op.create_table(
        "model_releases",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_releases"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_model_releases_party_id"),
    )
    op.create_table(
        "policies",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("use_type", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("share", sa.String),
        sa.Column("side", sa.String),
        sa.Column("territory", sa.String, nullable=False),
        sa.Column("match_length_min_s", sa.String, nullable=False),
        sa.Column("probability_min", sa.String, nullable=False),
        sa.Column("subject_id", sa.String),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_policies_party_id"),
    )
    op.create_index("ix_policies_party_id", "policies", ["party_id"])


def _create_claims() -> None:
    op.create_table(
        "uploads",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_uploads"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("upload_sha256", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.ForeignKeyConstraint(["upload_sha256"], ["uploads.sha256"], name="fk_evidence_upload_sha256"),
    )
    op.create_index("ix_evidence_upload_sha256", "evidence", ["upload_sha256"])
    op.create_table(
        "claims",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("upload_sha256", sa.String(64), nullable=False),
        sa.Column("evidence_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("right_type", sa.String, nullable=False),
        sa.Column("use_type", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.ForeignKeyConstraint(["upload_sha256"], ["uploads.sha256"], name="fk_claims_upload_sha256"),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_claims_evidence_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_claims_party_id"),
    )
    op.create_index("ix_claims_upload_sha256", "claims", ["upload_sha256"])
    op.create_index("ix_claims_party_id_proposed_at", "claims", ["party_id", "proposed_at"])
    op.create_index("ix_claims_state", "claims", ["state"])


def _create_chain() -> None:
    op.create_table(
        "chain",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_chain"),
        sa.UniqueConstraint("previous_hash", name="uq_chain_previous_hash"),
        sa.UniqueConstraint("hash", name="uq_chain_hash"),
    )
    op.create_index("ix_chain_subject_id", "chain", ["subject_id"])


def _refuse_changes(table: str) -> None:
    """Let the database itself refuse to change or to delete a row of this table."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
