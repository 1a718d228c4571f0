"""Statements on paper, read back by another program where it is there (pdftotext)."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest

from linernotes.errors import InvariantError, ParameterError
from linernotes.formats.amounts import split
from linernotes.formats.statement_paper import MARGIN_MM
from linernotes.formats.statement_pdf import statement_pdf
from linernotes.model import Deduction, DeductionKind
from tests.statement_samples import LONG_TITLE, balanced, line, long_statement, statement

Reader = Callable[..., list[str]]
_AMOUNT = re.compile(r"(−?[\d,]+\.\d{6})\s*$")


@pytest.fixture
def pages_of(tmp_path: Path) -> Reader:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here")

    def read(content: bytes, *options: str) -> list[str]:
        (tmp_path / "statement.pdf").write_bytes(content)
        command = ["pdftotext", *(options or ("-layout",)), str(tmp_path / "statement.pdf"), "-"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.removesuffix("\f").split("\f")

    return read


def micro(text: str) -> int:
    return int(text.replace("−", "-").replace(",", "").replace(".", ""))


def account_of(page: str) -> dict[str, int]:
    """Return the rows of the account as they are printed."""
    part = page.partition("Your account")[2].partition("Where it came from")[0].partition("Why this line?")[0]
    found = {}
    for row in part.splitlines():
        if match := _AMOUNT.search(row):
            found[re.split(r"\s{2,}", row.strip())[0]] = micro(match[1])
    return found


def test_one_line_is_one_page_and_every_amount_is_exact(pages_of: Reader) -> None:
    (page,) = pages_of(statement_pdf([balanced([line()])]))
    for text in (
        *(
            "Mira Sandoval",
            "October 2026",
            "EUR 32.92",
            "Harbour Lights",
            "ISRC DEA612600001",
            "98.765432",
            "32.921811",
        ),
        *("≈ 33.33 %", "1/3", "Streamhaus Premium", "12,345", "lin_0000000000000001", "page 1 of 1"),
        *("linernotes statement pty_5d1c6f0a9b3e2c47 --why lin_0000000000000001", "linernotes claims dispute"),
    ):
        assert text in page.replace("\xa0", " "), text


def test_no_line_is_one_page_too(pages_of: Reader) -> None:
    (page,) = pages_of(statement_pdf([balanced([], opening_micro=1_999)]))
    assert "Nothing was earned in this period." in page
    assert account_of(page)["Closing balance"] == 1_999


def test_nothing_to_print_is_said() -> None:
    with pytest.raises(ParameterError, match="no statement to print"):
        statement_pdf([])


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_the_printed_account_adds_up(pages_of: Reader, currency: str) -> None:
    told = statement(currency)
    rows = account_of(pages_of(statement_pdf([told]))[0])
    closing = rows.pop("Closing balance")
    kept = rows.pop("Too small for a coin, carried over")
    assert list(rows) == [
        *("Opening balance", "Earned", "Paid back on an advance", "Tax withheld", "Held for now", "Paid out now")
    ]
    assert sum(rows.values()) == closing == kept == told.closing_micro
    assert rows["Earned"] == told.earned_micro


def test_what_is_held_is_shown_with_its_reason_and_its_end(pages_of: Reader) -> None:
    page = " ".join(pages_of(statement_pdf([statement()]))[0].split())
    assert "Held, not lost" in page
    assert "the uploader contests the claim on this use" in page
    assert "It ends when claim clm_00000000000000d1 is decided or withdrawn" in page


def test_many_things_are_held_over_pages(pages_of: Reader) -> None:
    lines = [line(n, held=True, claim_id=f"clm_{n}", because=f"reason {n}") for n in range(60)]
    pages = pages_of(statement_pdf([balanced(lines)]))
    assert all(any(f"reason {n}" in page and f"claim clm_{n} " in page for page in pages) for n in range(60))


def test_forty_pages_repeat_their_header_and_split_no_row(pages_of: Reader) -> None:
    told = long_statement()
    pages = pages_of(statement_pdf([told]))
    assert len(pages) >= 40
    ids: list[str] = []
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        assert "pty_5d1c6f0a9b3e2c47 · 2026-10 · EUR · Mira Sandoval" in page
        body = page.split("Your share")[1] if number > 1 else page.partition("Your share")[2]
        own = re.findall(r"^\s*(lin_[0-9a-f]{16})", body, re.MULTILINE)
        ids += own
        # Above the id of each line stand its cells: month, quantity, pool, share, amount.
        assert len(re.findall(r"20\d\d-\d\d .*%\s+−?[\d,]+\.\d{6}\s*$", body, re.MULTILINE)) == len(own)
    assert sorted(ids) == sorted(each.id for each in told.lines)
    things = {each.subject_id for each in told.lines}
    assert sum(len(re.findall(r" rec_[0-9a-f]{16}", page)) for page in pages) >= len(things)
    assert micro(re.findall(r"^ *Earned +([\d,.]+)\s*$", pages[-1], re.MULTILINE)[0]) == told.earned_micro


def test_a_page_that_goes_on_with_a_thing_says_so(pages_of: Reader) -> None:
    pages = pages_of(statement_pdf([balanced([line(n) for n in range(90)])]))
    assert len(pages) == 4
    assert all("Harbour Lights (continued)" in page for page in pages[1:])


def test_each_currency_has_its_statement_and_all_an_overview(pages_of: Reader) -> None:
    told = [statement("KWD", n_lines=3), statement("EUR", n_lines=3), statement("JPY", n_lines=3)]
    pages = pages_of(statement_pdf(told))
    first = pages[0].replace("\xa0", " ")
    assert "ROYALTY STATEMENTS" in first
    assert "overview" in first
    for each in told:
        payable, _ = split(
            each.payable_minor * 10 ** (6 - {"KWD": 3, "EUR": 2, "JPY": 0}[each.currency]), each.currency
        )
        assert f"{each.currency} {payable}" in first
    heads = [re.search(r"October 2026 · ([A-Z]{3})\b", page) for page in pages[1:]]
    assert [match[1] for match in heads if match] == ["EUR", "JPY", "KWD"]


@pytest.mark.parametrize("title", ["Kalte Straßen (Ąžuolas Remix)", "夜の港にて", "봄비", "Ζωή", "Ջազ", "ჯაზი"])
def test_titles_of_many_scripts_stand_on_the_page(pages_of: Reader, title: str) -> None:
    (page,) = pages_of(statement_pdf([balanced([line(title=title)])]))
    assert title in page


@pytest.mark.parametrize("title", ["שיר של לילה", "أغنية الصباح الطويلة"])
def test_titles_that_run_from_right_to_left_keep_their_letters(pages_of: Reader, title: str) -> None:
    (page,) = pages_of(statement_pdf([balanced([line(title=title)])]))
    letters = "".join(page.translate(dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c"))).split())
    assert all(part in letters or part[::-1] in letters for part in title.split())


def test_what_no_font_has_is_printed_as_its_number_with_a_note(pages_of: Reader) -> None:
    (page,) = pages_of(statement_pdf([balanced([line(title="🎸 \x07")])]))
    assert "[U+1F3B8] [U+0007]" in page
    assert "printed as their numbers" in page
    assert "printed as their numbers" not in pages_of(statement_pdf([balanced([line()])]))[0]


class _Words(HTMLParser):
    """The boxes that pdftotext -bbox prints."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[tuple[float, float, float]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "word":
            told = dict(attrs)
            self.boxes.append((float(told["xmin"] or 0), float(told["xmax"] or 0), float(told["ymax"] or 0)))


