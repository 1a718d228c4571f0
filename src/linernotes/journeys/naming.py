"""Ids from what a thing is: by identifier where there is one, else by name; so the same thing told twice is one."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter

from linernotes.formats.tables import Metadata, PartyLine
from linernotes.model import Role
from linernotes.store.catalogue import content_id

__all__ = ["model_release_id", "party_id", "party_ids", "recording_id", "voice_id", "work_id"]

_NAME, _IDENTIFIERS = attrgetter("name"), attrgetter("identifiers")


@lru_cache(maxsize=131_072)
def party_id(
    name: str,
    ipi_name_number: str | None = None,
    ipi_base_number: str | None = None,
    isni: str | None = None,
) -> str:
    """Return the id of a party: two people of one name are two where an identifier tells them apart."""
    return content_id("pty", ipi_name_number or isni or ipi_base_number or " ".join(name.split()).casefold())


def party_ids(lines: Sequence[PartyLine]) -> list[str]:
    """Return the id of each party of one statement, in which one name is one party."""
    if not any(map(_IDENTIFIERS, lines)):  # as in most lines of most tables
        return [*map(party_id, map(_NAME, lines))]
    told: dict[str, Mapping[str, str]] = {}
    for line in lines:
        if line.identifiers:
            told.setdefault(line.name.casefold(), line.identifiers)
    return [_party_id(line.name, line.identifiers or told.get(line.name.casefold(), {})) for line in lines]


def _party_id(name: str, named: Mapping[str, str]) -> str:
    get = named.get
    return party_id(name, get("ipi_name_number"), get("ipi_base_number"), get("isni"))


def work_id(title: str, iswc: str | None, writers: Iterable[str]) -> str:
    """Return the id of a work: from its ISWC, else from its title and who wrote it."""
    return content_id("wrk", iswc) if iswc else content_id("wrk", title.casefold(), *sorted(map(str.casefold, writers)))


def voice_id(performer_id: str) -> str:
    """Return the id of a performer's voice."""
    return content_id("voi", performer_id)


def model_release_id(party: str, name: str) -> str:
    """Return the id of a released model: from the id of the party that answers for it, and its name."""
    return content_id("mdl", party, name.casefold())


def recording_id(row: Metadata) -> str:
    """Return the id of a recording that is told of and not heard: from its ISRC, else from title, artist and work."""
    if row.isrc:
        return content_id("rec", row.isrc)
    writers = sorted(line.name.casefold() for line in row.parties if line.role is Role.WRITER)
    performed = [row.iswc] if row.iswc else writers
    return content_id("rec", (row.title or "").casefold(), (row.artist or "").casefold(), *performed)
