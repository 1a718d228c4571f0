"""The catalogue's pages: what is said of a thing, who made it, who has which share of which right in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from linernotes.formats import wording
from linernotes.formats.statement import RIGHTS, place_name
from linernotes.journeys.catalogue import Page
from linernotes.model import Party, Recording, RightType, Role, Share

__all__ = ["Field", "Holder", "Right", "Subject", "Thing", "editable", "part_in", "recordings", "subjects"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody's share of a right, or somebody's part in the making."""

    party_id: str
    party: str
    part: str
    where: str


@dataclass(frozen=True, slots=True)
class Right:
    """One right and who has it; ``filled``: the parts for a bar, in whole ten-thousandths."""

    name: str
    holders: Sequence[Holder]
    filled: Sequence[int]


@dataclass(frozen=True, slots=True)
class Thing:
    """A recording, work, voice or party in a list."""

    id: str
    kind: str
    title: str
    by: str
    codes: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing with all that is said of it."""

    thing: Thing
    facts: Sequence[tuple[str, str]]
    makers: Sequence[Holder]
    rights: Sequence[Right]


@dataclass(frozen=True, slots=True)
class Field:
    """Something of a thing that can be said otherwise."""

    name: str
    label: str
    value: str


def recordings(found: Iterable[tuple[Recording, str | None]]) -> list[Thing]:
    """List recordings that a search found, each with the title of its work."""
    return [
        Thing(
            *(each.id, "" if work in (None, each.title) else f"of {work}", each.title, each.artist),
            _codes(ISRC=each.isrc),
        )
        for each, work in found
    ]


def editable(page: Page, subject_id: str) -> list[Field]:
    """Return what can be said otherwise of a recording or a work; of other things nothing."""
    recording = next((each for each in page.recordings if each.id == subject_id), None)
    if recording is not None:
        year = "" if recording.year is None else str(recording.year)
        return [
            Field("title", "Title", recording.title),
            Field("artist", "Artist", recording.artist),
            Field("year", "Year", year),
        ]
    work = page.works.get(subject_id)
    return [] if work is None else [Field("title", "Title", work.title)]


def subjects(page: Page, key: str) -> list[Subject]:
    """Return what ``key`` names: a party alone, else recordings first, then works, voices and models."""
    party = next((each for each in page.parties.values() if key in (each.id, each.name)), None)
    if party is not None:
        return [Subject(_party(party), [], [], [])]
    return _things(page)


def part_in(page: Page, key: str) -> list[Thing]:
    """List what a party has a part in; of other things nothing."""
    if not any(key in (party.id, party.name) for party in page.parties.values()):
        return []
    return [subject.thing for subject in _things(page)]


def _things(page: Page) -> list[Subject]:
    found = [
        Subject(
            Thing(each.id, "Recording", each.title, each.artist, _codes(ISRC=each.isrc)),
            _recording_facts(each.duration_s, each.year, each.sha256, each.contains_ai),
            *_said(page, each.id),
        )
        for each in page.recordings
    ]
    found += [
        Subject(Thing(each.id, "Work", each.title, "", _codes(ISWC=each.iswc)), [], *_said(page, each.id))
        for each in page.works.values()
    ]
    found += [
        Subject(
            Thing(each.id, "Voice", each.name, _name(page, each.party_id), []),
            [("Consent", each.consent or "not given: it is not listened for")],
            *_said(page, each.id),
        )
        for each in page.voices.values()
    ]
    found += [
        Subject(Thing(each.id, "Model", each.name, _name(page, each.party_id), []), [], [], [])
        for each in page.model_releases.values()
    ]
    if not found:  # a party that was asked for by a code of its own
        found = [Subject(_party(each), [], [], []) for each in page.parties.values()]
    return found


def _party(party: Party) -> Thing:
    return Thing(party.id, "Party", party.name, "", _codes(IPI=party.ipi_name_number, ISNI=party.isni))


def _codes(**codes: str | None) -> list[tuple[str, str]]:
    return [(name, code) for name, code in codes.items() if code]


def _recording_facts(duration_s: float, year: int | None, sha256: str, ai: object) -> list[tuple[str, str]]:
    facts = [("Length", wording.clock(duration_s))] if duration_s else []
    facts += [("Year", str(year))] if year else []
    facts += [("Made by a machine", str(ai))] if ai else []
    return [*facts, ("Sound", f"{sha256[:12]}…" if sha256 else "announced, not heard here yet")]


def _name(page: Page, party_id: str) -> str:
    party = page.parties.get(party_id)
    return party.name if party else party_id


def _said(page: Page, subject_id: str) -> tuple[list[Holder], list[Right]]:
    order = list(Role)
    did = sorted(page.contributions.get(subject_id, ()), key=lambda each: order.index(each.role))
    makers = [Holder(each.party_id, _name(page, each.party_id), each.role.value, "") for each in did]
    return makers, _rights(page.shares.get(subject_id, ()), page.parties)


def _rights(shares: Sequence[Share], parties: Mapping[str, Party]) -> list[Right]:
    order = list(RightType)
    ranked = sorted(shares, key=lambda each: (order.index(each.right_type), -each.fraction, each.party_id))
    rights = []
    for right, found in groupby(ranked, key=lambda each: each.right_type):
        held = list(found)
        holders = [
            Holder(each.party_id, _party_name(parties, each.party_id), wording.share(each.fraction), _terms(each))
            for each in held
        ]
        rights.append(Right(RIGHTS[right], holders, [int(each.fraction * 10_000) for each in held]))
    return rights


def _party_name(parties: Mapping[str, Party], party_id: str) -> str:
    return parties[party_id].name if party_id in parties else party_id


def _terms(share: Share) -> str:
    since = f"from {share.valid_from:%d %b %Y}" if share.valid_from else ""
    until = f"until the day before {share.valid_to:%d %b %Y}" if share.valid_to else ""
    return ", ".join(filter(None, (place_name(share.territory), since, until)))
