import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ParameterError
from linernotes.learn.verbatim import Passages, Symbols, suffix_array, symbols

LINE = st.lists(st.integers(0, 3), max_size=14).map(lambda values: np.array(values, np.int64))


def works_of(seed: int, *, n_works: int = 8, length: int = 80) -> dict[str, list[Symbols]]:
    rng = np.random.default_rng(seed)
    return {f"work{n}": [rng.integers(0, 30, length)] for n in range(n_works)}


def test_symbols_do_not_depend_on_key_or_note_values() -> None:
    pitches, onsets = np.array([60, 62, 64, 60, 67, 65]), np.array([0.0, 1.0, 1.5, 2.0, 4.0, 5.0])
    line = symbols(pitches, onsets)
    assert len(line) == 4
    assert line.tolist() == symbols(pitches + 7, 2 * onsets + 3).tolist()
    assert line.tolist() != symbols(pitches, np.array([0.0, 1.0, 1.75, 2.0, 4.0, 5.0])).tolist()
    assert len(symbols([60, 62], [0, 1])) == 0


def test_a_chord_is_no_line() -> None:
    with pytest.raises(ParameterError, match="each later"):
        symbols([60, 64, 67], [0, 0, 1])


@given(st.lists(st.integers(0, 4), max_size=40))
def test_suffixes_are_sorted(values: list[int]) -> None:
    order = suffix_array(np.array(values, np.int64)).tolist()
    assert order == sorted(range(len(values)), key=lambda start: values[start:])


@given(st.lists(LINE, min_size=1, max_size=4), LINE)
def test_every_maximal_passage_is_found_and_no_other(lines: list[Symbols], query: Symbols) -> None:
    works = {f"w{n}": [line] for n, line in enumerate(lines)}
    found = Passages(works).trace(query, least=2)

    def holders(start: int, stop: int) -> set[str]:
        wanted = query[start:stop].tolist()
        return {
            name
            for name, (line,) in works.items()
            if any(line[i : i + len(wanted)].tolist() == wanted for i in range(len(line)))
        }

    expected = set()
    for start in range(len(query)):
        stop = start
        while stop < len(query) and holders(start, stop + 1):
            stop += 1
        if stop - start >= 2 and (start == 0 or not holders(start - 1, stop)):
            expected.add((start, stop))
    assert {(passage.query_start, passage.query_stop) for passage in found} == expected
    for passage in found:
        assert {name for name, _, _ in passage.places} == holders(passage.query_start, passage.query_stop)
        for name, part, start in passage.places:
            copied = works[name][part][start : start + passage.length]
            assert copied.tolist() == query[passage.query_start : passage.query_stop].tolist()


def test_what_is_copied_is_told_with_its_place_and_how_rare_it_is() -> None:
    works = works_of(1)
    query = np.concatenate([works["work2"][0][10:40], works["work5"][0][:12]])
    passages = Passages(works)
    first, second = passages.trace(query)[:2]
    assert (first.query_start, first.length, first.places) == (0, 30, [("work2", 0, 10)])
    assert (second.query_start, second.query_stop, second.places) == (30, 42, [("work5", 0, 0)])
    assert first.rarity_bits > second.rarity_bits > 10
    copied = passages.copied(query)
    assert copied == {"work2": 30 / 42, "work5": 12 / 42}


def test_what_is_common_is_not_rare() -> None:
    scale = np.tile(np.arange(7), 12)
    passages = Passages({f"work{n}": [scale] for n in range(20)})
    (passage,) = passages.trace(np.arange(7))
    assert len(passage.places) == 20
    assert passage.rarity_bits < 0
    assert passages.copied(np.arange(7)) == {}


def test_no_passage_runs_on_into_the_next_work() -> None:
    passages = Passages({"a": [np.array([1, 2, 3]), np.array([4, 5])], "b": [np.array([6, 7])]})
    assert [passage.length for passage in passages.trace(np.array([1, 2, 3, 4, 5, 6, 7]), least=1)] == [3, 2, 2]


def test_the_limit_is_what_works_of_different_groups_share() -> None:
    works = works_of(2)
    works["work1"] = [np.concatenate([works["work0"][0][:25], works["work1"][0]])]
    lengths = Passages(works).shared_lengths({})
    assert lengths["work0"] == lengths["work1"] == 25
    assert max(length for name, length in lengths.items() if name not in ("work0", "work1")) < 6
    assert Passages(works).shared_lengths({"work0": "x", "work1": "x"})["work0"] < 6
    assert set(Passages(works).shared_lengths(dict.fromkeys(works, "one")).values()) == {0}


def test_one_work_under_two_names_is_told() -> None:
    works = works_of(3)
    works |= {"copy": [works["work4"][0].copy()], "cut": [works["work4"][0][20:60]], "short": [np.arange(3)]}
    assert Passages(works).twins() == [("copy", "cut", "work4")]


@pytest.mark.parametrize("works", [{}, {"a": []}, {"a": [np.zeros(0, np.int64)]}])
def test_nothing_is_found_in_nothing(works: dict[str, list[Symbols]]) -> None:
    passages = Passages(works)
    assert passages.trace(np.arange(9)) == []
    assert passages.copied(np.arange(9)) == {}
    assert passages.twins() == []
    assert set(passages.shared_lengths({}).values()) <= {0}
    assert Passages(works_of(4)).trace(np.zeros(0, np.int64)) == []
