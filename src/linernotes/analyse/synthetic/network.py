"""Small networks that look at every zone of frequencies in the same way, and average what they see in those heard.

One look for all zones is learnt from nine times as much as a look for each, and bears that the upper ones are missing.

Source: M. Zaheer et al., Deep sets, 2017; D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.cells import N_ZONES

__all__ = ["CLIP", "VIEWS", "Network", "bent", "sigmoid", "standardised", "zoned"]

Floats = NDArray[np.floating[Any]]

VIEWS = {"tones": 4, "scatter": 4, "strokes": 4, "phase": 2}
"""Families whose traits come zone by zone, and how many counts each has of a zone."""
CLIP = 4.0
"""Traits further than this many deviations out are taken for so far."""


def zoned(traits: Mapping[str, Floats]) -> Floats:
    """Put the traits (n, D) of all families side by side for each zone: (n, zones, d), NaN where there are none."""
    parts = []
    for family, n_views in VIEWS.items():
        counts = traits[family].reshape(len(traits[family]), n_views, N_ZONES, -1)
        parts.append(counts.transpose(0, 2, 1, 3).reshape(len(counts), N_ZONES, -1))
    return np.concatenate(parts, axis=2)


def sigmoid(x: Floats) -> Floats:
    """Logistic function."""
    share: Floats = np.float32(1) / (np.float32(1) + np.exp(np.clip(-x, -30, 30)))
    return share


def bent(x: Floats) -> Floats:
    """Linear units with a soft bend (GELU, by its sigmoid approximation)."""
    return x * sigmoid(np.float32(1.702) * x)


@dataclass(frozen=True, slots=True)
class Network:
    """Networks, k of them, that are asked together.

    Standardise with ``mean`` and ``scale`` (zones, d); in each zone ``look`` (k, d, h), times ``gain`` plus ``offset``
    (k, zones, h), bent; the mean over zones heard goes on through ``join`` (k, h, j) plus ``join_offset`` (k, j), bent,
    to ``last`` (k, j) and ``bias`` (k, 1), and straight to the score by ``direct`` (k, h). ``level``: what the sum is
    divided by.
    """

    mean: Floats
    scale: Floats
    look: Floats
    gain: Floats
    offset: Floats
    direct: Floats
    join: Floats
    join_offset: Floats
    last: Floats
    bias: Floats
    level: Floats

    def usual(self, traits: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Standardised traits (n, zones, d), 0 where there are none, and which zones are heard (n, zones)."""
        return standardised(zoned(traits), self.mean, self.scale)

    def scores(self, traits: Mapping[str, Floats]) -> Floats:
        """Score stretches, (n,): positive where they sound machine-made."""
        usual, heard = self.usual(traits)
        k, d, h = self.look.shape
        seen = (usual.reshape(-1, d) @ self.look).reshape(k, -1, N_ZONES, h)
        units = bent(seen * self.gain[:, None] + self.offset[:, None])
        whole = (units * heard[..., None]).sum(axis=2) / np.maximum(heard.sum(axis=1), 1)[:, None]
        joined = bent(whole @ self.join + self.join_offset[:, None])
        each = (joined @ self.last[..., None] + whole @ self.direct[..., None])[..., 0] + self.bias
        said: Floats = each.sum(axis=0) / self.level
        return said

    def arrays(self) -> Mapping[str, Floats]:
        """All numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def standardised(values: Floats, mean: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Deviations from ``mean`` in ``scale``, clipped, 0 for NaN; and where a zone has any, as 0 and 1."""
    heard = np.asarray(np.isfinite(values).any(axis=2), np.float32)
    return np.nan_to_num(np.clip((values - mean) / scale, -CLIP, CLIP)).astype(np.float32), heard
