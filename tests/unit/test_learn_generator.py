"""What is made keeps the grammar, the plan, and what it was given, even where the model knows nothing."""

from typing import Any

import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.learn.leads import lead_sheet
from linernotes.learn.tokens import BAR, END, Vocabulary
from linernotes.model.scores import Key, Metre, Mode
from tests.model_samples import tune

torch: Any = pytest.importorskip("torch", reason="needs the extra 'models'")
pytestmark = pytest.mark.extras

from linernotes.learn.adapter import ModelAdapter, SequenceAdapter  # noqa: E402 - only where torch is
from linernotes.learn.generator import Plan, Sampling, continued, generate, infilled  # noqa: E402
from linernotes.learn.training import TrainingSettings, train  # noqa: E402
from linernotes.learn.transformer import TINY, Transformer  # noqa: E402

VOCABULARY = Vocabulary(("folk",))


@pytest.fixture(scope="module")
def model() -> Transformer:
    torch.manual_seed(1)
    model: Transformer = Transformer(len(VOCABULARY), TINY).eval()
    return model


@pytest.mark.parametrize("metre", [Metre(4, 4), Metre(6, 8), Metre(5, 4)])
def test_a_piece_has_its_bars_its_metre_and_its_form(model: Transformer, metre: Metre) -> None:
    plan = Plan(Key(2, Mode.DORIAN), metre, "folk", 6, ((0, "A"), (3, "B")))
    tokens = generate(model, VOCABULARY, plan, Sampling(seed=3))
    score = VOCABULARY.decode(tokens, tonic_pitch=62)
    assert (tokens.count(BAR), tokens[-1]) == (6, END)
    assert (score.metre, score.key) == (metre, Key(2, Mode.DORIAN))
    assert [section.name for section in score.sections] == ["A", "B"]
    assert score.stop_ticks <= 6 * metre.bar_ticks


def test_the_same_seed_is_the_same_piece_and_another_is_another(model: Transformer) -> None:
    plan = Plan(n_bars=4)
    one, again, other = (generate(model, VOCABULARY, plan, Sampling(seed=seed)) for seed in (1, 1, 2))
    assert one == again != other


def test_a_piece_goes_on_after_what_it_was_given(model: Transformer) -> None:
    opening = VOCABULARY.encode(lead_sheet(tune(1)), style="folk")
    tokens = continued(model, VOCABULARY, opening, 3)
    assert tokens[: len(opening) - 1] == opening[:-1]
    assert tokens.count(BAR) == opening.count(BAR) + 3
    VOCABULARY.decode(tokens)


def test_bars_are_written_anew_and_the_others_stay(model: Transformer) -> None:
    piece = VOCABULARY.encode(lead_sheet(tune(1)), style="folk")
    lines = [place for place, token in enumerate(piece) if token == BAR]
    tokens = infilled(model, VOCABULARY, piece, (2, 4))
    assert tokens[: lines[2]] == piece[: lines[2]]
    assert tokens[-len(piece[lines[4] :]) :] == piece[lines[4] :]
    assert tokens.count(BAR) == len(lines)
    VOCABULARY.decode(tokens)
    with pytest.raises(ParameterError, match="has bars 1 to 8"):
        infilled(model, VOCABULARY, piece, (6, 12))


def test_a_piece_may_be_longer_than_the_context(model: Transformer) -> None:
    tokens = generate(model, VOCABULARY, Plan(n_bars=40))
    assert tokens.count(BAR) == 40
    assert len(tokens) > TINY.context


def test_what_the_model_does_not_know_is_refused(model: Transformer) -> None:
    with pytest.raises(FormatError, match="style:polka"):
        generate(model, VOCABULARY, Plan(style="polka"))
    with pytest.raises(ParameterError, match="bars"):
        generate(model, VOCABULARY, Plan(n_bars=0))


def test_a_model_of_audio_tokens_is_an_adapter_too() -> None:
    _, checkpoints = train(
        [[1, 2, 3, 4, 5, 6]] * 4, 33, config=TINY, settings=TrainingSettings(n_epochs=2, n_checkpoints=2)
    )
    ours = SequenceAdapter(Transformer(33, TINY), checkpoints)
    torch.manual_seed(0)
    codec = torch.nn.Sequential(torch.nn.Embedding(33, 8), torch.nn.Tanh(), torch.nn.Linear(8, 33))  # one codebook
    states = [{name: value * scale for name, value in codec.state_dict().items()} for scale in (0.5, 1.0)]
    theirs = SequenceAdapter(codec, [type(checkpoints[0])(n, 1e-3, state) for n, state in enumerate(states)])
    for adapter in (ours, theirs):
        assert isinstance(adapter, ModelAdapter)
        first, last = adapter.checkpoints()
        adapter.load(first)
        before = adapter.losses([[1, 5, 9, 2], [1, 7]])
        adapter.load(last)
        after = adapter.losses([[1, 5, 9, 2], [1, 7]])
        assert before.shape == (2,)
        assert not torch.equal(before, after)
        gradients = torch.autograd.grad(after[0], list(adapter.parameters().values()))
        assert any(float(gradient.abs().sum()) > 0 for gradient in gradients)
