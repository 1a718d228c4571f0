"""Platforms a notice can go to, and where uploads are known to be there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select, update

from linernotes.errors import ConflictError, NotFoundError
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.notice_tables import locations, platforms

__all__ = ["Location", "PlatformEntry", "Platforms", "instant"]


def instant(at: datetime) -> str:
    """Write an instant as it is stored."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """A platform as configured: its agent, the rules its notices follow, where its calendar is, its webhook."""

    id: str
    name: str
    agent: str
    regime: str
    country: str
    subdivision: str | None = None
    webhook_url: str | None = None
    private_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """One address of an upload on a platform; ``gone_at`` is when it was taken down, None while it is there."""

    platform_id: str
    url: str
    upload_sha256: str
    known_since: str
    gone_at: str | None = None


class Platforms:
    """Platforms and locations in one database."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the platforms in the file ``path``, or the database at the URL."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def put(self, entry: PlatformEntry) -> None:
        """Enter a platform, or configure it anew; ConflictError if another has its name."""
        with explained(self._place), writing(self._engine) as connection:
            namesake = connection.execute(select(platforms.c.id).where(platforms.c.name == entry.name)).first()
            if namesake is not None and namesake.id != entry.id:
                raise ConflictError(f"a platform {entry.name!r} is here as {namesake.id}")
            row = asdict(entry)
            changed = connection.execute(update(platforms).where(platforms.c.id == entry.id).values(row))
            if not changed.rowcount:
                connection.execute(insert(platforms).values(row))

    def get(self, name_or_id: str) -> PlatformEntry:
        """Return a platform; NotFoundError if it is not configured."""
        query = select(platforms).where((platforms.c.id == name_or_id) | (platforms.c.name == name_or_id))
        with explained(self._place), reading(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(f"no platform {name_or_id!r}: linernotes platforms add")
        return PlatformEntry(**row._mapping)

    def all(self) -> list[PlatformEntry]:
        """Return the platforms by name."""
        with explained(self._place), reading(self._engine) as connection:
            return [
                PlatformEntry(**row._mapping)
                for row in connection.execute(select(platforms).order_by(platforms.c.name))
            ]

    def locate(self, location: Location) -> bool:
        """Note where an upload is; False if that was known. An address that was gone and is back counts as new.

        Raises ConflictError if another upload is known to be there.
        """
        here = (locations.c.platform_id == location.platform_id) & (locations.c.url == location.url)
        with explained(self._place), writing(self._engine) as connection:
            known = connection.execute(select(locations).where(here)).first()
            if known is None:
                connection.execute(insert(locations).values(asdict(location)))
                return True
            if known.upload_sha256 != location.upload_sha256 and known.gone_at is None:
                raise ConflictError(f"{location.url}: known as upload {known.upload_sha256[:12]}…, not this one")
            if known.gone_at is None:
                return False
            connection.execute(update(locations).where(here).values(asdict(location)))
            return True

    def where(self, upload_sha256: str, *, present: bool = True) -> Sequence[Location]:
        """Return the addresses of an upload, by platform; those it is gone from only if not ``present``."""
        query = select(locations).where(locations.c.upload_sha256 == upload_sha256)
        if present:
            query = query.where(locations.c.gone_at.is_(None))
        with explained(self._place), reading(self._engine) as connection:
            rows = connection.execute(query.order_by(locations.c.platform_id, locations.c.url)).all()
        return [Location(**row._mapping) for row in rows]
