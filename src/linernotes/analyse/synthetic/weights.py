"""What was learnt: for each family of traits an expert, their blend, and how far its word may be trusted.

An expert keeps what varies most in its traits, compares a stretch with a few hundred remembered ones, machines' and
people's, and adds up how alike they are: ridge regression on a Gaussian kernel over landmarks.

Source: C. Williams and M. Seeger, Using the Nyström method to speed up kernel machines, 2001; J. Platt, Probabilistic
outputs for support vector machines, 1999.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.network import CLIP, Network

__all__ = ["NETWORK", "Expert", "Weights", "likeness", "shipped"]

Floats = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]] | float
NETWORK = "network"
"""The name under which the networks, who hear all families, speak."""


@dataclass(frozen=True, slots=True)
class Expert:
    """Judge of one family of traits.

    Standardise with ``mean`` and ``scale`` (D,), project on ``basis`` (D, d), compare with ``landmarks`` (m, d) at a
    ``width``, weigh by ``beta`` (m,).
    """

    mean: Floats
    scale: Floats
    basis: Floats
    landmarks: Floats
    beta: Floats
    width: float

    def place(self, traits: Floats) -> Floats:
        """Project traits (n, D) to (n, d); what is missing counts as usual."""
        usual = np.nan_to_num(np.clip((traits - self.mean) / self.scale, -CLIP, CLIP))
        placed: Floats = usual @ self.basis
        return placed

    def likeness(self, traits: Floats) -> Floats:
        """How alike traits (n, D) are to each landmark, 0 to 1; shape (n, m)."""
        return likeness(self.place(traits), self.landmarks, self.width)


def likeness(one: Floats, other: Floats, width: float) -> Floats:
    """Gaussian kernel between rows."""
    apart = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    alike: Floats = np.exp(np.maximum(apart, 0) * np.float32(-width / one.shape[1]))
    return alike


@dataclass(frozen=True, slots=True)
class Weights:
    """Experts, networks and what follows them.

    ``blend``: of the experts' scores, by family, and of the networks'. ``calibration`` (5,): the logit is their sum z
    times (c0 + c1·log2(seconds / 4) + c2·heard) + c3·heard + c4, ``heard`` from 0 to 1. ``accusation``: the logit from
    which a whole is told to be a machine's; ``stretch``: the same for six seconds; ``strangeness``: the least likeness
    that is not strange.
    """

    model_id: str
    experts: Mapping[str, Expert]
    blend: Mapping[str, float]
    calibration: Floats
    accusation: float
    stretch: float
    strangeness: float
    network: Network | None = None

    def scores(self, traits: Mapping[str, Floats]) -> tuple[Mapping[str, Floats], Floats]:
        """Ask all about stretches: (n,) by family, blended; and how alike they are to anything known, (n,)."""
        said, known = {}, []
        for family, expert in self.experts.items():
            alike = expert.likeness(traits[family])
            said[family] = alike @ expert.beta * np.float32(self.blend[family])
            known.append(alike.max(axis=1))
        if self.network is not None:
            said[NETWORK] = self.network.scores(traits) * np.float32(self.blend[NETWORK])
        return said, np.mean(known, axis=0)

    def logit(self, z: Numbers, *, seconds: Numbers, heard: Numbers) -> Floats:
        """Calibrated log odds of a blended score of so many seconds, ``heard`` of the zones below the band edge."""
        c = self.calibration
        longer = np.log2(np.clip(seconds, 2, 64) / 4)
        told: Floats = np.asarray(z * (c[0] + c[1] * longer + c[2] * heard) + c[3] * heard + c[4], np.float32)
        return told

    def save(self, path: Path) -> None:
        """Write to one file; large arrays in half precision."""
        arrays: dict[str, NDArray[np.generic]] = {
            "model_id": np.array(self.model_id),
            "calibration": self.calibration,
            "limits": np.array([self.accusation, self.stretch, self.strangeness], np.float32),
        }
        for family, expert in self.experts.items():
            arrays |= {
                f"{family}.mean": expert.mean.astype(np.float16),
                f"{family}.scale": expert.scale.astype(np.float32),
                f"{family}.basis": expert.basis.astype(np.float16),
                f"{family}.landmarks": expert.landmarks.astype(np.float16),
                f"{family}.beta": expert.beta.astype(np.float32),
                f"{family}.rest": np.array([expert.width, self.blend[family]], np.float32),
            }
        if self.network is not None:
            arrays |= {f"{NETWORK}.{name}": value.astype(np.float32) for name, value in self.network.arrays().items()}
            arrays[f"{NETWORK}.blend"] = np.array(self.blend[NETWORK], np.float32)
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Weights":
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            families = [name.removesuffix(".beta") for name in stored.files if name.endswith(".beta")]
            experts, blend = {}, {}
            for family in families:
                names = ("mean", "scale", "basis", "landmarks", "beta")
                parts = {name: stored[f"{family}.{name}"].astype(np.float32) for name in names}
                width, blend[family] = map(float, stored[f"{family}.rest"])
                experts[family] = Expert(**parts, width=width)
            network = None
            if f"{NETWORK}.blend" in stored.files:
                network = Network(**{name: stored[f"{NETWORK}.{name}"] for name in Network.__slots__})
                blend[NETWORK] = float(stored[f"{NETWORK}.blend"])
            accusation, stretch, strangeness = map(float, stored["limits"])
            model_id, calibration = str(stored["model_id"]), stored["calibration"]
            return cls(model_id, experts, blend, calibration, accusation, stretch, strangeness, network)


@cache
def shipped() -> Weights:
    """Return the weights that come with the package."""
    return Weights.load(Path(__file__).with_name("weights.npz"))
