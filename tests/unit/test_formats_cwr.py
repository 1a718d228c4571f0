from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.formats.cwr import CwrReader, CwrRecording, CwrWork
from linernotes.formats.cwr_print import CwrWriter
from linernotes.formats.cwr_records import CwrRecord, parse_record, print_record, width
from linernotes.formats.party_cells import PartyLine
from linernotes.model import RightType, Role

AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)


def written(works: list[CwrWork], *, version: str = "2.1") -> tuple[str, list[str]]:
    writer = CwrWriter(works, sender="A SENDER", sender_ipi="00000000199", at=AT, version=version)
    text = "".join(writer)
    return text, sorted(problem.code for problem in writer.problems)


@pytest.mark.parametrize(
    ("kind", "narrow", "wide"),
    [("NWR", 260, 260), ("SPU", 183, 183), ("SWR", 180, 180), ("PWR", 110, 112), ("REC", 266, 540), ("HDR", 101, 167)],
)
def test_records_are_as_wide_as_the_standard_says(kind: str, narrow: int, wide: int) -> None:
    assert (width(kind, "2.1"), width(kind, "2.2")) == (narrow, wide)


def test_files_by_others_lose_nothing(data: Path) -> None:
    n_works = {}
    for path in sorted((data / "rights" / "cwr").iterdir()):
        lines = [line for line in path.read_text("latin-1").splitlines() if line.strip()]
        reader = CwrReader(path)
        n_works[path.name] = len(list(reader))
        assert reader.n_records == len(lines) == reader.n_represented + reader.n_reported
        left = sum(
            int(p.message.rsplit("(", 1)[1].split(" ")[0])
            for p in reader.problems
            if p.code == "cwr_not_kept" and p.message.split(": ")[1].split(" is not")[0] in RECORDS_LEFT
        )
        told = sum(p.code in ("cwr_unknown", "cwr_digits", "cwr_length", "cwr_record") for p in reader.problems)
        assert reader.n_reported == left + told, path.name
    assert n_works["ackexample.V21"] == 20
    assert n_works["demo_cwr_cleaned.v22"] == 9


RECORDS_LEFT = {
    *("where a publisher collects", "where a writer collects", "which publisher acts for a writer", "another title"),
    *("the original of a version", "where the work comes from", "a message of the society", "a number elsewhere"),
    *("a recording without ISRC and title", "a record about no work", "the record"),
}


def test_lines_by_others_are_put_together_as_they_were(data: Path) -> None:
    for path in sorted((data / "rights" / "cwr").iterdir()):
        for number, line in enumerate(path.read_text("latin-1").splitlines(), 1):
            if "SWT0000000000000005W000001  XXX" in line:  # one file has letters where a share stands
                continue
            again = print_record(parse_record(line, number), version="2.2")
            assert again.rstrip() == line.rstrip(), f"{path.name}:{number}"


def test_acknowledgements_are_kept(data: Path) -> None:
    reader = CwrReader(data / "rights" / "cwr" / "CW220001052_DMP.V21")
    list(reader)
    assert [(a.title, a.number, a.status) for a in reader.acknowledgements][:3] == [
        ("ONE", "Z128", "AS"),
        ("TWO", "Z127", "RA"),
        ("THREE", "DMP000026", "RA"),
    ]


def test_a_work_as_it_is_written() -> None:
    lines = (
        PartyLine("THE PUBLISHER", Role.PUBLISHER, Fraction(1, 2), {"ipi_name_number": "00000000199"}),
        PartyLine("ADA EXAMPLE", Role.WRITER, Fraction(1, 2), {"ipi_name_number": "00014107338"}),
    )
    text, codes = written([CwrWork("SONG", "T0345246801", lines, (CwrRecording("USAT29900609", duration_s=215),))])
    assert codes == []
    kinds = [line[:3] for line in text.splitlines()]
    assert kinds == ["HDR", "GRH", "NWR", "SPU", "SPT", "SWR", "SWT", "PWR", "REC", "GRT", "TRL"]
    nwr, spu, swr = (line for line in text.splitlines() if line[:3] in ("NWR", "SPU", "SWR"))
    assert nwr[95:106] == "T0345246801"
    assert spu[115:120] == "05000"
    assert (swr[28:35], swr[73:76]) == ("EXAMPLE", "ADA")
    assert text.endswith("TRL000010000000100000011\r\n")


