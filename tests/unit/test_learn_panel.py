from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linernotes.errors import FormatError, ParameterError

torch: Any = pytest.importorskip("torch", reason="needs the extra models")

from linernotes.learn.adapter import SequenceAdapter  # noqa: E402
from linernotes.learn.panel import Panel  # noqa: E402
from linernotes.learn.training import TrainingSettings, train  # noqa: E402
from linernotes.learn.transformer import TransformerConfig  # noqa: E402

pytestmark = pytest.mark.extras


def motif(*tokens: int) -> list[int]:
    return [1, *tokens * 6]


def trained() -> tuple[SequenceAdapter, list[tuple[int, Any]], dict[str, list[list[int]]]]:
    """Train two runs on works that each have a motif of their own."""
    rng = np.random.default_rng(1)
    works = {f"w{n}": [motif(*rng.choice(np.arange(2, 20), 3, replace=False).tolist())] for n in range(6)}
    config = TransformerConfig(width=16, n_layers=1, n_heads=2, context=32, dropout=0.0)
    pieces = [row for rows in works.values() for row in rows]
    asked = []
    for run in range(2):
        settings = TrainingSettings(n_epochs=12, batch_tokens=64, learning_rate=1e-2, n_checkpoints=3, seed=run)
        model, checkpoints = train(pieces, 20, config=config, settings=settings)
        asked += [(run, checkpoint) for checkpoint in checkpoints[:2]]
    return SequenceAdapter(model, []), asked, works


def test_an_output_is_traced_to_the_work_with_its_motif(tmp_path: Path) -> None:
    adapter, asked, works = trained()
    panel = Panel.prepare(adapter, asked, works)
    for work_id, rows in works.items():
        told = panel.scores([rows[0][:13]])
        assert told.shape == (2, 6)
        assert list(works)[int(told.mean(axis=0).argmax())] == work_id
    panel.save(tmp_path / "panel")
    again = Panel.load(adapter, tmp_path / "panel")
    output = [works["w3"][0][:10]]
    assert np.allclose(again.scores(output), panel.scores(output), atol=0.02)
    with pytest.raises(FormatError, match="not prepared"):
        Panel.load(adapter, tmp_path)


def test_a_panel_needs_works_and_checkpoints() -> None:
    adapter, asked, _ = trained()
    with pytest.raises(ParameterError, match="one work"):
        Panel.prepare(adapter, asked, {})
