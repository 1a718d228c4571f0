"""What is kept: the catalogue in a database, the fingerprint index in mapped files. The only SQL of the project."""

# Whoever opens a database knows every table: these would otherwise be missing where only the schema is imported.
from linernotes.store import books_tables as books_tables
from linernotes.store import notice_tables as notice_tables
from linernotes.store import serving_tables as serving_tables
from linernotes.store import usage_tables as usage_tables

__all__ = ["books_tables", "notice_tables", "serving_tables", "usage_tables"]
