"""From traits of many stretches to weights: experts, blend, calibration, and the line of accusation.

Every choice that follows the experts is made on scores of clips whose source and generator the expert had not heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.cells import N_ZONES
from linernotes.analyse.synthetic.network import CLIP
from linernotes.analyse.synthetic.weights import NETWORK, Expert, Weights, likeness
from training.synthetic_network import fit_network

__all__ = [
    "Examples",
    "calibrated",
    "crossed",
    "fitted",
    "importance",
    "scores",
    "settled",
    "tail_threshold",
    "trained",
]

Floats = NDArray[np.float32]

FAMILIES = ("tones", "scatter", "strokes", "phase", "comb")
BLEND = {"tones": 1.0, "scatter": 1.0, "strokes": 0.4, "phase": 1.0, "comb": 0.3, NETWORK: 3.0}
N_DIMENSIONS, N_LANDMARKS, WIDTH, RIDGE = 300, 1000, 0.3, 0.05
STAND_IN = 0.5
"""How much a stand-in counts beside a machine."""
FALSE_ALARMS = 1 / 1000


@dataclass(frozen=True, slots=True)
class Examples:
    """Stretches, n of them: traits by family (n, D), the clip each is of, whose fold, and what is known of it."""

    traits: Mapping[str, Floats]
    clip: NDArray[np.int64]
    draw: NDArray[np.int64]
    fold: NDArray[np.int64]
    is_ai: NDArray[np.bool_]
    group: NDArray[np.int64]
    zones: NDArray[np.int64]
    seconds: Floats
    is_stand_in: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> "Examples":
        """Return those chosen."""
        rest = {name: getattr(self, name)[chosen] for name in self.__slots__[1:]}
        return Examples({family: traits[chosen] for family, traits in self.traits.items()}, **rest)

    def wholes(self) -> "Wholes":
        """Tell which stretches are of one clip and draw."""
        number = self.clip * 1000 + self.draw
        _, first, inverse, counts = np.unique(number, return_index=True, return_inverse=True, return_counts=True)
        seconds = np.bincount(inverse, self.seconds) / counts * np.minimum(counts, 2)
        return Wholes(first, inverse, counts, seconds.astype(np.float32))

    def save(self, path: Path) -> None:
        """Write to one file."""
        rest: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in self.__slots__[1:]}
        traits = {f"traits.{family}": values.astype(np.float16) for family, values in self.traits.items()}
        np.savez(path, allow_pickle=False, **traits, **rest)

    @classmethod
    def load(cls, path: Path) -> "Examples":
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            families = [name.removeprefix("traits.") for name in kept.files if name.startswith("traits.")]
            traits = {family: kept[f"traits.{family}"].astype(np.float32) for family in families}
            return cls(traits, **{name: kept[name] for name in cls.__slots__[1:]})


@dataclass(frozen=True, slots=True)
class Wholes:
    """Clips and draws, w of them: the first stretch of each, the whole that each stretch is of, how many, how long."""

    first: NDArray[np.int64]
    inverse: NDArray[np.int64]
    counts: NDArray[np.int64]
    seconds: Floats

    def mean(self, values: Floats) -> Floats:
        """Mean over the stretches of each."""
        return (np.bincount(self.inverse, values) / self.counts).astype(np.float32)


def importance(known: Examples) -> Floats:
    """Weights: a large source counts with the root of its size, and in each bandwidth both classes count the same."""
    _, inverse, counts = np.unique(known.group, return_inverse=True, return_counts=True)
    weights = np.where(known.is_stand_in, STAND_IN, 1.0) / np.sqrt(counts[inverse])
    for zones in np.unique(known.zones):
        sides = [(known.zones == zones) & (known.is_ai == side) for side in (False, True)]
        if all(side.any() for side in sides):
            level = np.sqrt(np.prod([weights[side].sum() for side in sides]))
            for side in sides:
                weights[side] *= level / weights[side].sum()
    for side in (False, True):
        weights[known.is_ai == side] /= weights[known.is_ai == side].sum() * 2 / len(weights)
    return np.minimum(weights, 8).astype(np.float32)


def fitted(known: Examples, model_id: str, *, seed: int = 1) -> Weights:
    """Fit one expert for each family, and the networks; neither calibrated nor limited yet."""
    weights = importance(known)
    experts = {family: _fit_expert(known.traits[family], known.is_ai, weights, seed) for family in FAMILIES}
    network = fit_network(known.traits, known.is_ai, weights, known.group, seed=seed)
    return replace(bare(model_id), experts=experts, network=network)


def _fit_expert(traits: Floats, is_ai: NDArray[np.bool_], weights: Floats, seed: int) -> Expert:
    rng = np.random.default_rng(seed)
    heard = np.isfinite(traits)
    n_heard = np.maximum(heard.sum(axis=0), 1)
    filled = np.where(heard, traits, 0)
    mean = (filled.sum(axis=0) / n_heard).astype(np.float32)
    scale = (np.sqrt((((filled - mean) * heard) ** 2).sum(axis=0) / n_heard) + 1e-4).astype(np.float32)
    usual = np.nan_to_num(np.clip((traits - mean) / scale, -CLIP, CLIP)).astype(np.float32)
    basis = _principal(usual, min(N_DIMENSIONS, usual.shape[1]), rng)
    placed = usual @ basis
    basis = basis / np.sqrt(np.mean(placed**2))
    placed = usual @ basis
    chosen = rng.choice(len(placed), min(N_LANDMARKS, len(placed)), replace=False, p=weights / weights.sum())
    landmarks = placed[chosen]
    alike = likeness(placed, landmarks, WIDTH).astype(np.float64)
    among = likeness(landmarks, landmarks, WIDTH).astype(np.float64)
    weighted = alike * weights[:, None]
    target = np.where(is_ai, 1.0, -1.0)
    moment = weighted.T @ alike + RIDGE * among + 1e-3 * np.eye(len(landmarks))
    beta = np.linalg.solve(moment, weighted.T @ target)
    beta /= np.std(alike @ beta) + 1e-9
    return Expert(mean, scale, basis, landmarks, beta.astype(np.float32), WIDTH)


def _principal(usual: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Directions of most variance, by subspace iteration."""
    basis = np.linalg.qr(rng.normal(size=(usual.shape[1], n)).astype(np.float32))[0]
    for _ in range(4):
        basis = np.linalg.qr(usual.T @ (usual @ basis))[0]
    directions: Floats = basis.astype(np.float32)
    return directions


