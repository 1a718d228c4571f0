"""What a CWR file says is what was written into it, and every record is put together as it was cut."""

import tempfile
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from linernotes.formats.cwr import RIGHTS, CwrReader, CwrRecording, CwrWork
from linernotes.formats.cwr_print import CwrWriter
from linernotes.formats.cwr_records import LAYOUTS, CwrRecord, Field, parse_record, print_record, width
from linernotes.formats.party_cells import PartyLine
from linernotes.model import Role

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.'&"
AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)


def words(size: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS + " ", min_size=1, max_size=size).map(lambda t: " ".join(t.split())).filter(bool)


IDENTIFIERS = st.fixed_dictionaries(
    {},
    optional={
        "ipi_name_number": st.sampled_from(["00014107338", "00000000199"]),
        "ipi_base_number": st.just("I0000002297"),
    },
)


@st.composite
def work(draw: st.DrawFn) -> CwrWork:
    names = draw(st.lists(words(30), unique=True, max_size=4))
    lines: list[PartyLine] = []
    for role in (Role.PUBLISHER, Role.WRITER):
        for name in names[:2] if role is Role.PUBLISHER else names[2:]:
            named = draw(IDENTIFIERS)
            parts = [draw(st.integers(0, 2500)) for _ in RIGHTS]
            if len(set(parts)) == 1 and parts[0]:
                lines.append(PartyLine(name, role, Fraction(parts[0], 10_000), named))
            elif any(parts):
                said = zip(RIGHTS, parts, strict=True)
                lines += [PartyLine(name, role, Fraction(part, 10_000), named, (r,)) for (_, r), part in said if part]
            else:
                lines.append(PartyLine(name, role, None, named))
    recordings = st.builds(
        CwrRecording,
        isrc=st.just("USAT29900609"),
        title=st.one_of(st.none(), words(60)),
        artist=st.one_of(st.none(), words(60)),
        duration_s=st.one_of(st.none(), st.integers(1, 359_999)),
    )
    return CwrWork(
        draw(words(60)),
        draw(st.sampled_from([None, "T0345246801"])),
        tuple(lines),
        tuple(draw(st.lists(recordings, max_size=2))),
        tuple(draw(st.lists(words(30), max_size=2))),
    )


@given(st.lists(work(), max_size=3))
def test_a_file_reads_back(works: list[CwrWork]) -> None:
    writer = CwrWriter(works, sender="TEST PUBLISHER", sender_ipi="00000000199", at=AT, version="2.2")
    text = "".join(writer)
    assert writer.problems == []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "works.V22"
        path.write_text(text, encoding="ascii", newline="")
        reader = CwrReader(path)
        assert list(reader) == works
    assert [p for p in reader.problems if p.code != "cwr_not_kept"] == []
    assert reader.n_records == reader.n_represented + reader.n_reported == text.count("\r\n")
    for line in text.splitlines():
        assert len(line) == width(line[:3], "2.2")


def value_of(field: Field) -> st.SearchStrategy[str]:
    if field.kind == "A":
        return st.one_of(st.just(""), st.text(LETTERS, max_size=field.width))
    return st.text("0123456789", min_size=field.width, max_size=field.width)


@st.composite
def record(draw: st.DrawFn) -> CwrRecord:
    kind = draw(st.sampled_from(sorted(LAYOUTS)))
    values = {field.name: draw(value_of(field)) for field in LAYOUTS[kind]}
    return CwrRecord(kind, {name: value for name, value in values.items() if value}, 7)


@given(record())
def test_a_record_is_put_together_as_it_was_cut(given_record: CwrRecord) -> None:
    line = print_record(given_record, version="2.2")
    assert parse_record(line, 7) == given_record
    assert parse_record(line.rstrip(" "), 7) == given_record
