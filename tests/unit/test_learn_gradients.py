from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="needs the extra models")

from linernotes.learn.gradients import Sketch, adam_metric, piece_gradients  # noqa: E402
from linernotes.learn.transformer import TINY, Transformer, sequence_losses  # noqa: E402

pytestmark = pytest.mark.extras


def model_and_pieces() -> tuple[Any, list[list[Any]]]:
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    lengths = [[9], [12], [9, 7], [12], []]
    return Transformer(20, TINY), [[torch.from_numpy(rng.integers(1, 20, n)) for n in piece] for piece in lengths]


def test_gradients_are_those_of_each_piece_alone() -> None:
    model, pieces = model_and_pieces()
    sketch = Sketch(model, width=10**9)
    assert sketch.exact
    found = piece_gradients(model, pieces, sequence_losses, sketch, at_once=2)
    assert found.shape == (5, sum(parameter.numel() for parameter in model.parameters()))
    for gradient, piece in zip(found, pieces, strict=True):
        model.zero_grad()
        for row in piece:
            sequence_losses(model, row[None]).sum().backward()
        alone = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
        assert np.allclose(gradient, torch.cat([part.reshape(-1) for part in alone]).numpy(), atol=1e-4)


def test_a_sketch_keeps_inner_products() -> None:
    model, pieces = model_and_pieces()
    exact = piece_gradients(model, pieces, sequence_losses, Sketch(model, width=10**9))
    sketch = Sketch(model, width=4096)
    small = piece_gradients(model, pieces, sequence_losses, sketch)
    assert small.shape == (5, 4096)
    lengths = np.linalg.norm(exact, axis=1) + 1e-9
    assert np.abs((small @ small.T - exact @ exact.T) / np.outer(lengths, lengths)).max() < 0.1
    again = piece_gradients(model, pieces, sequence_losses, Sketch(model, width=4096))
    assert (again == small).all()


def test_in_adams_metric_no_parameter_drowns_the_others() -> None:
    model, pieces = model_and_pieces()
    metric = adam_metric(model, pieces, sequence_losses)
    exact = piece_gradients(model, pieces, sequence_losses, Sketch(model, width=10**9))
    scaled = piece_gradients(model, pieces, sequence_losses, Sketch(model, width=10**9, metric=metric))
    factors = torch.cat([metric[name].reshape(-1) for name, _ in model.named_parameters()]).numpy()
    assert np.allclose(scaled, exact * factors, atol=1e-3)
    rough, even = ((table**2).mean(axis=0) for table in (exact, scaled))
    assert even.std() / even.mean() < 0.5 * rough.std() / rough.mean()
