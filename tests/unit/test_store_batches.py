import pickle
from datetime import date

from linernotes.store.batches import Rows, Same


def test_rows_travel_as_they_are() -> None:
    day = date(2026, 1, 31)
    said = [
        ("a", "", 1, "2136", day, None, "x"),
        ("b", "c\0d", 2, "2136", day, "e", ""),
        ("", "f", 3, "2136", day, None, ""),
    ]
    for n_rows in range(4):
        rows = Rows.of("abcdefg", said[:n_rows]).with_column("h", [7.5] * n_rows)
        sent: Rows = pickle.loads(pickle.dumps(rows))
        assert (len(sent), [*sent]) == (n_rows, [(*row, 7.5) for row in said[:n_rows]])
        assert [*sent.without("a", "d")] == [(*row[1:3], *row[4:], 7.5) for row in said[:n_rows]]
        assert [*sent.renamed({"a": "z"}, "a", "d").column("a")] == [row[0].replace("a", "z") for row in said[:n_rows]]
    assert [type(cells) is Same for cells in sent.cells] == [False, False, False, True, True, False, False, True]


def test_what_is_the_same_all_through_is_a_column_like_others() -> None:
    column = Same("x", 3)
    assert (len(column), [*column], column[0], column[-1], column[1:], "x" in column) == (
        3,
        ["x"] * 3,
        "x",
        "x",
        ["x"] * 2,
        True,
    )
