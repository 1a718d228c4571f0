import numpy as np
import pytest

from linernotes.learn.similarity import Overlap


def test_the_same_is_one_and_a_stranger_nothing() -> None:
    works = [np.arange(0, 30), np.arange(20, 50), np.arange(100, 130)]
    overlap = Overlap(works)
    similarities = overlap.similarities(works[0])
    assert similarities[0] == pytest.approx(1.0)
    assert 0 < similarities[1] < similarities[0]
    assert similarities[2] == 0
    assert overlap.similarities(np.arange(500, 530)).tolist() == [0, 0, 0]


def test_what_few_have_counts_for_more() -> None:
    common, rare = np.arange(4), np.arange(10, 14)
    works = [np.concatenate([common, rare]), common, common, rare + 100]
    query = np.concatenate([common, rare])
    similarities = Overlap(works).similarities(query)
    assert similarities[0] > similarities[1] == similarities[2] > similarities[3]


def test_too_short_to_compare_is_nothing() -> None:
    assert Overlap([np.arange(9)]).similarities(np.arange(3)).tolist() == [0]
    assert Overlap([np.arange(2)]).similarities(np.arange(9)).tolist() == [0]
    assert Overlap([]).similarities(np.arange(9)).tolist() == []
