"""What a catalogue table says is what was written into it."""

import tempfile
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import FormatError, IdentifierError
from linernotes.formats import party_cells
from linernotes.formats.csv_lines import read_cells
from linernotes.formats.party_cells import PartyLine, print_parties, read_parties
from linernotes.formats.tables import Metadata, read_header, read_rows, write_metadata
from linernotes.model import AiDisclosure, RightType, Role
from linernotes.rights import territories

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(
    lambda t: " ".join(t.split())
)
NAMES = st.one_of(
    WORDS.filter(bool), st.sampled_from(["50 Cent", "Sum 41 1/2", 'A "B" C', '"', "; [x]", "The Beat (UK)", "10%"])
)
IDENTIFIERS = st.fixed_dictionaries(
    {},
    optional={
        "ipi_name_number": st.sampled_from(["00014107338", "00000000199"]),
        "ipi_base_number": st.just("I0000002297"),
        "isni": st.just("0000000121032683"),
    },
)
DAYS = st.sampled_from([None, date(2020, 1, 1), date(2026, 5, 1)])


@st.composite
def party_line(draw: st.DrawFn, role: Role) -> PartyLine:
    name, named, ai = draw(NAMES), draw(IDENTIFIERS), draw(st.sampled_from([None, *AiDisclosure]))
    if draw(st.booleans()):
        return PartyLine(name, role, identifiers=named, contains_ai=ai)
    denominator = draw(st.integers(2, 10**6))
    return PartyLine(
        name,
        role,
        Fraction(draw(st.integers(1, denominator // 2)), denominator * 8),
        named,
        tuple(draw(st.lists(st.sampled_from(list(RightType)), unique=True, max_size=3))),
        draw(st.sampled_from(["2136", "US", "2120-GB", "AT+DE"])),
        draw(DAYS),
        draw(st.sampled_from([None, date(2027, 1, 1)])),
        ai,
    )


@st.composite
def metadata(draw: st.DrawFn) -> Metadata:
    parties = tuple(
        line
        for role in (Role.PERFORMER, Role.WRITER, Role.ARRANGER, Role.HEIR, Role.PUBLISHER, Role.LABEL, Role.PRODUCER)
        for line in draw(st.lists(party_line(role), max_size=2))
    )
    names = ", ".join(line.name for line in parties if line.role is Role.PERFORMER)
    voice = tuple(draw(st.lists(party_line(Role.PERFORMER), max_size=1)))
    model = draw(st.one_of(st.none(), WORDS.filter(bool)))
    party = draw(party_line(Role.PRODUCER)) if model else None
    spoken = st.one_of(st.none(), WORDS.filter(bool)) if voice else st.none()
    return Metadata(
        file=draw(st.one_of(st.just(""), WORDS)),
        where="",
        title=draw(WORDS.filter(bool)),
        artist=draw(st.one_of(st.just(names or None), WORDS.filter(bool))) or names or None,
        isrc=draw(st.sampled_from([None, "USAT29900609"])),
        iswc=draw(st.sampled_from([None, "T0345246801"])),
        year=draw(st.one_of(st.none(), st.integers(1800, 2099))),
        parties=parties,
        work_title=draw(st.one_of(st.none(), WORDS.filter(bool))),
        duration_s=draw(st.one_of(st.none(), st.integers(1, 10**8).map(lambda ms: ms / 1000))),
        contains_ai=draw(st.sampled_from([None, *AiDisclosure])),
        id=draw(st.sampled_from([None, "rec_0123456789abcdef"])),
        work_id=draw(st.sampled_from([None, "wrk_0123456789abcdef"])),
        voice=voice,
        voice_name=draw(spoken),
        voice_id=draw(st.sampled_from([None, "voi_0123456789abcdef"] if voice else [None])),
        consent=draw(spoken),
        model_release=model,
        model_party=party and PartyLine(party.name, party.role, identifiers=party.identifiers),
        model_release_id=draw(st.sampled_from([None, "mdl_0123456789abcdef"] if model else [None])),
    )


@given(st.lists(party_line(Role.WRITER), max_size=4))
def test_a_cell_reads_back(lines: list[PartyLine]) -> None:
    assert list(read_parties(print_parties(lines), role=Role.WRITER, territory=territories.territory)) == lines


@given(st.lists(metadata(), max_size=4))
def test_a_table_reads_back(rows: list[Metadata]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.csv"
        path.write_text("".join(write_metadata(rows)), encoding="utf-8", newline="")
        header = read_header(path)
        read = [
            (row, faults)
            for lines in read_cells(path, header)
            for row, faults in read_rows(path, header, lines, territory=territories.territory)
        ]
    assert [faults for _, faults in read if faults] == []
    assert [
        (row and Metadata(**{n: getattr(row, n) for n in Metadata._fields} | {"where": ""})) for row, _ in read
    ] == rows


@given(st.text(alphabet='Ad é(1/250%. "[]x\u00a0', min_size=1, max_size=16))
def test_the_short_way_through_a_part_says_what_the_long_way_says(text: str) -> None:
    part = text.strip()
    if part:
        long = told(lambda: (party_cells._line.__wrapped__(part, Role.WRITER, str),))
        assert told(lambda: read_parties(part, role=Role.WRITER)) == long


@given(st.lists(st.text(alphabet='ab,\r\n" ', max_size=20).map(lambda text: f"{text}\n")), st.integers(1, 40))
def test_lines_cut_together_are_cut_as_if_each_came_alone(texts: list[str], together: int) -> None:
    cut = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "table.csv"
        path.write_text("".join(["title,artist\n", *texts]), newline="")
        for block_lines in (1, together):
            patch.setattr("linernotes.formats.csv_lines._BLOCK_LINES", block_lines)
            cut.append([line for lines in read_cells(path, read_header(path)) for line in lines])
    assert cut[0] == cut[1]


def told(read: Callable[[], tuple[PartyLine, ...]]) -> tuple[PartyLine, ...] | str:
    try:
        return read()
    except (FormatError, IdentifierError) as error:
        return str(error)
