"""DDEX Electronic Release Notification: sound recordings, who contributed, what a machine made, and takedowns.

Conventions
-----------
Read are NewReleaseMessages of ERN 4 (4.1 to 4.3.2), each SoundRecording as one line of a catalogue table. A message
without a deal takes down what it names. What is not kept is counted by its path and told, a problem for each; text that
cannot be what it should be is told by line. An element means the same wherever in its message it stands.

Source: DDEX ERN 4.3 (release-notification.xsd, 2023); ContainsAI, AiContribution and Role/Value as in ERN 4.3.2.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

from linernotes import identifiers
from linernotes.errors import FormatError, IdentifierError
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import OF_WORK, Metadata
from linernotes.formats.xml_items import Element, items
from linernotes.model import AiDisclosure, Problem, Role

__all__ = ["Combine", "ErnMessage", "ErnReader", "read_ern"]

Combine = Callable[[list[str], list[str]], str]
"""Makes one territory of the codes that are in and those that are out; raises FormatError."""

_ROLES = {
    **dict.fromkeys(("Composer", "Lyricist", "ComposerLyricist", "Author", "Writer", "Songwriter"), Role.WRITER),
    **dict.fromkeys(("Arranger", "Adapter"), Role.ARRANGER),
    **dict.fromkeys(("MusicPublisher", "OriginalPublisher", "SubPublisher"), Role.PUBLISHER),
    **dict.fromkeys(("Producer", "StudioProducer"), Role.PRODUCER),
    **dict.fromkeys(("Artist", "MainArtist", "FeaturedArtist", "Performer", "Vocalist", "Band"), Role.PERFORMER),
    "RecordLabel": Role.LABEL,
}
_PLAIN = frozenset({"MusicalWorkSoundRecording", "NoAdviceAvailable", "Worldwide", "MainArtist", "RightsController"})
_SOUND = "SoundRecording"
_KINDS_MAX = 10_000
_PARTIES_MAX = 200_000
_RELEASED_MAX = 1_000_000
_FRAME = ("ReleaseReference", "ReleaseId", "ResourceReference", "DealReleaseReference", "ReleaseResourceReference")


@dataclass(slots=True)
class ErnMessage:
    """A message: who sends what to whom, the recordings it names (if it was read whole), whether it takes them down."""

    id: str = ""
    sender: str = ""
    recipient: str = ""
    created: str = ""
    recordings: list[Metadata] = field(default_factory=list)
    is_takedown: bool = False
    problems: list[Problem] = field(default_factory=list)
    n_statements: int = 0
    n_represented: int = 0
    n_reported: int = 0


def read_ern(path: Path, *, combine: Combine) -> ErnMessage:
    """Read a message whole; raises as :class:`ErnReader` does."""
    reader = ErnReader(path, combine=combine)
    reader.message.recordings.extend(reader)
    return reader.message


class ErnReader:
    """Reads a message, a recording in memory at a time; iterate over its recordings, then see what else it told.

    The file is gone through twice, for labels and deals stand after the recordings. Iterating raises FormatError if it
    is no XML, too large, or not of ERN 4, before it yields anything.
    """

    def __init__(self, path: Path, *, combine: Combine) -> None:
        self.message = ErnMessage(is_takedown=True)
        self._path, self._combine = path, combine
        self._is_release_message = True
        self._parties: dict[str, PartyLine] = {}
        self._labels: dict[str, tuple[str, ...]] = {}
        self._alike: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._left: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def __iter__(self) -> Iterator[Metadata]:
        """Yield each sound recording as a line of a catalogue table."""
        n_recordings = 0
        elements = items(self._path, is_wanted=_SOUND.__ne__)
        self._begin(next(elements))
        for element in elements if self._is_release_message else islice(items(self._path), 1, None):
            self._take(element)
        if self._is_release_message:
            for element in items(self._path, is_wanted=_SOUND.__eq__):
                if element.name == _SOUND:
                    n_recordings += 1
                    self.message.n_statements += element.count()
                    yield self._recording(element)
                    self._tell_unused(element)
        self._finish(n_recordings)

    def _take(self, element: Element) -> None:
        """Take an item of the message, but for a recording, whose turn comes when all else is known."""
        self.message.n_statements += element.count()
        if self._is_release_message:
            match element.name:
                case "MessageHeader":
                    self._header(element)
                case "Party":
                    self._party(element)
                case "Release" | "TrackRelease":
                    self._release(element)
                case "ReleaseDeal" | "DealList":
                    self.message.is_takedown = False
                    for reference in element.all("DealReleaseReference"):
                        reference.take()
                case _:
                    pass
        self._tell_unused(element)

    def _begin(self, root: Element) -> None:
        if re.match(r"http://ddex\.net/xml/ern/3", root.namespace):
            raise FormatError(f"{self._path}: {root.namespace} is ERN 3; only ERN 4 is read", code="ern_version")
        if root.name != "NewReleaseMessage":
            self._is_release_message = self.message.is_takedown = False
            if not root.namespace.startswith("http://ddex.net/"):
                raise FormatError(f"{self._path}:{root.line}: <{root.name}> begins no DDEX message", code="ern")
            message = f"a {root.name} is not a NewReleaseMessage: nothing of it is kept"
            self.message.problems.append(Problem("ern_message", message, f"{self._path}:{root.line}"))
        elif not root.namespace.startswith("http://ddex.net/xml/ern/4"):
            raise FormatError(f"{self._path}: {root.namespace or 'no namespace'} is not ERN 4", code="ern_version")

    def _finish(self, n_recordings: int) -> None:
        """Tell what was not kept."""
        message = self.message
        message.is_takedown = message.is_takedown and n_recordings > 0
        for what, n_times in self._left.items():
            told = f"{what} is not kept ({n_times} times, first in line {self._first[what]})"
            message.problems.append(Problem("ern_not_kept", told, f"{self._path}:{self._first[what]} {what}"))
        message.n_reported = sum(self._left.values())
        message.n_represented = message.n_statements - message.n_reported

    def _tell_unused(self, element: Element) -> None:
        for what, line in element.unused():
            kind = what if what in self._left or len(self._left) < _KINDS_MAX else "an element of yet another name"
            self._left[kind] += 1
            self._first.setdefault(kind, line)

    def _tell(self, code: str, text: str, line: int, what: str) -> None:
        self.message.problems.append(Problem(code, text, f"{self._path}:{line} {what}"))

    # ── the message, its parties and releases ────────────────────────────────

    def _header(self, header: Element) -> None:
        message = self.message
        message.id, message.created = header.read("MessageId"), header.read("MessageCreatedDateTime")
        for part in ("MessageSender", "MessageRecipient"):
            if (party := header.find(part)) is not None:
                number, name = party.read("PartyId"), party.read("PartyName/FullName") or party.read("PartyName")
                said = f"{name} ({number})" if name else number
                if part == "MessageSender":
                    message.sender = said
                else:
                    message.recipient = said

    def _party(self, party: Element) -> None:
        reference = party.read("PartyReference")
        name = party.read("PartyName/FullName")
        named: dict[str, str] = {}
        for number in party.all("PartyId"):
            for tag, key, check in (
                ("ISNI", "isni", identifiers.isni),
                ("IpiNameNumber", "ipi_name_number", identifiers.ipi_name_number),
            ):
                if (value := self._checked(number.find(tag), check)) is not None:
                    named[key] = value
        if not name:
            name = next((n.text.strip() for i in party.all("PartyId") for n in i.children if n.text.strip()), reference)
            self._tell("ern_party", f"party {reference} has no name; it is called {name}", party.line, "PartyName")
        if len(self._parties) >= _PARTIES_MAX:
            raise FormatError(f"{self._path}:{party.line}: more than {_PARTIES_MAX} parties; split it", code="xml")
        self._parties[reference] = PartyLine(" ".join(name.split()), Role.PERFORMER, None, named)

    def _release(self, release: Element) -> None:
        for name in _FRAME:
            for element in release.all(name):
                element.used = True
        references = [e.read() for e in _below(release, "ReleaseResourceReference")]
        if len(self._labels) + len(references) > _RELEASED_MAX:
            told = f"{self._path}:{release.line}: more than {_RELEASED_MAX} recordings in releases; split it"
            raise FormatError(told, code="xml")
        labels = [label.read() for label in release.all("ReleaseLabelReference")]
        for reference in references if labels else ():
            names = tuple(dict.fromkeys([*self._labels.get(reference, ()), *labels]))
            self._labels[reference] = self._alike.setdefault(names, names)  # a million have few labels

    # ── a recording ──────────────────────────────────────────────────────────

    def _recording(self, sound: Element) -> Metadata:
        for name in ("Type", "ParentalWarningType"):
            for element in sound.all(name):
                element.used = element.text.strip() in _PLAIN
                _drop_plain(element)
        where = f"{self._path}:{sound.line}"
        title = self._title(sound)
        edition = sound.find("SoundRecordingEdition")
        isrc = self._checked(
            (edition.find("ResourceId/ISRC") if edition is not None else None) or sound.find("SoundRecordingId/ISRC"),
            identifiers.isrc,
        )
        iswc = self._checked(sound.find("WorkId/ISWC"), identifiers.iswc)
        year = edition.read("PLine/Year") if edition is not None else ""
        names = [element for element in sound.all("DisplayArtistName") if element.text.strip()]
        for element in names[:1]:
            element.used = True
            _drop_plain(element)
        parties = self._contributors(sound)
        parties += self._labels_of(sound, parties)
        parties = self._with_shares(sound, parties)
        order = list(Role)
        parties.sort(key=lambda line: order.index(line.role))
        performers = ", ".join(line.name for line in parties if line.role is Role.PERFORMER)
        return Metadata(
            "",
            where,
            title=title,
            artist=(names[0].text.strip() if names else "") or performers or None,
            isrc=isrc,
            iswc=iswc,
            year=int(year[:4]) if re.match(r"\d{4}", year) else None,
            parties=tuple(parties),
            duration_s=self._duration(sound),
            contains_ai=self._ai(sound, "ContainsAI"),
        )

    def _title(self, sound: Element) -> str | None:
        title = sound.read("DisplayTitleText")
        for path in ("DisplayTitle/TitleText", "ReferenceTitle/TitleText"):
            element = sound.find(path)
            if element is not None and (not title or element.text.strip() == title):
                title = element.read()
                _drop_plain(element)
        for element in (sound.find("DisplayTitle"), sound.find("DisplayTitleText")):
            if element is not None:
                _drop_plain(element)
        return title or None

    def _contributors(self, sound: Element) -> list[PartyLine]:
        lines: list[PartyLine] = []
        for artist in sound.all("DisplayArtist"):
            artist.attributes.pop("SequenceNumber", None)
            if (role := artist.find("DisplayArtistRole")) is not None:
                role.used = role.text.strip() in _PLAIN
            lines += self._line(artist, "ArtistPartyReference", Role.PERFORMER)
        for contributor in sound.all("Contributor"):
            contributor.attributes.pop("SequenceNumber", None)
            contains_ai = self._ai(contributor, "AiContribution")
            for element in contributor.all("Role"):
                value = element.find("Value") or element
                role_kept = _ROLES.get(value.text.strip())
                if role_kept is not None:
                    value.used = True
                    lines += self._line(contributor, "ContributorPartyReference", role_kept, contains_ai)
        unique: dict[tuple[str, Role], PartyLine] = {}
        for line in lines:
            known = unique.get((line.name, line.role))
            if known is None or known.contains_ai is None:
                unique[line.name, line.role] = line
        return list(unique.values())

    def _line(self, element: Element, tag: str, role: Role, contains_ai: AiDisclosure | None = None) -> list[PartyLine]:
        reference = element.read(tag)
        party = self._parties.get(reference)
        if party is None:
            self._tell("ern_reference", f"{tag} {reference!r} is no party of the PartyList", element.line, tag)
            return []
        return [party._replace(role=role, contains_ai=contains_ai)]

    def _labels_of(self, sound: Element, parties: list[PartyLine]) -> list[PartyLine]:
        references = self._labels.get(sound.read("ResourceReference"), ())
        known = [self._parties[reference] for reference in references if reference in self._parties]
        told = {line.name for line in parties if line.role is Role.LABEL}
        return [party._replace(role=Role.LABEL) for party in known if party.name not in told]

    def _with_shares(self, sound: Element, parties: list[PartyLine]) -> list[PartyLine]:
        """Give each party the share that a controller of its name has; a controller not named yet is a label."""
        for controller in sound.all("ResourceRightsController"):
            parties = self._shared(controller, parties, of_work=False, otherwise=Role.LABEL)
        for controller in sound.all("WorkRightsController"):
            parties = self._shared(controller, parties, of_work=True, otherwise=Role.PUBLISHER)
        return parties

    def _shared(
        self, controller: Element, parties: list[PartyLine], *, of_work: bool, otherwise: Role
    ) -> list[PartyLine]:
        controller.attributes.pop("SequenceNumber", None)
        for element in controller.all("RightsControlType"):
            element.used = element.text.strip() in _PLAIN
        found = self._line(controller, "RightsControllerPartyReference", otherwise)
        text = controller.read("RightSharePercentage")
        if not found or not text:
            return parties
        share = _part(text)
        if not 0 < share <= 1:
            self._tell("shares", f"{text!r} is not a percentage above 0 and up to 100", controller.line, "RightShare")
            return parties
        party = found[0]
        sides = [n for n, line in enumerate(parties) if line.name == party.name and (line.role in OF_WORK) == of_work]
        if of_work:
            place, begins, ends = self._terms(controller)
            party = party._replace(territory=place, valid_from=begins, valid_to=ends)
        free = next((n for n in sides if parties[n].share is None), None)
        if free is None:
            role = parties[sides[0]].role if sides else otherwise
            return [*parties, party._replace(role=role, share=share)]
        given = party._replace(role=parties[free].role, share=share, contains_ai=parties[free].contains_ai)
        return [*parties[:free], given, *parties[free + 1 :]]

    def _terms(self, controller: Element) -> tuple[str, date | None, date | None]:
        codes = [element.read() for element in controller.all("Territory")]
        days: dict[str, date | None] = {}
        for tag in ("StartDate", "EndDate"):
            text = controller.read(tag)
            try:
                days[tag] = date.fromisoformat(text) if text else None
            except ValueError:
                days[tag] = None
                self._tell("dates", f"{text!r} is no day", controller.line, tag)
        try:
            place = self._combine(codes, []) if codes else "2136"
        except FormatError as error:
            self._tell(error.code, f"{error}; taken as the world", controller.line, "Territory")
            place = "2136"
        return place, days["StartDate"], days["EndDate"]

    def _duration(self, sound: Element) -> float | None:
        text = sound.read("Duration")
        match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", text)
        if match is None:
            if text:
                self._tell("duration", f"{text!r} is not a duration: PT3M25S", sound.line, "Duration")
            return None
        hours, minutes, seconds = match.groups(default="0")
        return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) or None

    def _ai(self, element: Element, tag: str) -> AiDisclosure | None:
        text = element.read(tag)
        try:
            return AiDisclosure(text.lower()) if text else None
        except ValueError:
            self._tell("ai", f"{text!r} does not say how much a machine made: None, Partly, All", element.line, tag)
            return None

    def _checked(self, element: Element | None, check: Callable[[str], str]) -> str | None:
        text = element.read() if element is not None else ""
        if element is None or not text:
            return None
        try:
            return check(text)
        except IdentifierError as error:
            self._tell(error.code, f"{error}; left out", element.line, element.name)
            return None


@lru_cache(maxsize=4096)
def _part(text: str) -> Fraction:
    """Return a percentage as a part of the whole; 0 where it is none."""
    try:
        return Fraction(text) / 100
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _below(element: Element, name: str) -> list[Element]:
    found = element.all(name)
    for child in element.children:
        found += _below(child, name)
    return found


def _drop_plain(element: Element) -> None:
    """Forget attributes that say what holds without them."""
    plain: Mapping[str, str] = {"ApplicableTerritoryCode": "Worldwide", "IsDefault": "true"}
    for name, value in plain.items():
        if element.attributes.get(name) == value:
            del element.attributes[name]
