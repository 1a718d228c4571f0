import pytest

from linernotes.errors import FormatError
from linernotes.formats.usage_tables import read_usage_header


def test_columns_go_by_their_other_names_in_any_order() -> None:
    header = read_usage_header("\ufeffRevenue;Country;Currency;Sale-Month;ISRC;Mood;Track Title", where="t.csv")
    assert header.delimiter == ";"
    assert header.n_cells == 7
    assert header.cells == {"amount": 1, "territory": 2, "currency": 3, "period": 4, "isrc": 5, "title": 7}
    assert header.ignored == ["Mood"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no column territory, no column currency, no column amount, no column period or date"),
        ("date,territory,currency,amount", r"t\.csv:1: no column isrc, upload_sha256 or title \(columns: date,"),
        ("date,territory,currency,amount,revenue,isrc", "two columns are called amount; leave one"),
        ('date,"territory', "not a header of a table"),
    ],
)
def test_a_header_that_cannot_do_is_refused(line: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_usage_header(line, where="t.csv")
