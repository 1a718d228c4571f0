"""Liner notes as an ERN message: what it asserts, what it leaves out and says so, by the schema where that is here."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import IdentifierError, ParameterError
from linernotes.formats.ddex import read_ern
from linernotes.formats.ddex_print import ErnParty
from linernotes.journeys.notes_message import notes_message
from linernotes.model import Credit, EvidenceKind, Role, Synthetic, SyntheticVerdict, Trace
from linernotes.rights import territories
from tests.unit.test_formats_report import heard, reference, trace, unread

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SENDER, RECIPIENT = ErnParty("PADPIDA2014021302H", "Ada"), ErnParty("PADPIDA2024072201A", "A Service")
TOLD = trace(
    [
        heard(0, 12, of=reference("r1")),
        heard(30, 40.5, of=reference("r1")),
        heard(20, 25, of=replace(reference("r2", "Salt -- & Smoke"), isrc=None)),
        heard(41, 44, of=replace(reference("r3", "Perhaps"), isrc="QZABC2600003"), probability=0.6),
        replace(heard(45, 50, of=reference("r4", "Hummed")), kind=EvidenceKind.MELODY),
    ],
    path="in/mélange 山.wav",
    credits=[
        Credit("Ben Writes", Role.WRITER, Fraction(1, 2), "Night Bus, heard at 0:00.0"),
        Credit("Cara Sings", Role.PERFORMER, Fraction(1), "Night Bus, heard at 0:00.0"),
    ],
)


def message(told: Trace, *, sender: ErnParty = SENDER, recipient: ErnParty = RECIPIENT) -> str:
    return "".join(notes_message(told, sender=sender, recipient=recipient, at=AT))


def judged(verdict: SyntheticVerdict) -> Trace:
    return replace(TOLD, synthetic=Synthetic(verdict, 0.9, None, [], [], [], "m1"))


def test_it_names_what_surely_sounds_in_the_upload_with_its_places() -> None:
    text = message(TOLD)
    assert re.findall(r"<ISRC>(\w+)</ISRC>", text) == ["QZABC2600001"]
    assert re.findall(r"<StartPoint>([\d.]+)</StartPoint>\n<DurationUsed>(\w[\w.]+)", text) == [
        ("0", "PT12S"),
        ("30", "PT10.5S"),
    ]
    assert "<ResourceRelationshipType>HasContentFrom<" in text
    assert "<DealList>" not in text


def test_it_credits_who_made_the_works_and_shares_nothing_out() -> None:
    text, comments = message(TOLD).split("</ern:NewReleaseMessage>")
    assert "<FullName>Ben Writes</FullName>" in text
    assert "ComposerLyricist" in text
    assert "Cara" not in text
    assert "RightSharePercentage" not in text
    for left_out in ("Cara Sings (performer", "it has no ISRC", "it is uncertain", "it was heard as melody"):
        assert left_out in comments
    assert "‐‐ & Smoke" in comments


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (SyntheticVerdict.AI, ["All"]),
        (SyntheticVerdict.MIXED, ["Partly"]),
        (SyntheticVerdict.UNCERTAIN, []),
        (SyntheticVerdict.HUMAN, []),
    ],
)
def test_it_says_that_a_machine_made_it_only_where_that_is_the_verdict(
    verdict: SyntheticVerdict, said: list[str]
) -> None:
    assert re.findall("<ContainsAI>(.*)</ContainsAI>", message(judged(verdict))) == said


def test_it_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "notes.xml"
    path.write_text(message(TOLD), encoding="utf-8")
    (found,) = read_ern(path, combine=territories.combined).recordings
    assert (found.title, found.duration_s, found.isrc) == ("mélange 山", 60.0, None)
    roles = {line.role: line.name for line in found.parties}
    assert roles == {Role.WRITER: "Ben Writes", Role.PERFORMER: "Ada", Role.LABEL: "Ada"}  # ERN asks for the latter two
    assert {line.share for line in found.parties} == {None}


def test_it_is_valid_by_the_schema_of_43_but_for_the_form_of_roles(data: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(data / "rights" / "ern" / "release-notification.xsd")))
    for told in (TOLD, trace(), judged(SyntheticVerdict.MIXED)):
        root = etree.fromstring(message(told).replace("ddex.net/xml/ern/432", "ddex.net/xml/ern/43").encode())
        for element in [*root.iter("ContainsAI")]:
            element.getparent().remove(element)
        for element in root.iter("Role"):
            element.text = element[0].text
            del element[0]
        schema.assertValid(root)


def test_what_cannot_be_a_message_is_refused() -> None:
    with pytest.raises(IdentifierError, match="is not a DPID"):
        message(TOLD, sender=ErnParty("", "Ada"))
    with pytest.raises(ParameterError, match="each with a name"):
        message(TOLD, recipient=ErnParty(RECIPIENT.dpid, ""))
    with pytest.raises(ParameterError, match="could not be read"):
        message(unread())


def test_strange_file_names_stay_xml() -> None:
    etree = pytest.importorskip("lxml.etree")
    for name in (".wav", "a--b\x00\uffff.wav", "<x>&\ud800.wav"):
        etree.fromstring(message(trace(path=name)).encode())
