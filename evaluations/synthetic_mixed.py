"""Recordings of which a part is a machine's: stretches put between people's music, and layers over it.

Conventions
-----------
``stretch_auc``: over seconds, by probability, of ten seconds of a machine between two times six of people's, all sent
through one chain. ``layers_accused``: layered clips (``ai_hybrid/``) told ``ai`` or ``mixed``.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluations.synthetic_chain import RATE_HZ, draw, send
from linernotes import audio
from linernotes.analyse.synthetic import judge
from linernotes.model import SyntheticVerdict
from training.synthetic_data import Clip

__all__ = ["layers", "stretches"]

_EDGE_S = 6.0


def stretches(chosen: Sequence[Clip], n: int, *, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Judge ``n`` recordings put together; the probability of each second and whether a machine made it."""
    rng = np.random.default_rng(seed)
    music = [clip for clip in chosen if not clip.is_voice]
    people = [clip for clip in music if not clip.is_ai]
    machines = [clip for clip in music if clip.is_ai]
    probability: list[float] = []
    is_ai: list[bool] = []
    if not (people and machines):
        return np.zeros(0), np.zeros(0, bool)
    for _ in range(n):
        around, between = people[int(rng.integers(len(people)))], machines[int(rng.integers(len(machines)))]
        outer, _ = audio.read(around.path, sample_rate_hz=RATE_HZ, channels=2, stop_s=2 * _EDGE_S)
        inner, _ = audio.read(between.path, sample_rate_hz=RATE_HZ, channels=2, stop_s=10.0)
        half = len(outer) // 2
        whole = np.concatenate([outer[:half], inner * (_level(outer) / _level(inner)), outer[half:]])
        start_s, stop_s = half / RATE_HZ, (half + len(inner)) / RATE_HZ
        verdict = judge([send(whole, draw(rng))], source_rate_hz=RATE_HZ)
        for segment in verdict.segments:
            middle_s = (segment.start_s + segment.stop_s) / 2
            probability.append(segment.probability)
            is_ai.append(start_s <= middle_s < stop_s)
    return np.array(probability), np.array(is_ai)


def _level(samples: NDArray[np.float32]) -> np.float32:
    return np.float32(np.sqrt(np.mean(samples**2)) + 1e-6)


def layers(folder: Path, *, every: int = 1) -> NDArray[np.bool_]:
    """Tell of each layered clip, after a draw of the chain, whether it was accused."""
    accused = []
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for i, row in enumerate(list(csv.DictReader(file))[::every]):
            samples, _ = audio.read(folder / row["file"], sample_rate_hz=RATE_HZ, channels=2, stop_s=10.0)
            verdict = judge([send(samples, draw(np.random.default_rng(i)))], source_rate_hz=RATE_HZ)
            accused.append(verdict.verdict in (SyntheticVerdict.AI, SyntheticVerdict.MIXED))
    return np.array(accused, bool)
