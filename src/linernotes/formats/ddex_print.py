"""Write recordings as an ERN message: 4.3.2 with what a machine made, or 4.3 without; a takedown has no deal.

Conventions
-----------
One NewReleaseMessage: a party list, a sound recording and a track release for each line, and one deal for all of them,
or none. Shares are percentages with as many decimals as they need, six at most; what ERN cannot say is told. 4.3.2 is
4.3 with ContainsAI and AiContribution, and with contributors' roles in a Value.

Source: as :mod:`linernotes.formats.ddex`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from linernotes.errors import ParameterError
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import OF_WORK, Metadata
from linernotes.model import Problem, Role

__all__ = ["ErnContent", "ErnParty", "ErnWriter", "InCodes", "comment"]

InCodes = Callable[[str], tuple[list[str], list[str]]]
"""Gives the codes of a territory that are in, or else those that are out."""

_NAMESPACES = {"4.3": ("http://ddex.net/xml/ern/43", "3"), "4.3.2": ("http://ddex.net/xml/ern/432", "11")}
_ROLES = {
    Role.WRITER: "ComposerLyricist",
    Role.ARRANGER: "Arranger",
    Role.PUBLISHER: "MusicPublisher",
    Role.PRODUCER: "StudioProducer",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMALS_MAX = 6
_HYPHEN = "\N{HYPHEN}"


@dataclass(frozen=True, slots=True)
class ErnParty:
    """Who sends or receives: a DPID and a name."""

    dpid: str
    name: str


@dataclass(frozen=True, slots=True)
class ErnContent:
    """A recording of which something is heard in another; ``places``: from when on there, and how much of it, in s."""

    isrc: str
    places: Sequence[tuple[float, float]]


class ErnWriter:
    """Writes a message; iterate over its text, then see what could not be said in ``problems``."""

    def __init__(
        self,
        rows: Sequence[Metadata],
        *,
        sender: ErnParty,
        recipient: ErnParty,
        message_id: str,
        at: datetime,
        deal_from: date | None,
        in_codes: InCodes,
        version: str = "4.3.2",
        contents: Mapping[str, Sequence[ErnContent]] = MappingProxyType({}),
    ) -> None:
        """Prepare a message about these recordings.

        Parameters
        ----------
        deal_from : from when on they may be used, worldwide; None takes them down
        at : when it is written, with its time zone
        contents : by the ``where`` of a recording, what is heard in it of others

        Raises
        ------
        ParameterError if there is nothing to write or the version is neither 4.3 nor 4.3.2
        """
        if version not in _NAMESPACES:
            raise ParameterError(f"ERN {version!r} is not written here: 4.3.2 or 4.3")
        if not rows:
            raise ParameterError("no recording to write: an ERN message has one at least")
        self.problems: list[Problem] = []
        self._rows, self._sender, self._recipient, self._contents = rows, sender, recipient, contents
        self._id, self._at, self._deal_from, self._in_codes, self._version = (
            message_id,
            at,
            deal_from,
            in_codes,
            version,
        )
        self._references: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
        self._parties: list[PartyLine] = []
        self._where = ""

    def __iter__(self) -> Iterator[str]:
        """Yield the message, some lines at a time."""
        for row in self._rows:
            for line in row.parties:
                self._reference(line)
        namespace, avs = _NAMESPACES[self._version]
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        yield f'<ern:NewReleaseMessage xmlns:ern="{namespace}" AvsVersionId="{avs}" LanguageAndScriptCode="en">\n'
        yield self._header()
        yield _wrap("PartyList", [*map(self._party, self._parties), self._sender_party()])
        yield "<ResourceList>\n"
        for number, row in enumerate(self._rows, 1):
            yield self._recording(number, row)
        yield "</ResourceList>\n<ReleaseList>\n"
        for number, row in enumerate(self._rows, 1):
            yield self._release(number, row)
        yield "</ReleaseList>\n"
        if self._deal_from is not None:
            yield self._deal()
        yield "</ern:NewReleaseMessage>\n"

    def _tell(self, code: str, message: str) -> None:
        self.problems.append(Problem(code, message, self._where))

    def _text(self, tag: str, text: str, **attributes: str) -> str:
        clean = _NOT_XML.sub("", text)
        if clean != text:
            self._tell("ern_text", f"{tag} {text!r} has characters that XML has not; left out")
        return f"<{tag}{''.join(f' {k}={quoteattr(v)}' for k, v in attributes.items())}>{escape(clean)}</{tag}>\n"

    # ── the message, its parties, releases and deal ──────────────────────────

    def _header(self) -> str:
        def party(tag: str, who: ErnParty) -> str:
            return _wrap(tag, [self._text("PartyId", who.dpid), _wrap("PartyName", [self._text("FullName", who.name)])])

        return _wrap(
            "MessageHeader",
            [
                self._text("MessageId", self._id),
                party("MessageSender", self._sender),
                party("MessageRecipient", self._recipient),
                self._text("MessageCreatedDateTime", self._at.isoformat(timespec="seconds")),
            ],
        )

    def _reference(self, line: PartyLine) -> str:
        key = (line.name, tuple(sorted(line.identifiers.items())))
        if key not in self._references:
            self._references[key] = f"P{len(self._references) + 1}"
            self._parties.append(line)
        return self._references[key]

    def _party(self, line: PartyLine) -> str:
        named = line.identifiers
        numbers = [
            self._text(tag, named[key])
            for tag, key in (("ISNI", "isni"), ("IpiNameNumber", "ipi_name_number"))
            if key in named
        ]
        self._where = line.name
        if "ipi_base_number" in named:
            self._tell("ern_ipi", f"{line.name}: ERN has no IPI base number")
        name = _wrap("PartyName", [self._text("FullName", line.name)])
        number = [_wrap("PartyId", numbers)] if numbers else []
        return _wrap("Party", [self._text("PartyReference", self._reference(line)), name, *number])

    def _sender_party(self) -> str:
        number = _wrap("PartyId", [self._text("DPID", self._sender.dpid)])
        name = _wrap("PartyName", [self._text("FullName", self._sender.name)])
        return _wrap("Party", [self._text("PartyReference", "PSender"), name, number])

    def _release(self, number: int, row: Metadata) -> str:
        labels = [self._reference(line) for line in row.parties if line.role is Role.LABEL]
        if not labels:
            self._where = row.where or row.title or ""
            self._tell("ern_label", f"{row.title}: no label is known; the sender stands for it, as ERN asks for one")
        proprietary = self._text("ProprietaryId", f"{self._id}-R{number}", Namespace=self._sender.dpid)
        return _wrap(
            "TrackRelease",
            [
                self._text("ReleaseReference", f"R{number}"),
                _wrap("ReleaseId", [proprietary]),
                self._text("ReleaseResourceReference", f"A{number}"),
                *(self._text("ReleaseLabelReference", label) for label in dict.fromkeys(labels or ["PSender"])),
                _wrap("Genre", [self._text("GenreText", "")]),
            ],
        )

    def _deal(self) -> str:
        assert self._deal_from is not None
        terms = _wrap(
            "DealTerms",
            [
                self._text("TerritoryCode", "Worldwide"),
                _wrap("ValidityPeriod", [self._text("StartDate", self._deal_from.isoformat())]),
            ],
        )
        references = [self._text("DealReleaseReference", f"R{number}") for number, _ in enumerate(self._rows, 1)]
        return _wrap("DealList", [_wrap("ReleaseDeal", [*references, _wrap("Deal", [terms])])])

    # ── a recording ──────────────────────────────────────────────────────────

    def _recording(self, number: int, row: Metadata) -> str:
        self._where = row.where or row.title or ""
        title, artist = row.title or row.work_title or "", row.artist or ""
        if row.work_title and row.work_title != title:
            self._tell("ern_work", f"{title}: the title of its work, {row.work_title}, is not written")
        performers = [line for line in row.parties if line.role is Role.PERFORMER]
        if not performers:
            self._tell("ern_artist", f"{title}: nobody is known to perform it; the sender stands there, as ERN asks")
        return _wrap(
            "SoundRecording",
            [
                self._text("ResourceReference", f"A{number}"),
                self._text("Type", "MusicalWorkSoundRecording"),
                self._edition(row),
                *([_wrap("WorkId", [self._text("ISWC", _hyphened(row.iswc))])] if row.iswc else []),
                self._text("DisplayTitleText", title),
                _wrap("DisplayTitle", [self._text("TitleText", title)]),
                self._text("DisplayArtistName", artist),
                *self._artists(performers),
                *self._contributors(row),
                *self._controllers(row),
                self._text("Duration", self._duration(row)),
                self._text("ParentalWarningType", "NoAdviceAvailable"),
                *self._ai("ContainsAI", title, row.contains_ai),
                *map(self._content, self._contents.get(row.where, ())),
            ],
        )

    def _content(self, content: ErnContent) -> str:
        places = [
            _wrap(
                "Timing", [self._text("StartPoint", _decimal(start_s)), self._text("DurationUsed", _duration(used_s))]
            )
            for start_s, used_s in content.places
        ]
        kind = self._text("ResourceRelationshipType", "HasContentFrom")
        return _wrap("RelatedResource", [kind, _wrap("ResourceId", [self._text("ISRC", content.isrc)]), *places])

    def _edition(self, row: Metadata) -> str:
        number = (
            self._text("ISRC", row.isrc)
            if row.isrc
            else self._text("ProprietaryId", row.id or row.title or "", Namespace=self._sender.dpid)
        )
        year = str(row.year) if row.year else ""
        line = [_wrap("PLine", [self._text("Year", year), self._text("PLineText", year)])] if year else []
        return _wrap("SoundRecordingEdition", [_wrap("ResourceId", [number]), *line])

    def _duration(self, row: Metadata) -> str:
        if not row.duration_s:
            self._tell("ern_duration", f"{row.title}: its duration is not known; written as none, as ERN asks for one")
            return "PT0S"
        return _duration(row.duration_s)

    def _artists(self, performers: Sequence[PartyLine]) -> list[str]:
        references = list(dict.fromkeys(map(self._reference, performers))) or ["PSender"]
        role = self._text("DisplayArtistRole", "MainArtist")
        return [_wrap("DisplayArtist", [self._text("ArtistPartyReference", who), role]) for who in references]

    def _contributors(self, row: Metadata) -> Iterator[str]:
        told = set()
        for line in row.parties:
            role = _ROLES.get(line.role)
            if line.role is Role.PERFORMER and line.contains_ai is not None:
                role = "Artist"
            if role is None:
                if line.role is Role.HEIR:
                    self._tell("ern_role", f"{line.name} ({line.role.value}): ERN has no such contributor")
                continue
            who = self._reference(line)
            if (who, role) in told:
                continue
            told.add((who, role))
            said = self._text("Role", role) if self._version == "4.3" else _wrap("Role", [self._text("Value", role)])
            ai = self._ai("AiContribution", line.name, line.contains_ai)
            yield _wrap("Contributor", [self._text("ContributorPartyReference", who), said, *ai])

    def _ai(self, tag: str, name: str, disclosure: object) -> list[str]:
        if disclosure is None:
            return []
        if self._version == "4.3":
            self._tell("ern_ai", f"{name}: ERN 4.3 cannot say that a machine made {disclosure} of it; use 4.3.2")
            return []
        return [self._text(tag, str(disclosure).capitalize())]

    def _controllers(self, row: Metadata) -> Iterator[str]:
        sayable = []
        for line in row.parties:
            if line.share is None or line.role is Role.HEIR:
                continue
            bounded = line.territory != "2136" or line.valid_from is not None or line.valid_to is not None
            if line.rights or (bounded and line.role not in OF_WORK):
                told = f"{line.name} {line.share}: a share of {'some rights' if line.rights else 'a place or time'}"
                self._tell("ern_share", f"{told} is not written")
                continue
            sayable.append(line)
        control = self._text("RightsControlType", "RightsController")
        for line in (line for line in sayable if line.role not in OF_WORK):
            who = self._text("RightsControllerPartyReference", self._reference(line))
            yield _wrap("ResourceRightsController", [who, control, self._percentage(line)])
        for line in (line for line in sayable if line.role in OF_WORK):
            who = self._text("RightsControllerPartyReference", self._reference(line))
            yield _wrap("WorkRightsController", [who, control, self._percentage(line), *self._bounds(line)])

    def _bounds(self, line: PartyLine) -> Iterator[str]:
        if line.territory != "2136":
            inside, outside = self._in_codes(line.territory)
            if outside:
                self._tell(
                    "ern_share", f"{line.name} {line.share}: ERN cannot leave {', '.join(outside)} out of a share"
                )
            yield from (self._text("Territory", code) for code in inside or ["Worldwide"])
        for tag, day in (("StartDate", line.valid_from), ("EndDate", line.valid_to)):
            if day is not None:
                yield self._text(tag, day.isoformat())

    def _percentage(self, line: PartyLine) -> str:
        assert line.share is not None
        percent = line.share * 100
        scaled = round(percent * 10**_DECIMALS_MAX)
        if Fraction(scaled, 10**_DECIMALS_MAX) != percent:
            self._tell("ern_rounded", f"{line.name} {line.share} is written with {_DECIMALS_MAX} decimals of a percent")
        whole, rest = divmod(scaled, 10**_DECIMALS_MAX)
        text = f"{whole}.{rest:0{_DECIMALS_MAX}d}".rstrip("0").rstrip(".")
        return self._text("RightSharePercentage", text)


def comment(text: str) -> str:
    """Write a line for people, which machines pass over; two hyphens would end it, so each is another character."""
    return f"<!-- {_NOT_XML.sub('', text).replace('-', _HYPHEN)} -->\n"


def _hyphened(iswc: str) -> str:
    return f"{iswc[0]}-{iswc[1:4]}.{iswc[4:7]}.{iswc[7:10]}-{iswc[10]}"


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _duration(length_s: float) -> str:
    return f"PT{_decimal(length_s)}S"


def _wrap(tag: str, parts: Iterable[str]) -> str:
    return f"<{tag}>\n{''.join(parts)}</{tag}>\n"
