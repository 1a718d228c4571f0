import tracemalloc
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.formats.ddex import ErnReader, read_ern
from linernotes.formats.ddex_print import ErnParty, ErnWriter
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import Metadata
from linernotes.model import AiDisclosure, Role
from linernotes.rights import territories

SENDER = ErnParty("PADPIDA2014021302H", "A Sender")
ROWS = [
    Metadata(
        "",
        "line 2",
        title="Night & Day",
        artist="Ada & Ben",
        isrc="USAT29900609",
        iswc="T0345246801",
        year=1999,
        parties=(
            PartyLine("Ada", Role.PERFORMER, None, {"isni": "0000000121032683"}, contains_ai=AiDisclosure.ALL),
            PartyLine("Ben", Role.WRITER, Fraction(1, 2), {"ipi_name_number": "00014107338"}, territory="AT+DE"),
            PartyLine("Cem", Role.ARRANGER),
            PartyLine("Pub", Role.PUBLISHER, Fraction(1, 2), valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 1)),
            PartyLine("Dua", Role.PRODUCER),
            PartyLine("Lab", Role.LABEL, Fraction(1)),
        ),
        duration_s=215.25,
        contains_ai=AiDisclosure.PARTLY,
    ),
    Metadata("", "line 3", title="Bare"),
]


def written(rows: list[Metadata], *, version: str, deal_from: date | None = date(2026, 5, 1)) -> tuple[str, list[str]]:
    writer = ErnWriter(
        rows,
        sender=SENDER,
        recipient=ErnParty("PADPIDA2024072201A", "A Recipient"),
        message_id="M1",
        at=datetime(2026, 5, 1, 12, tzinfo=UTC),
        deal_from=deal_from,
        in_codes=territories.as_ddex,
        version=version,
    )
    text = "".join(writer)
    return text, sorted(problem.code for problem in writer.problems)


@pytest.fixture(scope="module")
def schema(data: Path) -> object:
    etree = pytest.importorskip("lxml.etree")
    return etree.XMLSchema(etree.parse(str(data / "rights" / "ern" / "release-notification.xsd")))


@pytest.mark.parametrize("deal_from", [date(2026, 5, 1), None])
def test_what_is_written_is_valid_by_the_schema(schema: object, deal_from: date | None) -> None:
    etree = pytest.importorskip("lxml.etree")
    text, _ = written(ROWS, version="4.3", deal_from=deal_from)
    schema.assertValid(etree.fromstring(text.encode()))  # type: ignore[attr-defined]
    assert ("<DealList>" in text) == (deal_from is not None)


def test_432_is_43_but_for_what_a_machine_made_and_roles(schema: object) -> None:
    etree = pytest.importorskip("lxml.etree")
    text, _ = written(ROWS, version="4.3.2")
    assert "<ContainsAI>Partly</ContainsAI>" in text
    assert "<AiContribution>All</AiContribution>" in text
    assert text.index("<ParentalWarningType>") < text.index("<ContainsAI>")
    root = etree.fromstring(text.replace("http://ddex.net/xml/ern/432", "http://ddex.net/xml/ern/43").encode())
    for element in [*root.iter("ContainsAI"), *root.iter("AiContribution")]:
        element.getparent().remove(element)
    for element in root.iter("Role"):
        element.text = element[0].text
        del element[0]
    schema.assertValid(root)  # type: ignore[attr-defined]


def test_what_ern_cannot_say_is_told() -> None:
    _, codes = written(ROWS, version="4.3")
    assert codes == ["ern_ai", "ern_ai", "ern_artist", "ern_duration", "ern_label"]
    third = [Metadata("", "x", title="T", parties=(PartyLine("Lab", Role.LABEL, Fraction(1, 3), territory="US"),))]
    assert "ern_share" in written(third, version="4.3.2")[1]
    thirds = [Metadata("", "x", title="T", parties=(PartyLine("Lab", Role.LABEL, Fraction(1, 3)),))]
    assert "ern_rounded" in written(thirds, version="4.3.2")[1]
    with pytest.raises(ParameterError, match=r"4\.3\.2 or 4\.3"):
        written(ROWS, version="3.8")
    with pytest.raises(ParameterError, match="no recording"):
        written([], version="4.3")


def read(path: Path) -> object:
    return read_ern(path, combine=territories.combined)


