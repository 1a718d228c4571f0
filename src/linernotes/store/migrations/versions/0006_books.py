"""Books: entries that balance or are refused, periods that stay closed, runs, and what is agreed with parties."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_APPEND_ONLY = (
    "entries",
    "postings",
    "closings",
    "closing_balances",
    "royalty_runs",
    "royalty_rules",
    "terms",
    "advances",
    "exchange_rates",
)
_WRITERS_LOCK = 0x6C6E  # the one that store.database takes: who writes to the books takes turns, whoever it is

# What must hold when an entry is sealed, as a condition that breaks it, and what is said then. NEW is the entry.
_THE_HOLD = "SELECT 1 FROM entries WHERE id = NEW.resolves AND kind = 'hold'"
_HELD_BY_BOTH = """
    SELECT 1 FROM postings WHERE account = 'held' AND entry IN
        (NEW.sequence, (SELECT sequence FROM entries WHERE id = NEW.resolves))
    GROUP BY currency, party_id HAVING SUM(amount_micro) <> 0
"""
_AT_SEALING = (
    ("NEW.period <= (SELECT MAX(period) FROM closings)", "the period is closed"),
    ("NEW.period NOT LIKE '____-__'", "a period is written YYYY-MM"),
    ("(SELECT COUNT(*) FROM postings WHERE entry = NEW.sequence) < 2", "an entry has two postings or more"),
    (
        "EXISTS (SELECT 1 FROM postings WHERE entry = NEW.sequence GROUP BY currency HAVING SUM(amount_micro) <> 0)",
        "an entry must balance in every currency",
    ),
    (
        f"NEW.resolves IS NOT NULL AND NOT EXISTS ({_THE_HOLD})",
        "only a hold can be resolved",
    ),
    (f"NEW.resolves IS NOT NULL AND EXISTS ({_HELD_BY_BOTH})", "a hold is resolved whole"),
)


def upgrade() -> None:
    """Add the paying half."""
    _create_books()
    _create_agreements()
    for table in _APPEND_ONLY:
        _refuse_changes(table)
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _create_books() -> None:
    op.create_table(
        "entries",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("usage_period", sa.String(7)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("cause", sa.String),
        sa.Column("resolves", sa.String),
        sa.PrimaryKeyConstraint("sequence", name="pk_entries"),
        sa.UniqueConstraint("id", name="uq_entries_id"),
        sa.UniqueConstraint("resolves", name="uq_entries_resolves"),
        sa.ForeignKeyConstraint(["resolves"], ["entries.id"], name="fk_entries_resolves"),
        sa.CheckConstraint("(kind IN ('post', 'void')) = (resolves IS NOT NULL)", name="ck_entries_resolves"),
    )
    op.create_index("ix_entries_period", "entries", ["period"])
    # SQLite keeps whatever it is given: a whole number too large for 64 bits would become a float.
    is_whole = " AND typeof(amount_micro) = 'integer'" if op.get_bind().dialect.name == "sqlite" else ""
    op.create_index("ix_entries_usage_period", "entries", ["usage_period"])
    op.create_table(
        "postings",
        sa.Column("entry", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("party_id", sa.String),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("entry", "number", name="pk_postings"),
        sa.ForeignKeyConstraint(
            ["entry"], ["entries.sequence"], name="fk_postings_entry", deferrable=True, initially="DEFERRED"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_postings_party_id"),
        sa.CheckConstraint(f"amount_micro <> 0{is_whole}", name="ck_postings_amount"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_postings_party_id", "postings", ["party_id"])
    op.create_table(
        "closings",
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("period", name="pk_closings"),
    )
    op.create_table(
        "closing_balances",
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("party_id", sa.String),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("period", "number", name="pk_closing_balances"),
        sa.ForeignKeyConstraint(["period"], ["closings.period"], name="fk_closing_balances_period"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "royalty_runs",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_royalty_runs"),
        sa.UniqueConstraint("id", name="uq_royalty_runs_id"),
    )


def _create_agreements() -> None:
    op.create_table(
        "royalty_rules",
        sa.Column("edition", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("use_type", sa.String, nullable=False),
        sa.Column("territory", sa.String, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("parts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("edition", "number", name="pk_royalty_rules"),
    )
    op.create_table(
        "terms",
        sa.Column("edition", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("currency", sa.String(3)),
        sa.Column("recoupment_group", sa.String),
        sa.Column("withholding", sa.String, nullable=False),
        sa.Column("minimum_micro", sa.BigInteger, nullable=False),
        sa.Column("iban", sa.String),
        sa.Column("bic", sa.String),
        sa.PrimaryKeyConstraint("edition", "party_id", name="pk_terms"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_terms_party_id"),
    )
    op.create_table(
        "advances",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("party_id", sa.String, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
        sa.Column("paid_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_advances"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_advances_party_id"),
        sa.CheckConstraint("amount_micro > 0", name="ck_advances_amount"),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("base", sa.String(3), nullable=False),
        sa.Column("quote", sa.String(3), nullable=False),
        sa.Column("rate_on", sa.Date, nullable=False),
        sa.Column("rate", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("base", "quote", "rate_on", name="pk_exchange_rates"),
    )


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


def _guard_sqlite() -> None:
    checks = " ".join(f"WHEN {broken} THEN RAISE(ABORT, '{said}')" for broken, said in _AT_SEALING)
    op.execute(f"CREATE TRIGGER entries_seal BEFORE INSERT ON entries BEGIN SELECT CASE {checks} END; END")
    op.execute(
        "CREATE TRIGGER postings_before_their_entry BEFORE INSERT ON postings"
        " WHEN EXISTS (SELECT 1 FROM entries WHERE sequence = NEW.entry)"
        " BEGIN SELECT RAISE(ABORT, 'the entry is sealed'); END"
    )
    op.execute(
        "CREATE TRIGGER closings_in_order BEFORE INSERT ON closings"
        " WHEN NEW.period <= (SELECT MAX(period) FROM closings)"
        " BEGIN SELECT RAISE(ABORT, 'the period is closed'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION books_take_turns() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_advisory_xact_lock({_WRITERS_LOCK}); RETURN NULL; END $$"
    )
    for table in ("entries", "postings", "closings"):
        op.execute(
            f"CREATE TRIGGER {table}_take_turns BEFORE INSERT ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION books_take_turns()"
        )
    checks = " ".join(f"IF {broken} THEN RAISE EXCEPTION '{said}'; END IF;" for broken, said in _AT_SEALING)
    op.execute(
        f"CREATE FUNCTION entries_are_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {checks} RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER entries_seal BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_are_sealed()"
    )
    op.execute(
        "CREATE FUNCTION postings_come_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT 1 FROM entries WHERE sequence = NEW.entry) THEN"
        " RAISE EXCEPTION 'the entry is sealed'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER postings_before_their_entry BEFORE INSERT ON postings"
        " FOR EACH ROW EXECUTE FUNCTION postings_come_first()"
    )
    op.execute(
        "CREATE FUNCTION closings_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.period <= (SELECT MAX(period) FROM closings) THEN"
        " RAISE EXCEPTION 'the period is closed'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER closings_in_order BEFORE INSERT ON closings FOR EACH ROW EXECUTE FUNCTION closings_follow()"
    )