def test_what_cwr_cannot_say_is_told() -> None:
    thirds = tuple(PartyLine(name, Role.WRITER, Fraction(1, 3)) for name in "ABC")
    text, codes = written([CwrWork("SONG", None, thirds)])
    assert codes == ["cwr_rounded"] * 3
    shares = [line[129:134] for line in text.splitlines() if line.startswith("OWR")]
    assert shares == ["03334", "03333", "03333"]
    odd = (
        PartyLine("Zoë", Role.WRITER, Fraction(1, 2), {"isni": "0000000121032683"}, territory="US"),
        PartyLine("L", Role.LABEL, Fraction(1, 2)),
        PartyLine("T", Role.WRITER, Fraction(1, 2), rights=(RightType.TRAINING,)),
    )
    _, codes = written([CwrWork("x" * 70, None, odd, (CwrRecording("USAT29900609", "Title", year=1999),))])
    assert set(codes) == {"cwr_isni", "cwr_role", "cwr_share", "cwr_text", "cwr_version", "cwr_year"}
    with pytest.raises(ParameterError, match=r"2\.1 or 2\.2"):
        written([], version="3.0")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("XYZ0001", "not a record"),
        ("TRL00001000000010000001", "broken TRL record, it ends after 23 characters, inside n_records"),
        ("TRL0000100000001", "before n_records"),
        ("TRL000010000000100000012X", "broken TRL record: 25 characters where 24 belong"),
        ("TRL0000100X0000100000012", "digits only"),
    ],
)
def test_a_broken_record_names_line_and_columns(line: str, told: str) -> None:
    with pytest.raises(FormatError, match="line 7") as caught:
        parse_record(line, 7)
    assert told in str(caught.value)


def test_a_value_wider_than_its_field_is_refused() -> None:
    with pytest.raises(FormatError, match="has 60 characters"):
        print_record(CwrRecord("ALT", {"title": "x" * 61}))
    with pytest.raises(FormatError, match=r"not in CWR 2\.1"):
        print_record(CwrRecord("REC", {"artist": "X"}), version="2.1")


def test_a_broken_line_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    text, _ = written([CwrWork("ONE", None, (PartyLine("A", Role.WRITER, Fraction(1)),)), CwrWork("TWO")])
    lines = text.splitlines(keepends=True)
    lines[3] = lines[3][:120] + "\r\n"
    path = tmp_path / "x.V21"
    path.write_text("".join(lines), newline="")
    reader = CwrReader(path)
    assert [work.title for work in reader] == ["ONE", "TWO"]
    assert [p.where for p in reader.problems if p.code == "cwr_length"] == [f"{path}:4"]
    path.write_text("".join([*lines[:3], *lines[4:]]), newline="")
    reader = CwrReader(path)
    list(reader)
    assert [p.code for p in reader.problems if p.code == "cwr_count"] == ["cwr_count", "cwr_count"]


def test_after_a_broken_header_its_records_are_not_the_work_befores(tmp_path: Path) -> None:
    text, _ = written([CwrWork(name, None, (PartyLine(name[0], Role.WRITER, Fraction(1)),)) for name in ("ONE", "TWO")])
    lines = text.splitlines(keepends=True)
    (second,) = (n for n, line in enumerate(lines) if line.startswith("NWR") and "TWO" in line)
    lines[second] = lines[second][:15] + "\r\n"
    path = tmp_path / "x.V21"
    path.write_text("".join(lines), newline="")
    reader = CwrReader(path)
    assert [(work.title, [party.name for party in work.parties]) for work in reader] == [("ONE", ["O"])]
    told = [problem.message for problem in reader.problems if problem.code == "cwr_not_kept"]
    assert any("belongs to no transaction" in message for message in told)
    assert reader.n_records == reader.n_represented + reader.n_reported


def test_what_is_no_cwr_file(tmp_path: Path) -> None:
    path = tmp_path / "x.V21"
    path.write_text("title,artist\n")
    with pytest.raises(FormatError, match="not a CWR file"):
        list(CwrReader(path))
    path.write_text("HDR" + "x" * 10_000)
    with pytest.raises(FormatError, match="more than 4096"):
        list(CwrReader(path))