def test_messages_by_others_are_read_without_loss(data: Path) -> None:
    folder = data / "rights" / "ern"
    for name, n_recordings in (
        ("new-release-43.xml", 1),
        ("simple-43.xml", 1),
        ("update-deals-43.xml", 0),
        ("mwn.xml", 0),
    ):
        message = read_ern(folder / name, combine=territories.combined)
        assert len(message.recordings) == n_recordings
        told = sum(int(p.message.split("(")[1].split(" ")[0]) for p in message.problems if p.code == "ern_not_kept")
        assert message.n_statements == message.n_represented + told
        assert message.n_reported == told
    new = read_ern(folder / "new-release-43.xml", combine=territories.combined)
    assert new.recordings[0].isrc == "US1234567890"
    assert not new.is_takedown


def test_what_is_hostile_or_no_message_is_refused(tmp_path: Path, data: Path) -> None:
    for name in ("hostile-billion-laughs.xml", "sample-41.xml"):
        with pytest.raises(FormatError, match="document type"):
            read(data / "rights" / "ern" / name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not well-formed"),
        ("<a", "not well-formed"),
        ("<html/>", "no DDEX message"),
        ('<e:NewReleaseMessage xmlns:e="http://ddex.net/xml/ern/383"/>', "ERN 3"),
        ("<NewReleaseMessage/>", "not ERN 4"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "document type"),
        ('<e:NewReleaseMessage xmlns:e="http://ddex.net/xml/ern/43">' + "<a>" * 70, "deep"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "message.xml"
    path.write_text(text)
    with pytest.raises(FormatError, match=told) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_four_gigabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as handle:
        handle.truncate(4 << 30)
    with pytest.raises(FormatError, match="4294967296 bytes"):
        read(path)


def test_memory_does_not_grow_with_the_message(tmp_path: Path) -> None:
    text, _ = written(ROWS[:1], version="4.3.2")
    start, stop = text.index("<SoundRecording>"), text.index("</SoundRecording>") + len("</SoundRecording>")
    peaks = []
    for n_recordings in (400, 1600):
        path = tmp_path / f"{n_recordings}.xml"
        path.write_text(text[:start] + text[start:stop] * n_recordings + text[stop:])
        tracemalloc.start()
        try:
            reader = ErnReader(path, combine=territories.combined)
            assert sum(1 for _ in reader) == n_recordings
            assert reader.message.n_statements == reader.message.n_represented + reader.message.n_reported
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_message_of_nothing_but_parties_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.formats.ddex._PARTIES_MAX", 1)
    text, _ = written(ROWS, version="4.3")
    path = tmp_path / "message.xml"
    path.write_text(text)
    with pytest.raises(FormatError, match="more than 1 parties"):
        read(path)


def test_a_message_of_too_many_released_recordings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.formats.ddex._RELEASED_MAX", 1)
    path = tmp_path / "message.xml"
    path.write_text(written(ROWS[:1] * 2, version="4.3")[0])
    with pytest.raises(FormatError, match="more than 1 recordings in releases"):
        read(path)


def test_a_message_of_another_kind_is_told_whole_and_kept_in_nothing(tmp_path: Path) -> None:
    path = tmp_path / "message.xml"
    path.write_text(written(ROWS[:1], version="4.3")[0].replace("NewReleaseMessage", "OtherMessage"))
    message = read_ern(path, combine=territories.combined)
    assert (message.recordings, message.n_represented, message.is_takedown) == ([], 0, False)
    assert message.n_reported == message.n_statements
    assert any("SoundRecording/WorkId/ISWC" in problem.where for problem in message.problems)


def test_one_item_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.formats.xml_items._ITEM_CHARACTERS_MAX", 1000)
    path = tmp_path / "message.xml"
    head = '<e:NewReleaseMessage xmlns:e="http://ddex.net/xml/ern/43"><PartyList><Party>'
    path.write_text(f"{head}<PartyName>{'x' * 2000}</PartyName>")
    with pytest.raises(FormatError, match="more than 1000 characters"):
        read(path)


def test_faults_are_told_by_line_and_the_rest_is_read(tmp_path: Path) -> None:
    text, _ = written(ROWS, version="4.3.2")
    text = text.replace("USAT29900609", "NOPE").replace("T-034.524.680-1", "T-034.524.680-8")
    text = text.replace(">Partly<", ">Some<").replace(">PT215.25S<", ">ages<").replace(">DE<", ">XX<")
    path = tmp_path / "message.xml"
    path.write_text(text, encoding="utf-8")
    message = read_ern(path, combine=territories.combined)
    codes = sorted(problem.code for problem in message.problems if problem.code != "ern_not_kept")
    assert codes == ["ai", "duration", "isrc", "iswc", "territory"]
    assert all(f"{path}:" in problem.where for problem in message.problems)
    assert message.recordings[0].title == "Night & Day"
