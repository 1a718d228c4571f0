"""A place on disk with a catalogue and an index: opens what the journeys need.

The folder is ``--workspace``, else ``$LINERNOTES_HOME``, else ``./linernotes``; whoever writes first makes it. The
catalogue and the claims are in a file in it, or, for a team, in the PostgreSQL database that ``$LINERNOTES_DATABASE``
names (``postgresql://user@host/name``).
"""

import os
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from linernotes.errors import ParameterError, StorageError
from linernotes.store.accounts import Accounts
from linernotes.store.agreements import Agreements
from linernotes.store.books import Books
from linernotes.store.catalogue import Catalogue
from linernotes.store.claims import Claims
from linernotes.store.index import Index
from linernotes.store.jobs import Jobs
from linernotes.store.notices import Notices
from linernotes.store.platforms import Platforms
from linernotes.store.sheets import Sheets
from linernotes.store.subscriptions import Subscriptions

if TYPE_CHECKING:
    from linernotes.store.royalties import Royalties
    from linernotes.store.royalty_trails import Trails
    from linernotes.store.usage import UsageReports

__all__ = ["Workspace"]

_SERVING = ("accounts", "jobs", "subscriptions")
_PAYING = ("usage", "books", "agreements", "trails", "royalties")


class Workspace:
    """An open workspace; use it as a context manager."""

    def __init__(
        self, folder: Path | str | None = None, *, database_url: str | None = None, writable: bool = False
    ) -> None:
        """Open the workspace in ``folder``; one that does not exist is empty, and made if ``writable``.

        Raises
        ------
        ParameterError if the place is not a folder; StorageError if it cannot be written and must be
        """
        self.folder = Path(folder or os.environ.get("LINERNOTES_HOME") or "linernotes")
        url = database_url or os.environ.get("LINERNOTES_DATABASE")
        self.database: Path | str = url or self.folder / "catalogue.sqlite3"
        self.writable = writable
        if self.folder.exists() and not self.folder.is_dir():
            raise ParameterError(f"{self.folder}: a workspace is a folder, this is a file")
        if writable:
            self._make()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def database_url(self) -> str | None:
        """The database's URL; None where it is the folder's own."""
        return self.database if isinstance(self.database, str) else None

    @cached_property
    def catalogue(self) -> Catalogue:
        """Parties, works, recordings."""
        return Catalogue(self.database, writable=self.writable)

    @cached_property
    def claims(self) -> Claims:
        """Policies, evidence, claims, and the chain of what was done with them."""
        return Claims(self.database, writable=self.writable)

    @cached_property
    def platforms(self) -> Platforms:
        """Where notices go to, and where uploads are."""
        return Platforms(self.database, writable=self.writable)

    @cached_property
    def notices(self) -> Notices:
        """Notices, and what must still reach a platform."""
        return Notices(self.database, writable=self.writable)

    @cached_property
    def sheets(self) -> Sheets:
        """Split sheets."""
        return Sheets(self.database, writable=self.writable)

    @cached_property
    def accounts(self) -> Accounts:
        """Who signs in."""
        return Accounts(self.database, writable=self.writable)

    @cached_property
    def jobs(self) -> Jobs:
        """Long work that is queued, under way, or over."""
        return Jobs(self.database, writable=self.writable)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Who is told of events by webhook."""
        return Subscriptions(self.database, writable=self.writable)

    @cached_property
    def usage(self) -> "UsageReports":
        """Usage reports, and the Parquet in ``usage/`` that holds what they report."""
        from linernotes.store.usage import UsageReports  # noqa: PLC0415  (DuckDB costs time; a trace needs none)

        return UsageReports(self.database, self.folder / "usage", writable=self.writable)

    @cached_property
    def books(self) -> Books:
        """The ledger, and the runs that wrote it."""
        return Books(self.database, writable=self.writable)

    @cached_property
    def agreements(self) -> Agreements:
        """Rules of division, terms, advances, exchange rates."""
        return Agreements(self.database, writable=self.writable)

    @cached_property
    def royalties(self) -> "Royalties":
        """Usage, and what runs divided."""
        from linernotes.store.royalties import Royalties  # noqa: PLC0415  (DuckDB; few commands need it)

        return Royalties(self.folder, self.database, writable=self.writable)

    @cached_property
    def trails(self) -> "Trails":
        """The way back from what a run paid to where it came from."""
        from linernotes.store.royalty_trails import Trails  # noqa: PLC0415  (DuckDB again)

        return Trails(self.royalties)

    @cached_property
    def index(self) -> Index:
        """Fingerprints of the recordings, made with the parameters this version ships."""
        from linernotes.analyse import fingerprint  # noqa: PLC0415  (numba costs half a second; a catalogue needs none)

        return Index(self.folder / "index", parameter_id=fingerprint.DEFAULT.id, writable=self.writable)

    def close(self) -> None:
        """Let go of what was opened."""
        for name in ("catalogue", "claims", "index", "platforms", "notices", "sheets", *_SERVING, *_PAYING):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            message = f"{self.folder}: cannot be written ({error.strerror}); give another --workspace"
            raise StorageError(message, code="read_only") from error
