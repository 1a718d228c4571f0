from datetime import date

import pytest

from linernotes.errors import FormatError
from linernotes.formats.dsr import cut, dsr_file, escaped, headings, micro, read_foot, read_pools
from linernotes.formats.dsr_layouts import DsrRole, layout_of

HEAD = (
    "HEAD\tdsrf/30\tBasicAudioProfile\t1.2\tM1\t2026-06-02T12:00:00Z\t1\t2\t2026-05-01\t2026-05-31\tPADPIDA1\tSender"
    "\tPremium"
)
NAME = "DSR_Us_Sender_Premium_2026-05_DE_1of2_20260602T120000.tsv.gz"
_head_layout = layout_of("HEAD")
assert _head_layout is not None
HEAD_LAYOUT = _head_layout


def test_cells_are_cut_at_tabs_and_their_escapes_read() -> None:
    assert cut("AS01\t1\tA|B") == ["AS01", "1", "A|B"]
    assert cut("AS01\tone\\\ttwo\tC:\\\\\\D \\\\| \\|") == ["AS01", "one\ttwo", "C:\\D | |"]
    assert cut(f"X\t{escaped('a|b' + chr(9) + 'c' + chr(92))}\tY") == ["X", "a|b\tc\\", "Y"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.5", 12_500_000),
        ("-0.000001", -1),
        ("+3", 3_000_000),
        (".5", 500_000),
        ("7.", 7_000_000),
        ("1.0000000", 10**6),
    ],
)
def test_a_number_is_whole_millionths(text: str, amount: int) -> None:
    assert micro(text) == amount


@pytest.mark.parametrize("text", ["", "1e3", "1,5", "0.0000001", "9" * 31, "1 000", "NaN", "inf", "--1", "."])
def test_what_is_no_exact_number_is_none(text: str) -> None:
    assert micro(text) is None


def test_a_layout_is_known_by_type_then_by_headings_then_by_the_newest_of_its_kind() -> None:
    exact, newer = layout_of("SU02.03"), layout_of("SU02.09")
    assert exact is not None
    assert newer is not None
    assert (exact.role, exact.cells["quantity"], exact.names["quantity"]) == (DsrRole.USAGE, 8, "NumberOfStreams")
    assert newer.cells == exact.cells
    told = headings(["#SU02.09\tBlockId\tSummaryRecordId\tNumberOfStreams", "# a note", "HEAD\tx"])
    by_headings = layout_of("SU02.09", told)
    assert by_headings is not None
    assert by_headings.cells == {"block": 2, "summary": 3, "quantity": 4}
    assert [layout_of(type_) for type_ in ("SY13", "XX01", "SU02'; --", "HEAD2", "")] == [None] * 5


def test_a_file_says_what_it_is_of() -> None:
    told = dsr_file(NAME, HEAD.split("\t"), HEAD_LAYOUT)
    assert (told.number, told.of, told.starts_on, told.ends_on) == (1, 2, date(2026, 5, 1), date(2026, 5, 31))
    assert (told.sender, told.service, told.profile, told.faults) == ("Sender", "Premium", "BasicAudioProfile 1.2", [])
    other = dsr_file(NAME.replace("1of2", "2of2"), HEAD.replace("\t1\t2\t", "\t2\t2\t").split("\t"), HEAD_LAYOUT)
    assert other.set_key == told.set_key


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("2015-02", (date(2015, 2, 1), date(2015, 2, 28))),
        ("2015-Q4", (date(2015, 10, 1), date(2015, 12, 31))),
        ("2016", (date(2016, 1, 1), date(2016, 12, 31))),
        ("2016-02-03", (date(2016, 2, 3), date(2016, 2, 3))),
        ("2016-02-01--2016-02-07", (date(2016, 2, 1), date(2016, 2, 7))),
    ],
)
def test_what_head_lacks_is_in_the_name(period: str, days: tuple[date, date]) -> None:
    told = dsr_file(f"DSR_Us_Sender_Ad-Music_{period}_DE_20260602T120000.tsv", ["HEAD", "ID1"], HEAD_LAYOUT)
    assert (told.starts_on, told.ends_on) == days
    assert (told.sender, told.service, told.number, told.of) == ("Sender", "Ad-Music", 1, 1)
    assert "2 cells where 16 are due" in told.faults[0].reason


def test_a_file_without_a_period_is_refused_and_one_numbered_otherwise_is_told() -> None:
    with pytest.raises(FormatError, match=r"x\.tsv:1: neither its HEAD .* nor its name says which days"):
        dsr_file("x.tsv", ["HEAD", "ID1"], HEAD_LAYOUT)
    with pytest.raises(FormatError, match="file 3 of 2 cannot be"):
        dsr_file(NAME, HEAD.replace("\t1\t2\t", "\t3\t2\t").split("\t"), HEAD_LAYOUT)
    told = dsr_file(NAME.replace("1of2", "1of3"), HEAD.split("\t"), HEAD_LAYOUT)
    assert told.faults[0].reason == "its HEAD says file 1 of 2, its name 1 of 3"


def summary(**cells: str) -> str:
    told = {"id": "S1", "territory": "DE", "usages": "10", "currency": "EUR", "revenue": "2.5"} | cells
    return (
        f"SY01.03\t{told['id']}\t\t\tSubscriptionModel\tStream\t{told['territory']}\tPremium\t{told['usages']}\t\t"
        f"{told['currency']}\t{told['revenue']}"
    )


def pools(*lines: str) -> tuple[list[str], list[str]]:
    layout = layout_of("SY01.03")
    assert layout is not None
    known = {"DE": "DE", "FR": "FR"}
    good, faults = read_pools(enumerate(lines, 2), {"SY01.03": layout}, known.get)
    told = [f"{p.id} {p.territory} {p.currency} {p.usages_micro} {p.revenue_micro}" for p in good]
    return told, [f"{f.line}: {f.reason}" for f in faults]


def test_summaries_are_read_and_those_of_one_id_added_up() -> None:
    assert pools(summary(), summary(id="S2", territory="FR", revenue="", usages="")) == (
        ["S1 DE EUR 10000000 2500000", "S2 FR EUR None None"],
        [],
    )
    assert pools(summary(), summary(revenue="0.5")) == (["S1 DE EUR 20000000 3000000"], [])


def test_a_faulty_summary_says_which_cell() -> None:
    good, faults = pools(
        summary(territory="Worldwide"), summary(currency="euro"), summary(revenue="1e30"), summary(revenue="-1")
    )
    assert good == []
    assert faults == [
        "2: Territory 'Worldwide': not an ISO 3166-1 country",
        "3: CurrencyOfReporting 'euro': not an ISO 4217 currency",
        "4: NetRevenue '1e30': not a number of up to 12 digits and 6 decimals",
        "5: NetRevenue '-1': revenue below zero for usage above zero; a correction has both below zero",
    ]
    good, faults = pools(summary(), summary(territory="FR"))
    assert faults == ["3: SummaryRecordId 'S1': line 2 has it for another territory or currency"]


def test_a_footer_is_compared() -> None:
    foot = layout_of("FOOT")
    assert foot is not None
    counted = {"NumberOfLinesInFile": 9, "NumberOfSummaryRecords": 1}
    assert read_foot(9, "FOOT\t9\t\t1\t4", foot, counted) == []
    (fault,) = read_foot(9, "FOOT\t8\t\tone", foot, counted)
    assert fault.reason == "NumberOfLinesInFile is '8', counted 9; NumberOfSummaryRecords is 'one', counted 1"
    assert not fault.lost
