from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="needs the extra models")

from linernotes.learn.adapter import SequenceAdapter  # noqa: E402
from linernotes.learn.gradients import Sketch, adam_metric, piece_gradients  # noqa: E402
from linernotes.learn.transformer import TINY, Transformer, sequence_losses  # noqa: E402

pytestmark = pytest.mark.extras
WHOLE = 10**9


def adapter_and_pieces() -> tuple[SequenceAdapter, list[list[list[int]]]]:
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    lengths = [[9], [12], [9, 7], [12], []]
    return SequenceAdapter(Transformer(20, TINY), []), [
        [rng.integers(1, 20, n).tolist() for n in piece] for piece in lengths
    ]


def test_gradients_are_those_of_each_piece_alone() -> None:
    adapter, pieces = adapter_and_pieces()
    sketch = Sketch(adapter.parameters(), width=WHOLE)
    assert sketch.exact
    found = piece_gradients(adapter, pieces, sketch)
    for gradient, piece in zip(found, pieces, strict=True):
        adapter.model.zero_grad()
        for row in piece:
            cost: Any = sequence_losses(adapter.model, torch.tensor([row])).sum()
            cost.backward()
        parameters = list(adapter.model.parameters())
        alone = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        assert np.allclose(gradient, torch.cat([part.reshape(-1) for part in alone]).numpy(), atol=1e-4)


def test_a_sketch_keeps_inner_products() -> None:
    adapter, pieces = adapter_and_pieces()
    exact = piece_gradients(adapter, pieces, Sketch(adapter.parameters(), width=WHOLE))
    small = piece_gradients(adapter, pieces, Sketch(adapter.parameters(), width=4096))
    assert small.shape == (5, 4096)
    lengths = np.linalg.norm(exact, axis=1) + 1e-9
    assert np.abs((small @ small.T - exact @ exact.T) / np.outer(lengths, lengths)).max() < 0.1
    assert (piece_gradients(adapter, pieces, Sketch(adapter.parameters(), width=4096)) == small).all()


def test_in_adams_metric_no_parameter_drowns_the_others() -> None:
    adapter, pieces = adapter_and_pieces()
    metric = adam_metric(adapter, pieces)
    exact = piece_gradients(adapter, pieces, Sketch(adapter.parameters(), width=WHOLE))
    scaled = piece_gradients(adapter, pieces, Sketch(adapter.parameters(), width=WHOLE, metric=metric))
    factors = torch.cat([metric[name].reshape(-1) for name in adapter.parameters()]).numpy()
    assert np.allclose(scaled, exact * factors, rtol=1e-3, atol=1e-3)
    rough, even = ((table**2).mean(axis=0) for table in (exact, scaled))
    assert even.std() / even.mean() < 0.5 * rough.std() / rough.mean()
