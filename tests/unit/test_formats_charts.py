from linernotes.formats import charts


def test_a_line_spans_the_square_and_breaks_where_nothing_is_known() -> None:
    assert charts.line([0.0, 1.0], low=0.0, high=1.0) == "M0.0 1000.0L1000.0 0.0"
    assert charts.line([0.0, None, 9.0], low=0.0, high=1.0) == "M0.0 1000.0M1000.0 0.0"
    assert charts.area([0.0], low=-1.0, high=0.0, base=0.0).endswith("z")
    assert charts.area([], low=-1.0, high=0.0, base=0.0) == ""


def test_series_are_thinned_by_mean_or_by_their_peaks() -> None:
    assert charts.thinned([1.0, 3.0, 5.0, 7.0], most=2) == [2.0, 6.0]
    assert charts.deepest([1.0, 3.0, 5.0, 7.0, 0.0], most=2) == [3.0, 7.0]
    assert charts.thinned([1.0], most=2) == [1.0]
    assert charts.thinned([], most=2) == []


def test_ticks_are_round_and_inside() -> None:
    assert [(tick.place, tick.label) for tick in charts.value_ticks(-6.0, 6.0)] == [
        (100.0, "−6"),
        (75.0, "−3"),
        (50.0, "0"),
        (25.0, "3"),
        (0.0, "6"),
    ]
    ticks = charts.time_ticks(65.0)
    assert [tick.label for tick in ticks][:3] == ["0:00", "0:10", "0:20"]
    assert all(0 <= tick.place <= 100 for tick in ticks)
