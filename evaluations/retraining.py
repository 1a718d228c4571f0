"""Models trained on halves of a corpus: what removing works really does, against which attribution is judged.

Conventions
-----------
A corpus is pieces as tokens, each of a catalogue: the expert tune families of one collection, and each other collection
as one. The first tokens of a piece stand for it. A training is kept in a folder under the hash of all it depends on, so
that a run which was stopped goes on where it ended, and other data or settings never meet an old result.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from linernotes.errors import FormatError
from linernotes.formats.scores import read_score
from linernotes.learn.leads import lead_sheet
from linernotes.learn.tokens import Vocabulary
from linernotes.learn.training import Checkpoint, TrainingSettings, padded, train
from linernotes.learn.transformer import Transformer, TransformerConfig, sequence_losses

__all__ = [
    "CONFIG",
    "EXCERPT",
    "SETTINGS",
    "VOCABULARY",
    "Corpus",
    "halves",
    "load",
    "losses",
    "models",
    "trained",
]

VOCABULARY = Vocabulary()
EXCERPT = 80
"""Tokens of a piece, about six bars."""
CONFIG = TransformerConfig(width=32, n_layers=2, n_heads=2, context=EXCERPT, dropout=0.0)
SETTINGS = TrainingSettings(n_epochs=25, batch_tokens=1280, learning_rate=6e-3, n_checkpoints=4)

_FAMILIES, _WORKS_PER_FAMILY, _QUERIES_PER_FAMILY = 20, 8, 3
_COLLECTIONS, _WORKS_PER_COLLECTION, _QUERIES_PER_COLLECTION = ("ceol-rince", "nottingham"), 20, 10
_LEAST_TOKENS = 40


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pieces and their catalogues; ``works`` are trained on, ``queries`` are held out, as indices of ``pieces``."""

    names: Sequence[str]
    pieces: Sequence[list[int]]
    catalogues: Sequence[str]
    works: NDArray[np.int64]
    queries: NDArray[np.int64]

    def catalogue_of_works(self) -> NDArray[np.str_]:
        """Return the catalogue of each work: (n_works,)."""
        return np.array([self.catalogues[i] for i in self.works])


def load(data: Path) -> Corpus:
    """Read a folder laid out with scores/manifest.csv; pieces that cannot be read, or are too short, are left out."""
    with (data / "scores" / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        rows = sorted(csv.DictReader(handle), key=lambda row: row["file"])
    families: dict[str, list[str]] = {}
    for row in rows:
        if row["corpus"] in _COLLECTIONS:
            families.setdefault(row["corpus"], []).append(row["file"])
        elif row["family_type"].startswith("tune_family"):
            families.setdefault(row["family"], []).append(row["file"])
    largest = sorted(set(families) - set(_COLLECTIONS), key=lambda name: (-len(families[name]), name))[:_FAMILIES]
    rng = np.random.default_rng(2026)
    names: list[str] = []
    pieces: list[list[int]] = []
    catalogues: list[str] = []
    works: list[int] = []
    queries: list[int] = []
    for name in [*largest, *_COLLECTIONS]:
        is_family = name not in _COLLECTIONS
        n_queries = _QUERIES_PER_FAMILY if is_family else _QUERIES_PER_COLLECTION
        wanted = n_queries + (_WORKS_PER_FAMILY if is_family else _WORKS_PER_COLLECTION)
        first = len(pieces)
        for file in rng.permutation(families[name]):
            piece = _tokens(data / "scores" / str(file))
            if len(pieces) - first < wanted and len(piece) >= _LEAST_TOKENS:
                names.append(str(file))
                pieces.append(piece)
                catalogues.append(name)
        queries += range(first, first + n_queries)
        works += range(first + n_queries, len(pieces))
    return Corpus(names, pieces, catalogues, np.array(works), np.array(queries))


def _tokens(path: Path) -> list[int]:
    try:
        return VOCABULARY.encode(lead_sheet(read_score(path)))[:EXCERPT]
    except FormatError:
        return []


def halves(n_works: int, n_subsets: int) -> list[NDArray[np.int64]]:
    """Return random halves of the works, as sorted indices; the first ones do not depend on how many are asked for."""
    return [
        np.sort(np.random.default_rng([2026, number]).permutation(n_works)[: n_works // 2])
        for number in range(n_subsets)
    ]


def trained(corpus: Corpus, members: NDArray[np.int64], seed: int, *, cache: Path) -> list[Checkpoint]:
    """Return the checkpoints of a model that learnt from these of the works; from the cache if they are there."""
    pieces = [corpus.pieces[corpus.works[i]] for i in members]
    settings = TrainingSettings(**(asdict(SETTINGS) | {"seed": seed}))
    told = json.dumps([pieces, asdict(CONFIG), asdict(settings), len(VOCABULARY)])
    path = cache / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.npz"
    if not path.exists():
        _, checkpoints = train(pieces, len(VOCABULARY), config=CONFIG, settings=settings)
        # A whole model has all checkpoints, for attribution; half a model is only asked what it knows in the end.
        kept = checkpoints if len(members) == len(corpus.works) else checkpoints[-1:]
        arrays: dict[str, Any] = {
            f"{n}/{name}": value.numpy() for n, c in enumerate(kept) for name, value in c.weights.items()
        }
        cache.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".unfinished").open("wb") as file:
            np.savez(file, steps=np.array([(c.step, c.learning_rate) for c in kept]), **arrays)
        path.with_suffix(".unfinished").rename(path)
    with np.load(path) as file:
        return [
            Checkpoint(
                int(step),
                float(rate),
                {k.partition("/")[2]: torch.from_numpy(file[k]) for k in file.files if k.startswith(f"{n}/")},
            )
            for n, (step, rate) in enumerate(file["steps"])
        ]


def models(checkpoints: Sequence[Checkpoint]) -> list[Transformer]:
    """Return a model for each checkpoint."""
    found = []
    for checkpoint in checkpoints:
        model = Transformer(len(VOCABULARY), CONFIG)
        model.load_state_dict(checkpoint.weights)
        found.append(model.eval())
    return found


def losses(
    corpus: Corpus,
    subsets: Sequence[NDArray[np.int64]],
    queries: Sequence[Sequence[int]],
    *,
    seeds: Sequence[int],
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """Return what each query costs the models of each subset, in nats: (n_seeds, n_subsets, n_queries)."""
    told = np.zeros((len(seeds), len(subsets), len(queries)))
    table = padded(queries)
    for i, subset in enumerate(subsets):
        for s, seed in enumerate(seeds):
            model = models(trained(corpus, subset, 1000 * seed + i, cache=cache)[-1:])[0]
            with torch.no_grad():
                told[s, i] = sequence_losses(model, table).numpy()
            if progress is not None:
                progress(i * len(seeds) + s + 1, len(seeds) * len(subsets))
    return told
