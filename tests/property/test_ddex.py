"""What an ERN message says is what was written into it."""

import tempfile
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from linernotes.formats.ddex import read_ern
from linernotes.formats.ddex_print import ErnParty, ErnWriter
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import Metadata
from linernotes.model import AiDisclosure, Role
from linernotes.rights import territories

SENDER = ErnParty("PADPIDA2014021302H", "A Sender")
RECIPIENT = ErnParty("PADPIDA2024072201A", "A Recipient")
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
WORDS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], max_codepoint=0x2FFF), min_size=1, max_size=12)
    .map(lambda t: " ".join(t.split()))
    .filter(bool)
)
AI = st.sampled_from([None, *AiDisclosure])
IDENTIFIERS = st.fixed_dictionaries(
    {}, optional={"ipi_name_number": st.just("00014107338"), "isni": st.just("0000000121032683")}
)


@st.composite
def row(draw: st.DrawFn) -> Metadata:
    names = draw(st.lists(WORDS, min_size=5, max_size=5, unique=True))
    artist, writer, publisher, label, producer = names
    share = st.one_of(st.none(), st.integers(1, 10**8).map(lambda n: Fraction(n, 10**8)))
    place = draw(st.sampled_from(["2136", "US", "AT+DE"]))

    def bounded(line: PartyLine) -> PartyLine:
        return line if line.share is None else line._replace(territory=place, valid_from=draw(DAYS))

    parties = (
        PartyLine(artist, Role.PERFORMER, None, draw(IDENTIFIERS), contains_ai=draw(AI)),
        bounded(PartyLine(writer, Role.WRITER, draw(share), draw(IDENTIFIERS), contains_ai=draw(AI))),
        PartyLine(producer, Role.PRODUCER, None, contains_ai=draw(AI)),
        bounded(PartyLine(publisher, Role.PUBLISHER, draw(share))),
        PartyLine(label, Role.LABEL, draw(share)),
    )
    return Metadata(
        "",
        "",
        title=draw(WORDS),
        artist=draw(st.sampled_from([artist, f"{artist} & Band"])),
        isrc=draw(st.sampled_from([None, "USAT29900609"])),
        iswc=draw(st.sampled_from([None, "T0345246801"])),
        year=draw(st.one_of(st.none(), st.integers(1900, 2099))),
        parties=parties,
        duration_s=draw(st.one_of(st.none(), st.integers(1, 10**7).map(lambda ms: ms / 1000))),
        contains_ai=draw(AI),
    )


DAYS = st.sampled_from([None, date(2026, 5, 1)])


@given(st.lists(row(), min_size=1, max_size=3), st.booleans())
def test_a_message_reads_back(rows: list[Metadata], is_takedown: bool) -> None:  # noqa: FBT001
    writer = ErnWriter(
        rows,
        sender=SENDER,
        recipient=RECIPIENT,
        message_id="M1",
        at=AT,
        deal_from=None if is_takedown else date(2026, 5, 1),
        in_codes=territories.as_ddex,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.xml"
        path.write_text("".join(writer), encoding="utf-8")
        message = read_ern(path, combine=territories.combined)
    assert [found._replace(where="") for found in message.recordings] == rows
    assert (message.is_takedown, message.id, message.sender) == (is_takedown, "M1", f"A Sender ({SENDER.dpid})")
    assert {problem.code for problem in message.problems} <= {"ern_not_kept"}
    assert {problem.code for problem in writer.problems} <= {"ern_duration"}
    assert message.n_statements == message.n_represented + message.n_reported