def scores(weights: Weights, examples: Examples) -> Floats:
    """Blended score of each stretch."""
    said, _ = weights.scores(examples.traits)
    return np.asarray(sum(said.values()), np.float32)


def crossed(known: Examples) -> Floats:
    """Score each stretch by experts that heard nothing of its fold."""
    z = np.zeros(len(known.clip), np.float32)
    for fold in np.unique(known.fold):
        here = known.fold == fold
        z[here] = scores(fitted(known.only(~here), "fold"), known.only(here))
    return z


def calibrated(z: Floats, known: Examples) -> Floats:
    """Fit the calibration of :class:`Weights` by logistic regression, on stretches and on the means of their clips."""
    whole = known.wholes()
    weights = importance(known)
    score = np.concatenate([z, whole.mean(z)])
    seconds = np.concatenate([known.seconds, whole.seconds])
    heard = np.concatenate([known.zones, known.zones[whole.first]]) / N_ZONES
    is_ai = np.concatenate([known.is_ai, known.is_ai[whole.first]])
    weights = np.concatenate([weights, whole.mean(weights) * whole.counts])
    longer = np.log2(np.clip(seconds, 2, 64) / 4)
    design = np.stack([score, score * longer, score * heard, heard, np.ones_like(score)], axis=1)
    c = np.zeros(5)
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ c))
        slope = design.T @ (weights * (is_ai - p)) - 1e-2 * c
        bend = (design * (weights * p * (1 - p))[:, None]).T @ design + 1e-2 * np.eye(5)
        c += np.linalg.solve(bend, slope)
    return c.astype(np.float32)


def tail_threshold(logits: Floats, rate: float = FALSE_ALARMS, *, beyond: float = 0.9) -> float:
    """Level that a share ``rate`` exceeds, from an exponential tail beyond a quantile.

    Source: J. Pickands, Statistical inference using extreme order statistics, 1975, with shape 0.

    Check: of standard exponential numbers, one in a thousand exceeds ln 1000 = 6.9.
    """
    start = float(np.quantile(logits, beyond))
    excess = float(np.mean(logits[logits > start] - start))
    return max(
        start + excess * float(np.log((1 - beyond) / rate)), float(np.max(logits)) if len(logits) < 1 / rate else start
    )


def bare(model_id: str) -> Weights:
    """Weights that know nothing yet."""
    return Weights(model_id, {}, BLEND, np.zeros(5, np.float32), 0.0, 0.0, 0.0)


def logits(weights: Weights, z: Floats, known: Examples) -> Floats:
    """Calibrated log odds of each clip and draw."""
    whole = known.wholes()
    heard = known.zones[whole.first] / N_ZONES
    return weights.logit(whole.mean(z), seconds=whole.seconds, heard=heard)


def settled(weights: Weights, z: Floats, known: Examples) -> Weights:
    """Calibrate, and set the limits of accusation on people's clips."""
    weights = replace(weights, calibration=calibrated(z, known))
    people = ~known.is_ai
    parts = weights.logit(z, seconds=known.seconds, heard=known.zones / N_ZONES)
    return replace(
        weights,
        accusation=tail_threshold(logits(weights, z, known)[people[known.wholes().first]]),
        stretch=tail_threshold(parts[people], FALSE_ALARMS / 4),
    )


def trained(known: Examples, model_id: str) -> Weights:
    """Fit on everything; calibration and limits on crossed scores."""
    z = crossed(known)
    real = ~known.is_stand_in
    weights = settled(fitted(known, model_id), z[real], known.only(real))
    _, alike = weights.scores(known.traits)
    return replace(weights, strangeness=float(np.quantile(alike, 0.001)) * 0.8)
