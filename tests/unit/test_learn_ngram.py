import math

from linernotes.learn.ngram import NGram

PIECES = [[1, 5, 6, 7, 5, 6, 8, 2], [1, 5, 6, 7, 5, 6, 7, 2], [1, 6, 7, 5, 2], [1, 5, 6, 7, 2], [1, 9, 5, 6, 7, 2]]


def test_probabilities_add_up_to_one_after_any_context() -> None:
    model = NGram(PIECES, 10, order=4)
    for context in ([], [1], [5, 6], [7, 5, 6], [9, 9, 9], [1, 5, 6, 7]):
        assert math.isclose(sum(model.probability(context, token) for token in range(10)), 1)


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    model = NGram(PIECES, 10, order=4)
    assert model.probability([5, 6], 7) > model.probability([5, 6], 8) > model.probability([5, 6], 9) > 0


def test_pieces_it_has_seen_cost_less() -> None:
    model = NGram(PIECES, 10, order=4)
    assert model.bits_per_token(PIECES, skip=1) < model.bits_per_token([[1, 8, 9, 8, 2]], skip=1)
