"""The words of the catalogue: an index for searching, derived from the tables; without it all is found, only slower.

Conventions
-----------
Words are looked for whole, the last of them also as the beginning of one, from three letters on. What is searched of a
recording is its title, its artist and the title of its work. A command that imports a million lines looks for none of
them, and pays for no index: a server brings it up when it starts and whenever it has nothing better to do. Recordings
that came in since are few, and are read through, so that what is found does not depend on it.

SQLite: FTS5 without a copy of the text, kept up by triggers where a title changes; a recording's number there is its
``rowid``, the highest it holds tells how far it is. PostgreSQL: two GIN indexes, which keep themselves.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

__all__ = ["bring_up", "is_current", "matching", "words_of"]

_ROWS = 20_000
_PREFIX_LETTERS_MIN = 3
_WORDS_MAX = 8
_WORK = "coalesce((SELECT title FROM works WHERE id = {0}.work_id AND title <> {0}.title), '')"
_TEXT = f"{{0}}.title || ' ' || {{0}}.artist || ' ' || {_WORK}"
_UPTO = "coalesce((SELECT max(id) FROM recording_words_docsize), 0)"
_FORGET = "INSERT INTO recording_words(recording_words, rowid, body)"
_LEARN = "INSERT INTO recording_words(rowid, body)"
_OF_WORK = f"FROM recordings WHERE work_id = old.id AND rowid <= {_UPTO}"
_TRIGGERS = {
    "recording_words_deleted": f"""BEFORE DELETE ON recordings WHEN old.rowid <= {_UPTO}
    BEGIN {_FORGET} VALUES ('delete', old.rowid, {_TEXT.format("old")}); END""",
    "recording_words_updated": f"""BEFORE UPDATE OF title, artist, work_id ON recordings WHEN old.rowid <= {_UPTO}
    BEGIN {_FORGET} VALUES ('delete', old.rowid, {_TEXT.format("old")});
    {_LEARN} VALUES (old.rowid, {_TEXT.format("new")}); END""",
    "recording_words_work_before": f"""BEFORE UPDATE OF title ON works
    BEGIN {_FORGET} SELECT 'delete', rowid, {_TEXT.format("recordings")} {_OF_WORK}; END""",
    "recording_words_work_after": f"""AFTER UPDATE OF title ON works
    BEGIN {_LEARN} SELECT rowid, {_TEXT.format("recordings")} {_OF_WORK}; END""",
}
_SQLITE = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS),
    "DROP TABLE IF EXISTS recording_words",
    """CREATE VIRTUAL TABLE recording_words
    USING fts5(body, content='', detail=none, tokenize='unicode61 remove_diacritics 2')""",
    *(f"CREATE TRIGGER {name} {what}" for name, what in _TRIGGERS.items()),
)
_POSTGRESQL = (
    "CREATE INDEX recording_words ON recordings USING gin (to_tsvector('simple', title || ' ' || artist))",
    "CREATE INDEX work_words ON works USING gin (to_tsvector('simple', title))",
)
_PARTS = "CREATE INDEX IF NOT EXISTS ix_shares_party_id ON shares (party_id)"  # whose shares: only a server asks

_IN_POSTGRESQL = text(
    "(SELECT id FROM recordings WHERE to_tsvector('simple', title || ' ' || artist)"
    " @@ to_tsquery('simple', :asked) LIMIT :most) UNION"
    " (SELECT recordings.id FROM works JOIN recordings ON recordings.work_id = works.id"
    " WHERE to_tsvector('simple', works.title) @@ to_tsquery('simple', :asked) LIMIT :most)"
)
_IN_SQLITE = text(
    "SELECT id FROM recordings WHERE rowid IN"
    " (SELECT rowid FROM recording_words WHERE recording_words MATCH :asked LIMIT :most)"
)
_SELECT_UPTO = text(f"SELECT {_UPTO}")
_COUNT_TRIGGERS = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'recording_words%'")


def words_of(said: str) -> list[str]:
    """Return the words of what somebody looks for, in lower case, at most eight."""
    return re.findall(r"[^\W_]+", said.casefold())[:_WORDS_MAX]


def matching(connection: Connection, words: Sequence[str], *, most: int) -> tuple[list[str] | None, int]:
    """Return the ids of the recordings that have all these words, and a number: those above it were not looked at.

    None in place of the ids: there are more than ``most``. On PostgreSQL the number says nothing: all are looked at.
    """
    if connection.dialect.name == "postgresql":
        asked = " & ".join(words) + (":*" if len(words[-1]) >= _PREFIX_LETTERS_MIN else "")
        found = connection.execute(_IN_POSTGRESQL, {"asked": asked, "most": most + 1}).all()
        return _few(found, most), 0
    if not _is_there(connection):
        return [], 0
    # Whole words first: of those the index gives the first ones at once, where for a beginning it gathers all.
    for ending in ("", "*") if len(words[-1]) >= _PREFIX_LETTERS_MIN else ("",):
        asked = " ".join(f'"{word}"' for word in words) + ending
        found = connection.execute(_IN_SQLITE, {"asked": asked, "most": most + 1}).all()
        if len(found) > most:
            break
    return _few(found, most), _upto(connection)


def is_current(connection: Connection) -> bool:
    """Tell whether every recording is in the index; one that has no recordings needs none."""
    last = connection.execute(text("SELECT id FROM recordings LIMIT 1")).first()
    if last is None:
        return True
    if not _is_there(connection):
        return False
    if connection.dialect.name == "postgresql":
        return True
    return bool(connection.scalar(text("SELECT max(rowid) FROM recordings")) <= _upto(connection))


def bring_up(connection: Connection) -> None:
    """Make the index if need be, and add some of the recordings that it lacks."""
    on_sqlite = connection.dialect.name == "sqlite"
    if not _is_there(connection):
        for statement in (*(_SQLITE if on_sqlite else _POSTGRESQL), _PARTS):
            connection.execute(text(statement))
    if on_sqlite:
        lacking = f"FROM recordings WHERE rowid > {_UPTO} ORDER BY rowid LIMIT {_ROWS}"
        connection.execute(text(f"{_LEARN} SELECT rowid, {_TEXT.format('recordings')} {lacking}"))


def _few(found: Sequence[Row[Any]], most: int) -> list[str] | None:
    return None if len(found) > most else [row.id for row in found]


def _upto(connection: Connection) -> int:
    return int(connection.scalar(_SELECT_UPTO) or 0)


def _is_there(connection: Connection) -> bool:
    """Tell whether the index is there; on SQLite with all its triggers, which go when a table is made anew."""
    if connection.dialect.name == "postgresql":
        return connection.scalar(text("SELECT to_regclass('work_words')")) is not None
    return bool(connection.scalar(_COUNT_TRIGGERS) == len(_TRIGGERS))
