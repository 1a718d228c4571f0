from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.learn.tokens import BAR

torch: Any = pytest.importorskip("torch", reason="needs the extra 'models'")
pytestmark = pytest.mark.extras

from linernotes.learn.training import (  # noqa: E402 - only where torch is
    TrainingSettings,
    bits_per_token,
    padded,
    read_weights,
    train,
    windows,
    write_weights,
)
from linernotes.learn.transformer import EVALUATION, SHIPPING, TINY, Transformer, sequence_losses  # noqa: E402

PIECES = [[1, 4, 5, 6, *([BAR, 7 + row % 3, 11, 12 + row % 2, 13] * 8), 2] for row in range(8)]
SETTINGS = TrainingSettings(n_epochs=24, batch_tokens=128, learning_rate=5e-3)


def test_the_sizes_are_what_they_are_said_to_be() -> None:
    assert Transformer(342, EVALUATION).n_parameters <= 500_000
    assert 1_000_000 <= Transformer(342, SHIPPING).n_parameters <= 5_000_000


def test_training_learns_and_is_the_same_again() -> None:
    model, checkpoints = train(PIECES, 20, config=TINY, settings=SETTINGS)
    again, _ = train(PIECES, 20, config=TINY, settings=SETTINGS)
    assert bits_per_token(model, PIECES) < 1.5 < np.log2(20)
    assert write_weights(model) == write_weights(again)
    assert len(checkpoints) == 4
    assert all(torch.equal(value, checkpoints[-1].weights[name]) for name, value in model.state_dict().items())


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.learn.training._KEPT_EVERY", 4)
    config, settings = replace(TINY, dropout=0.2), replace(SETTINGS, n_epochs=4)
    path, heard = tmp_path / "unfinished", []

    def stop(step: int, n_steps: int, _: float) -> None:
        heard.append(step)
        if len(heard) == n_steps * 2 // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(PIECES, 20, config=config, settings=settings, progress=stop, unfinished=path)
    stopped = path.read_bytes()
    model, checkpoints = train(PIECES, 20, config=config, settings=settings, progress=stop, unfinished=path)
    assert heard.count(1) == 1  # it did not begin anew
    whole, all_ = train(PIECES, 20, config=config, settings=settings)
    assert write_weights(model) == write_weights(whole)
    assert [c.step for c in checkpoints] == [c.step for c in all_]
    assert not path.exists()
    path.write_bytes(stopped)
    other, _ = train(PIECES, 20, config=config, settings=replace(settings, seed=1), unfinished=path)
    assert write_weights(other) != write_weights(whole)


def test_weights_are_read_again_and_others_refused() -> None:
    model = Transformer(20, TINY).eval()
    data = write_weights(model)
    back = read_weights(data, where="release")
    tokens = padded(PIECES)
    assert torch.equal(model(tokens), back(tokens))
    with pytest.raises(FormatError, match="release"):
        read_weights(data[:-100], where="release")


def test_a_loss_of_a_sequence_does_not_depend_on_its_neighbours_or_padding() -> None:
    model = Transformer(20, TINY).eval()
    rows = [PIECES[0], PIECES[1][:12]]
    together = sequence_losses(model, padded(rows))
    alone = torch.cat([sequence_losses(model, padded([row])) for row in rows])
    assert torch.allclose(together, alone, atol=1e-4)


def test_reading_on_is_reading_at_once() -> None:
    model = Transformer(20, TINY).eval()
    tokens = padded(PIECES[:1])
    whole = model(tokens)
    first, past = model.read(tokens[:, :10], None)
    second, _ = model.read(tokens[:, 10:], past)
    assert torch.allclose(whole, torch.cat((first, second), 1), atol=1e-5)


def test_windows_begin_at_bars_and_lose_nothing() -> None:
    rows = windows(PIECES[0], 16)
    assert all(len(row) <= 17 and row[:4] == PIECES[0][:4] for row in rows)
    assert rows[0] + [token for row in rows[1:] for token in row[4:]] == PIECES[0]


def test_nothing_cannot_be_learned() -> None:
    with pytest.raises(ParameterError, match="without a piece"):
        train([], 20, config=TINY)
