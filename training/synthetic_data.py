"""Which clips teach and test the detector, whose they are, and how they are split.

A source is a repository; a generator belongs to all sources that published it. A fold holds whole sources and whole
generators: nothing of a machine, nor of the people whose music lay beside it, is on both sides of a split.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDERS", "Clip", "clips", "folds"]

FOLDERS = ("ai", "music", "ai_pairs", "ai_reference", "voice")


@dataclass(frozen=True, slots=True)
class Clip:
    """One file. ``generator`` is empty for people's music; ``is_voice``: singing alone."""

    path: Path
    generator: str
    source: str
    is_voice: bool

    @property
    def is_ai(self) -> bool:
        """Whether a generative model made it."""
        return bool(self.generator)


def clips(data: Path) -> list[Clip]:
    """Read the manifests that are there; what may be either is left out."""
    return [clip for folder in FOLDERS if (data / folder).is_dir() for clip in _folder(data / folder)]


def _folder(folder: Path) -> Iterator[Clip]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (generator := _generator(folder.name, row)) is not None:
                source = row["source"] if folder.name == "music" else row["source_repo"]
                yield Clip(folder / row["file"], generator, source, folder.name == "voice")


def _generator(folder: str, row: Mapping[str, str]) -> str | None:
    """Name the machine; empty for people, None where nobody knows or a signal processor did it (Griffin-Lim)."""
    if folder == "ai":
        return row["generator"]
    if folder == "ai_pairs" and row["role"] != "original":
        return None if row["group"].startswith("griffinlim") else f"resynthesis: {row['group']}"
    if folder == "ai_reference" and "may be generated" in row["note"]:
        return None
    if folder == "voice" and row["kind"] in ("converted", "vocoded"):
        return f"voice: {row['set']}"
    return ""


def folds(known: Sequence[Clip], n_folds: int = 6) -> NDArray[np.int64]:
    """Fold of each clip: sources that share a generator stay together; folds weigh about the same in both classes."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            name = above
        return name

    for clip in known:
        name = clip.generator.removeprefix("resynthesis: ").removesuffix("-ae")
        parent[root(f"generator {name or clip.source}")] = root(f"source {clip.source}")
    groups = [root(f"source {clip.source}") for clip in known]
    sizes: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    for clip, group in zip(known, groups, strict=True):
        sizes[group][int(clip.is_ai)] += 0.3 if clip.is_voice else 1.0
    loads, fold_of = np.zeros((n_folds, 2)), {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1].sum(), item[0])):
        fold = int(np.argmin(((loads + size) ** 2 - loads**2).sum(axis=1)))
        fold_of[group] = fold
        loads[fold] += size
    return np.array([fold_of[group] for group in groups])


_HELD_OUT = frozenset(
    [
        "bigvgan-demo/bigvgan-demo.github.io",
        "ciaua/unagan",
        "Kikyo-16/coco-mulla-repo",
        "sounddemos/ldm-svc",
        "Multi-Singer/Multi-Singer.github.io",
        "tsc-secret-chronicles",
        "mdn-webaudio",
    ]
)


def is_held_out(clip: Clip) -> bool:
    """Whether a clip is kept from the weights that are shipped, so that they can be judged."""
    return clip.source in _HELD_OUT
