from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import FormatError
from linernotes.formats.tables import read_metadata, read_parties
from linernotes.model import AiDisclosure, RightType, Role
from linernotes.rights import territories


def table(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = tmp_path / "catalogue.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_everything_a_line_may_say(tmp_path: Path) -> None:
    read = read_metadata(
        table(
            tmp_path,
            "file,title,artist,isrc,iswc,writers,publisher,label,producer,year,mood\n"
            'a.mp3,"Hello, you",Ada,US-AT2-99-00609,T-034.524.680-1,'
            "Ada Example [IPI 00014107338] 1/2; Ben Example 25%,Pub 1/4,Lab,Pro,1999,sad\n",
        )
    )
    (row,) = read.rows
    assert (row.file, row.title, row.artist, row.year) == ("a.mp3", "Hello, you", "Ada", 1999)
    assert (row.isrc, row.iswc) == ("USAT29900609", "T0345246801")
    assert [(p.name, p.role, p.share) for p in row.parties] == [
        ("Ada", Role.PERFORMER, None),
        ("Ada Example", Role.WRITER, Fraction(1, 2)),
        ("Ben Example", Role.WRITER, Fraction(1, 4)),
        ("Pub", Role.PUBLISHER, Fraction(1, 4)),
        ("Lab", Role.LABEL, None),
        ("Pro", Role.PRODUCER, None),
    ]
    assert row.parties[1].identifiers == {"ipi_name_number": "00014107338"}
    assert (read.problems, read.ignored) == ([], ["mood"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_dialects(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    text = newline.join([delimiter.join(["File", " Title "]), delimiter.join(["ä.mp3", "Ö"]), "", ""])
    (row,) = read_metadata(table(tmp_path, text, encoding=encoding)).rows
    assert (row.file, row.title) == ("ä.mp3", "Ö")


def test_every_fault_of_every_line_is_told_with_its_place(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "file,isrc,iswc,year,writers\n"
        "good.mp3,,,,\n"
        "bad.mp3,NOPE,T-034.524.680-8,99,\n"
        ",,,,\n"
        ",,,2020,\n"
        "more.mp3,,,,Ada 3/4; Ben 1/2\n"
        "odd.mp3,,,,[IPI 1]\n"
        "zero.mp3,,,,Ada 1/0\n"
        "long.mp3,,,,,,\n",
    )
    read = read_metadata(path)
    assert [row.file for row in read.rows] == ["good.mp3"]
    assert [(problem.where.removeprefix(str(path)), problem.code) for problem in read.problems] == [
        (":3 isrc", "isrc"),
        (":3 iswc", "iswc"),
        (":3 year", "format"),
        (":5 file", "file"),
        (":6", "shares"),
        (":7 writers", "format"),
        (":8 writers", "format"),
        (":9", "cells"),
    ]
    assert read.faulty_files == {"bad.mp3", "", "more.mp3", "odd.mp3", "zero.mp3", "long.mp3"}


@pytest.mark.parametrize(
    "text", ["", "title\nx\n", 'file,"open\n', "file," + "x" * 30_000 + "\n", "file,Title,track title\n"]
)
def test_what_is_no_such_table(tmp_path: Path, text: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_metadata(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not UTF-8"):
        read_metadata(table(tmp_path, "file\nä.mp3\n", encoding="latin-1"))
    with pytest.raises(FormatError, match="no such file"):
        read_metadata(tmp_path / "nothing.csv")
    with pytest.raises(FormatError, match="folder"):
        read_metadata(tmp_path)


@pytest.mark.parametrize(
    ("text", "name", "share"),
    [
        ("Maroon 5", "Maroon 5", None),
        ("50 Cent", "50 Cent", None),
        ("blink-182 1/3", "blink-182", Fraction(1, 3)),
        ("Ada 33.5 %", "Ada", Fraction(67, 200)),
        ("Ada 1 / 3", "Ada", Fraction(1, 3)),
        ("Ada [ISNI 0000 0001 2103 2683, IPI I-000000229-7]", "Ada", None),
    ],
)
def test_parties(text: str, name: str, share: Fraction | None) -> None:
    (line,) = read_parties(text, role=Role.WRITER)
    assert (line.name, line.share) == (name, share)


@pytest.mark.parametrize("text", ["Ada 0/3", "Ada 4/3", "Ada 101%", "Ada [IPI 123]", "Ada [SSN 1]"])
def test_parties_that_cannot_be(text: str) -> None:
    with pytest.raises(Exception, match=r"share|IPI"):
        read_parties(text, role=Role.WRITER)


def test_columns_go_by_their_usual_names(tmp_path: Path) -> None:
    text = "Filename,Track Title,Composers,Record-Label,Length,AI\na.mp3,Hello,Ada 1/2,Lab,3:35,partly\n"
    (row,) = read_metadata(table(tmp_path, text)).rows
    assert (row.title, row.duration_s, row.contains_ai) == ("Hello", 215.0, AiDisclosure.PARTLY)
    assert [(p.name, p.role) for p in row.parties] == [("Ada", Role.WRITER), ("Lab", Role.LABEL)]


def test_a_broken_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = table(tmp_path, 'file,title\na.mp3,"open\nb.mp3,B\nc.mp3,"12"" mix"\nd.mp3,7" edit\ne.mp3,"x"y\nf.mp3,F\n')
    read = read_metadata(path)
    assert [(row.file, row.title) for row in read.rows] == [
        ("b.mp3", "B"),
        ("c.mp3", '12" mix'),
        ("d.mp3", '7" edit'),
        ("f.mp3", "F"),
    ]
    assert [problem.where for problem in read.problems] == [f"{path}:2", f"{path}:6"]
    assert "quote" in read.problems[0].message


def test_a_line_break_in_a_cell_and_the_lines_after_it_keep_their_numbers(tmp_path: Path) -> None:
    path = table(tmp_path, 'file,title,year\na.mp3,"two\nlines",\nb.mp3,B,99\n')
    read = read_metadata(path)
    assert [row.title for row in read.rows] == ["two lines"]
    assert [problem.where for problem in read.problems] == [f"{path}:4 year"]


def test_sixteen_bit_text_is_read(tmp_path: Path) -> None:
    (row,) = read_metadata(table(tmp_path, "file\ttitle\nä.mp3\tÖ\n", encoding="utf-16")).rows
    assert (row.file, row.title) == ("ä.mp3", "Ö")


def test_terms_of_a_share() -> None:
    text = 'Ada [AI all] 1/2 (performance, US, from 2026-01-01, until 2027-01-01); "Foo; Bar" 1/2'
    ada, foo = read_parties(text, role=Role.WRITER)
    assert (ada.rights, ada.territory, ada.valid_from, ada.valid_to, ada.contains_ai) == (
        (RightType.PERFORMANCE,),
        "US",
        date(2026, 1, 1),
        date(2027, 1, 1),
        AiDisclosure.ALL,
    )
    assert foo.name == "Foo; Bar"
    (uk,) = read_parties("The Beat (UK) 1/2", role=Role.PERFORMER)
    assert (uk.name, uk.share) == ("The Beat (UK)", Fraction(1, 2))


@pytest.mark.parametrize(
    "text",
    ["Ada 1/2 (from 2026-02-30)", "Ada 1/2 (from 2026-02-01, until 2026-01-01)", "Ada [AI some]", '""', "Ada 1/2 (x)"],
)
def test_terms_that_cannot_be(text: str) -> None:
    with pytest.raises(FormatError):
        read_parties(text, role=Role.WRITER, territory=territories.territory)


def test_a_voice_beside_a_sound_is_told_and_left_for_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "metadata.csv"
    path.write_text("file,title,voice\na.wav,A,Ada\n")
    table = read_metadata(path)
    assert [row.title for row in table.rows] == ["A"]
    assert [(problem.code, problem.where) for problem in table.problems] == [("voice", f"{path}:2 voice")]
    assert table.faulty_files == frozenset()
