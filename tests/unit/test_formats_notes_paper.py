"""The liner notes on paper, read as text and, where pdftotext is there, back from the PDF."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.document import Document
from linernotes.formats import wording
from linernotes.formats.letters import plain_text
from linernotes.formats.notes_paper import notes_paper
from linernotes.formats.pdf import pdf
from linernotes.formats.report import notes
from linernotes.model import Credit, Problem, Role, Synthetic, SyntheticVerdict, Trace, Transform
from tests.unit.test_formats_report import heard, reference, trace, unread

HEARD_AT = datetime(2026, 5, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
MACHINE = Synthetic(SyntheticVerdict.MIXED, 0.8, None, [], [], ["Regular peaks above 5 kHz."], "m1")


def paper(*traces: Trace, heard_at: datetime | None = None) -> Document:
    return notes_paper(notes(traces, {}), generator="Linernotes 0.1.0", reference="job_1", heard_at=heard_at)


def words(document: Document) -> str:
    return " ".join(plain_text(document).replace("\N{NO-BREAK SPACE}", " ").split())


def test_it_says_what_the_page_says() -> None:
    found = [
        heard(0, 12, of=reference("r1"), transform=Transform(2.0, 1.05)),
        heard(30, 40, of=reference("r2", "Salt")),
    ]
    credits_ = [Credit("Ada Example", Role.WRITER, Fraction(1, 3), "Salt, heard at 0:30.0")]
    problem = Problem("tags", "the tags are torn", "in/medley.wav")
    told = replace(trace(found, credits=credits_, problems=[problem]), synthetic=MACHINE)
    text = words(paper(told, heard_at=HEARD_AT))
    for said in (
        "medley.wav – liner notes",
        "Length: 1:00.0",
        "Heard: 2026-05-01 12:30 UTC",
        "SHA-256: " + "3f" * 32,
        "Partly made by a generative model. Probability of a machine 0.80 1. Regular peaks above 5 kHz.",
        "Two recordings heard in this upload.",
        "1. Night Bus",
        "2. Salt",
        "Heard as: recording",
        "In the upload: 0:00.0–0:12.0 In the reference: 0:16.3–0:28.3 Probability: Very likely, 0.97",
        "In the upload it is: 2 semitones higher, 5 % faster Because: 412 of 431 agree.",
        "Ada Example writer 1/3 (about 33.33 %) Salt, heard at 0:30.0",
        "1. the tags are torn (tags, in/medley.wav)",
        "Index revision: rev-1",
        *wording.CAVEATS,
    ):
        assert said in text, said


def test_without_evidence_it_says_that_nothing_was_heard_and_when_is_left_out_where_nobody_knows() -> None:
    text = words(paper(trace()))
    assert "Nothing in the catalogue was heard in this upload." in text
    assert not any(word in text for word in ("Credits", "Problem", "Human or machine", "Heard:"))


def test_a_file_that_could_not_be_read_has_its_problem() -> None:
    text = words(paper(unread()))
    assert "This file could not be read." in text
    assert "It begins with text. (decode, in/letter.mp3)" in text


def test_several_uploads_stand_under_their_names() -> None:
    text = words(paper(trace(path="a/x.wav"), trace(path="a/y.wav")))
    assert text.startswith("Liner notes")
    assert text.index("x.wav") < text.index("y.wav")
    assert text.count("Length: 1:00.0") == 2


@pytest.mark.parametrize("name", ["山田太郎", "Łukasz Żółć", "Жанна"])
def test_it_prints_titles_of_many_scripts_always_alike(name: str, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here")
    told = trace([heard(65, 72, of=reference("r1", name))], path=f"in/{name}.wav", duration_s=90)
    printed = pdf(paper(told, heard_at=datetime(2026, 5, 1, tzinfo=UTC)))
    assert printed == pdf(paper(told, heard_at=datetime(2026, 5, 1, tzinfo=UTC)))
    (tmp_path / "notes.pdf").write_bytes(printed)
    command = ["pdftotext", "-layout", str(tmp_path / "notes.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{name}.wav – liner notes" in text
    assert f"1. {name}" in text
    assert "1:05.0–1:12.0" in text
    assert "job_1" in text
