"""The PDFs, read back by another program where it is there (pdftotext), and by their own bytes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from linernotes.document import Document, Facts, Items, Section, Table
from linernotes.formats.letters import plain_text
from linernotes.formats.pdf import pdf

NAMES = ["Łukasz Żółć", "山田太郎", "이지은", "Ζωή", "Жанна", "Ğünay Õ", "ვანო", "Արամ"]


def letter(text: str, *, n_items: int = 1, draft: bool = False) -> Document:
    return Document(
        "Notice",
        "ntc_1",
        Facts([("To", "Streamhaus\nAgent"), ("From", text)]),
        [
            Section(
                "What",
                [text, Items([f"{i}: {text}, a line that is long enough to be wrapped " * 3 for i in range(n_items)])],
            ),
            Section("Shares", [Table(("Name", "Share"), [(text, "1/2"), ("Bo", "1/2")], (60, 40))]),
        ],
        draft=draft,
    )


def text_of(content: bytes, folder: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here")
    (folder / "letter.pdf").write_bytes(content)
    command = ["pdftotext", "-layout", str(folder / "letter.pdf"), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_names_of_many_scripts_stand_in_the_pdf(name: str, tmp_path: Path) -> None:
    assert name in text_of(pdf(letter(name)), tmp_path)


@pytest.mark.parametrize("name", ["שלמה ארצי", "محمد عبده"])
def test_names_that_run_from_right_to_left_keep_their_letters(name: str, tmp_path: Path) -> None:
    text = text_of(pdf(letter(name)), tmp_path)
    marks = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c"))
    letters = "".join(text.translate(marks).split())
    assert all(part in letters or part[::-1] in letters for part in name.split())


@pytest.mark.parametrize(
    ("name", "printed"), [("สมชาย", "[U+0E2A]"), ("🎸", "[U+1F3B8]"), ("𠮷野", "[U+20BB7]"), ("a\x07b", "[U+0007]")]
)
def test_a_character_no_font_has_is_printed_as_its_number_with_a_note(name: str, printed: str, tmp_path: Path) -> None:
    text = text_of(pdf(letter(name)), tmp_path)
    assert printed in text
    assert "Unicode numbers" in text
    assert "Unicode numbers" not in text_of(pdf(letter("Ada")), tmp_path)


def test_a_lone_surrogate_does_not_crash() -> None:
    assert pdf(letter("\ud800")).startswith(b"%PDF")


def test_many_items_go_over_pages_and_every_page_is_named(tmp_path: Path) -> None:
    text = text_of(pdf(letter("Łukasz", n_items=40)), tmp_path)
    pages = text.split("\f")[:-1]
    assert len(pages) >= 3
    assert all("ntc_1" in page and f"page {n} of {len(pages)}" in page for n, page in enumerate(pages, 1))
    assert all(f"{i}: Łukasz" in text for i in range(40))


def test_a_draft_says_so_on_every_page(tmp_path: Path) -> None:
    pages = text_of(pdf(letter("Ada", n_items=40, draft=True)), tmp_path).split("\f")[:-1]
    assert all("DRAFT: not to be sent" in page for page in pages)
    assert "DRAFT" not in text_of(pdf(letter("Ada")), tmp_path)


def test_an_address_longer_than_the_line_is_broken_not_cut(tmp_path: Path) -> None:
    url = "https://streamhaus.example/" + "0123456789" * 30
    assert url in "".join(text_of(pdf(letter(url)), tmp_path).split())


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert pdf(letter("山田")) == pdf(letter("山田"))


def test_plain_text_wraps_words_and_breaks_no_address() -> None:
    url = "https://streamhaus.example/" + "0123456789" * 12
    text = plain_text(letter(f"{url} and a good many words after it, so that the line has to end somewhere in between"))
    assert url in text
    assert max(len(line) for line in text.splitlines() if url not in line) <= 78 + 200  # items are wrapped
    assert "山田太郎" in plain_text(letter("山田太郎"))
