"""Train the small networks of the detector: plain numpy, gradients by hand.

Zones are taken away at random from above, as narrow bands do, and whole families of traits too, so that none is leant
on alone. Besides machine or person, each network tells which machine: what generators differ in is worth knowing.

Source: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, 2019; N. Srivastava et al., Dropout, 2014.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.cells import N_ZONES
from linernotes.analyse.synthetic.network import VIEWS, Network, sigmoid, standardised, zoned

__all__ = ["Batch", "fit_network", "slopes"]

Floats = NDArray[np.floating[Any]]
Parameters = dict[str, Floats]

N_NETWORKS, N_UNITS, N_JOINED = 3, 64, 32
N_ROUNDS, N_BATCH, PEAK, DECAY = 8, 96, 3e-3, 0.1
LOST_INPUTS, LOST_UNITS, LOST_FAMILY, LOST_BAND = 0.2, 0.4, 0.15, 0.5
FEWEST_ZONES = 3
SURENESS, WHICH = 0.95, 0.2
"""How sure a network may be of what it is told, and how much it counts which machine it was."""
_BEND = np.float32(1.702)


@dataclass(frozen=True, slots=True)
class Batch:
    """Stretches, b of them: traits (b, zones, d), zones heard, weight, target 0 to 1, which machine (−1: none)."""

    usual: Floats
    heard: Floats
    weight: Floats
    target: Floats
    machine: NDArray[np.int64]


def fit_network(
    traits: Mapping[str, Floats], is_ai: NDArray[np.bool_], weights: Floats, group: NDArray[np.int64], *, seed: int = 1
) -> Network:
    """Fit networks that differ in how they began, on stretches of machines and of people."""
    values = zoned(traits)
    there = np.isfinite(values)
    n = np.maximum(there.sum(axis=0), 1)
    filled = np.where(there, values, 0)
    mean = (filled.sum(axis=0) / n).astype(np.float32)
    scale = np.sqrt((np.where(there, filled - mean, 0) ** 2).sum(axis=0) / n).astype(np.float32) + np.float32(1e-4)
    usual, heard = standardised(values, mean, scale)
    target = np.where(is_ai, SURENESS, 1 - SURENESS).astype(np.float32)
    _, machine = np.unique(np.where(is_ai, group, -1), return_inverse=True)
    machine = np.where(is_ai, machine - int(not is_ai.all()), -1)
    known = Batch(usual, heard, weights, target, machine)
    widths = [traits[family].shape[1] // N_ZONES for family in VIEWS]
    fitted = [_fitted(known, np.cumsum([0, *widths]), np.random.default_rng(seed + i)) for i in range(N_NETWORKS)]
    names = ("look", "gain", "offset", "direct", "join", "join_offset", "last", "bias")
    parts = {name: np.stack([one[name] for one in fitted]) for name in names}
    bare = Network(mean, scale, **parts, level=np.ones((), np.float32))
    return Network(mean, scale, **parts, level=np.asarray(bare.scores(traits).std() + 1e-9, np.float32))


def _begun(d: int, n_machines: int, rng: np.random.Generator) -> Parameters:
    def drawn(*shape: int) -> Floats:
        return rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(shape[0]))

    return {
        "look": drawn(d, N_UNITS),
        "gain": np.ones((N_ZONES, N_UNITS), np.float32),
        "offset": np.zeros((N_ZONES, N_UNITS), np.float32),
        "direct": drawn(N_UNITS),
        "join": drawn(N_UNITS, N_JOINED),
        "join_offset": np.zeros(N_JOINED, np.float32),
        "last": drawn(N_JOINED),
        "bias": np.zeros(1, np.float32),
        "which": drawn(N_JOINED, n_machines),
        "which_level": np.zeros(n_machines, np.float32),
    }


def _fitted(known: Batch, bounds: NDArray[np.int64], rng: np.random.Generator) -> Parameters:
    """Descend (AdamW); the step rises for three tenths of the way and falls to nothing."""
    now = _begun(known.usual.shape[2], int(known.machine.max()) + 1, rng)
    first, second = ({name: np.zeros_like(value) for name, value in now.items()} for _ in range(2))
    n_steps, step = N_ROUNDS * -(-len(known.weight) // N_BATCH), 0
    for _ in range(N_ROUNDS):
        order = rng.permutation(len(known.weight))
        for start in range(0, len(order), N_BATCH):
            step += 1
            done = step / n_steps
            rise = (1 - np.cos(np.pi * done / 0.3)) / 2 if done < 0.3 else (1 + np.cos(np.pi * (done - 0.3) / 0.7)) / 2
            rate = PEAK * max(rise, 0.04 * (done < 0.3))
            for name, slope in slopes(now, _drawn(known, order[start : start + N_BATCH], bounds, rng), rng).items():
                first[name] += np.float32(0.1) * (slope - first[name])
                second[name] += np.float32(0.001) * (slope**2 - second[name])
                way = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
                now[name] = (now[name] - rate * (way + DECAY * now[name])).astype(np.float32)
    return now


def _drawn(known: Batch, chosen: NDArray[np.int64], bounds: NDArray[np.int64], rng: np.random.Generator) -> Batch:
    """Take some stretches, and from them bands, families and single traits."""
    usual, b = known.usual[chosen], len(chosen)
    edge = np.where(rng.random(b) < LOST_BAND, rng.integers(FEWEST_ZONES, N_ZONES + 1, b), N_ZONES)
    heard = known.heard[chosen] * (np.arange(N_ZONES) < edge[:, None])
    for low, high in pairwise(bounds):
        usual[rng.random(b) < LOST_FAMILY, :, low:high] = 0
    usual *= _kept(usual.shape, LOST_INPUTS, rng) * heard[..., None]
    return Batch(usual, heard, known.weight[chosen], known.target[chosen], known.machine[chosen])


def _kept(shape: tuple[int, ...], lost: float, rng: np.random.Generator) -> Floats:
    return (rng.random(shape, np.float32) >= lost).astype(np.float32) / np.float32(1 - lost)


def slopes(now: Mapping[str, Floats], batch: Batch, rng: np.random.Generator, lost: float = LOST_UNITS) -> Parameters:
    """Gradient of the loss: weighted cross entropy, and ``WHICH`` times that of which machine it was."""
    b, d = len(batch.weight), batch.usual.shape[2]
    seen = (batch.usual.reshape(-1, d) @ now["look"]).reshape(b, N_ZONES, -1)
    bends = seen * now["gain"] + now["offset"]
    share = batch.heard / np.maximum(batch.heard.sum(axis=1, keepdims=True), 1)
    kept = _kept(bends.shape, lost, rng) * share[..., None]
    gate = sigmoid(_BEND * bends)
    whole = (bends * gate * kept).sum(axis=1)
    joins = whole @ now["join"] + now["join_offset"]
    kept_joins, gate_joins = _kept(joins.shape, lost, rng), sigmoid(_BEND * joins)
    joined = joins * gate_joins * kept_joins
    said = joined @ now["last"] + whole @ now["direct"] + now["bias"]
    d_said = batch.weight * (sigmoid(said) - batch.target) / np.float32(b)
    d_which = _which(joined @ now["which"] + now["which_level"], batch.machine)
    d_joins = np.outer(d_said, now["last"]) + d_which @ now["which"].T
    d_joins = d_joins * kept_joins * gate_joins * (1 + _BEND * joins * (1 - gate_joins))
    d_whole = d_joins @ now["join"].T + np.outer(d_said, now["direct"])
    d_bends = d_whole[:, None] * kept * gate * (1 + _BEND * bends * (1 - gate))
    return {
        "look": batch.usual.reshape(-1, d).T @ (d_bends * now["gain"]).reshape(b * N_ZONES, -1),
        "gain": (d_bends * seen).sum(axis=0),
        "offset": d_bends.sum(axis=0),
        "direct": whole.T @ d_said,
        "join": whole.T @ d_joins,
        "join_offset": d_joins.sum(axis=0),
        "last": joined.T @ d_said,
        "bias": d_said.sum(keepdims=True),
        "which": joined.T @ d_which,
        "which_level": d_which.sum(axis=0),
    }


def _which(said: Floats, machine: NDArray[np.int64]) -> Floats:
    """Slope of the cross entropy over machines, for those that are one."""
    share = np.exp(said - said.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    is_one = machine >= 0
    share[np.flatnonzero(is_one), machine[is_one]] -= 1
    share[~is_one] = 0
    slope: Floats = share * np.float32(WHICH / max(1, int(is_one.sum())))
    return slope