@pytest.mark.parametrize("amount_micro", [0, -1, 10**30, -(10**30)])
def test_nothing_leaves_the_page_however_long(pages_of: Reader, amount_micro: int) -> None:
    odd = line(
        title=LONG_TITLE * 3,
        source="W" * 200,
        amount_micro=amount_micro,
        gross_micro=amount_micro * 7,
        quantity=10**20,
        share=Fraction(10**25 + 1, 10**26),
        because="unbroken" * 60,
        territory="2136-2120-US",
        held=True,
        claim_id="clm_" + "f" * 80,
    )
    taken = [Deduction(DeductionKind.RECOUPMENT, 10**29, "a reason that takes its time " * 20)]
    told = balanced([odd, line(2, held=False)], name="M" * 120, taken=taken)
    words = _Words()
    words.feed("".join(pages_of(statement_pdf([told, balanced([line()], currency="JPY")]), "-bbox")))
    point_mm = 72 / 25.4
    left, right = (MARGIN_MM - 2.1) * point_mm, (210 - MARGIN_MM + 2.1) * point_mm
    assert words.boxes
    assert min(box[0] for box in words.boxes) >= left
    assert max(box[1] for box in words.boxes) <= right
    assert max(box[2] for box in words.boxes) <= 295 * point_mm


def test_the_same_statement_gives_the_same_bytes() -> None:
    assert statement_pdf([statement()]) == statement_pdf([statement()])


def test_what_does_not_add_up_is_not_printed() -> None:
    with pytest.raises(InvariantError, match="opening"):
        statement_pdf([balanced([line()]), replace(balanced([line()]), opening_micro=5)])
