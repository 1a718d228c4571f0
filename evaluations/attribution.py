"""Who shaped an output: attribution held against retraining, beside simple rows and dattri.

Small models learn from random halves of real pieces, each half with two seeds. What a query then costs them says which
works it needed; an attribution is as good as it foretells that. Queries are pieces of the same families that no model
has seen, and pieces that a model of all works made.

Conventions
-----------
Every row is judged on subsets and held-out queries that set nothing: the blend's weights come from the first half of
the subsets and the even queries. ``lds`` is the mean rank correlation over queries; ``of_agreement`` divides it by
what the truth agrees with itself to (seeds, stepped up by Spearman and Brown), ``of_ceiling`` by the root of that,
which is what a prediction without any error would reach. ``cost_s`` is CPU time for all queries, training of the
models apart.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, arguments, tell
from evaluations import influence_peers as peers
from evaluations.retraining import CONFIG, EXCERPT, VOCABULARY, Corpus, halves, load, losses, models, trained
from linernotes.learn.adapter import SequenceAdapter
from linernotes.learn.diagnostics import effective_rank, lds, named_alike, rank_correlation, reliability
from linernotes.learn.generator import Plan, Sampling, generate
from linernotes.learn.influence import BLEND, Blend, Influence
from linernotes.learn.panel import Panel
from linernotes.learn.training import Checkpoint
from linernotes.learn.transformer import Transformer
from linernotes.model.scores import Key, Metre, Mode

__all__ = ["main"]

Array = NDArray[np.float64]

_FULL_SEED, _N_GENERATED, _N_LARGEST = 90_000, 40, 4
_TRACIN, _COUNTING = (0.0, 0.15, 0.3, 0.6), (0.0, 0.15, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class _Row:
    """An attribution by name: its scores of held-out and of generated queries, and what they cost."""

    name: str
    held_out: Array
    generated: Array
    cost_s: float


@dataclass(frozen=True, slots=True)
class _Truth:
    """What retraining says: members of each subset, and losses of held-out and of generated queries."""

    members: NDArray[np.bool_]
    held_out: Array
    generated: Array


def main() -> None:
    """Retrain, attribute and compare."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path("attribution-cache"), help="where trainings are kept")
    parser.add_argument("--subsets", type=int, help="how many halves are trained on, two seeds each (64; quick: 8)")
    parser.add_argument("--runs", type=int, help="how many models of all works are asked (4; quick: 2)")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="draw the table there")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: scores to train on, with scores/manifest.csv")
    torch.set_num_threads(1)
    n_subsets, n_runs = options.subsets or (8 if options.quick else 64), options.runs or (2 if options.quick else 4)
    corpus, cache = load(options.data), options.cache
    everything = np.arange(len(corpus.works))
    runs = [trained(corpus, everything, _FULL_SEED + run, cache=cache) for run in range(n_runs)]
    queries, made = [corpus.pieces[i] for i in corpus.queries], _made(corpus, models(runs[0][-1:])[0])
    truth = _truth(corpus, [*queries, *made], len(queries), n_subsets, cache)
    rows, figures = _rows(corpus, runs, queries, made, truth)
    table = [_judged(row, truth) for row in rows]
    ours = next(row for row in rows if row.name == "ours")
    figures |= _summary(table) | _diagnostics(ours) | _left_out(corpus, ours, queries, cache, quick=options.quick)
    skipped = [] if peers.has_dattri() else ["dattri: not installed (pip install dattri==0.3.0)"]
    if options.plot:
        skipped += _plot(table, options.plot)
    named = {row["row"]: {k: float(v) for k, v in row.items() if k != "row"} for row in table if row["row"] != "ours"}
    tell(Outcome("attribution", str(options.data), figures, named, table, skipped), as_json=options.json)


# ── the truth ────────────────────────────────────────────────────────────────


def _made(corpus: Corpus, model: Transformer) -> list[list[int]]:
    """Let a model of all works make pieces, in the keys and metres of the works."""
    made = []
    for number in range(_N_GENERATED):
        like = corpus.pieces[corpus.works[(number * 37) % len(corpus.works)]]
        mode, metre = (VOCABULARY.names[token].partition(":")[2] for token in like[2:4])
        beats, unit = metre.split("/")
        plan = Plan(key=Key(0, Mode(mode)), metre=Metre(int(beats), int(unit)), n_bars=8)
        made.append(generate(model, VOCABULARY, plan, Sampling(seed=number))[:EXCERPT])
    return made


def _truth(corpus: Corpus, queries: Sequence[list[int]], n_held_out: int, n_subsets: int, cache: Path) -> _Truth:
    subsets = halves(len(corpus.works), n_subsets)
    members = np.zeros((n_subsets, len(corpus.works)), bool)
    for row, subset in zip(members, subsets, strict=True):
        row[subset] = True
    told = losses(corpus, subsets, queries, seeds=(0, 1), cache=cache)
    return _Truth(members, told[:, :, :n_held_out], told[:, :, n_held_out:])


def _left_out(
    corpus: Corpus, ours: _Row, queries: Sequence[list[int]], cache: Path, *, quick: bool
) -> dict[str, float]:
    """Leave each of the largest catalogues out: is the one that is missed most the one that was named first."""
    names, counts = np.unique(corpus.catalogue_of_works(), return_counts=True)
    largest = names[np.argsort(-counts, kind="stable")][: 2 if quick else _N_LARGEST]
    everything, of_work = np.arange(len(corpus.works)), corpus.catalogue_of_works()
    whole = losses(corpus, [everything, everything], queries, seeds=(90,), cache=cache).mean(axis=(0, 1))
    cost = np.zeros((len(largest), len(queries)))
    for number, name in enumerate(largest):
        without = np.flatnonzero(of_work != name)
        cost[number] = losses(corpus, [without, without], queries, seeds=(0,), cache=cache).mean(axis=(0, 1)) - whole
    told = np.array([ours.held_out[:, of_work == name].sum(axis=1) for name in largest])
    own = np.array([corpus.catalogues[i] for i in corpus.queries])
    inside = np.isin(own, largest)
    return {
        "catalogues_left_out": float(len(largest)),
        "left_out_rank_correlation": float(rank_correlation(told, cost)[inside].mean()),
        "left_out_first_named": float((told.argmax(axis=0) == cost.argmax(axis=0))[inside].mean()),
    }


# ── the rows ─────────────────────────────────────────────────────────────────


def _rows(
    corpus: Corpus,
    runs: Sequence[Sequence[Checkpoint]],
    queries: Sequence[list[int]],
    made: Sequence[list[int]],
    truth: _Truth,
) -> tuple[list[_Row], dict[str, float]]:
    """Ask everybody; returns the rows, and the costs and weights of ours."""
    works, asked = [corpus.pieces[i] for i in corpus.works], [*queries, *made]
    early = [(run, checkpoint) for run, all_ in enumerate(runs) for checkpoint in all_[: len(all_) // 2]]
    flat = [checkpoint for _, checkpoint in early]

    def timed(name: str, function: Callable[..., Array], *given: Any, **options: Any) -> _Row:
        start = time.process_time()
        scores = function(works, asked, *given, **options)
        return _Row(name, scores[: len(queries)], scores[len(queries) :], time.process_time() - start)

    rows = [
        timed("random", peers.chance),
        timed("bigram overlap", peers.overlap, size=2),
        timed("4-gram overlap", peers.overlap, size=4),
        timed("counting model", peers.counting),
        timed("embedding cosine", peers.embedding, runs[0][-1]),
    ]
    if peers.has_dattri():
        rows += [timed("dattri TRAK", peers.dattri_trak, flat), timed("dattri TracIn", peers.dattri_tracin, flat)]
    start = time.process_time()
    panel = Panel.prepare(
        SequenceAdapter(Transformer(len(VOCABULARY), CONFIG), []),
        early,
        {str(i): [piece] for i, piece in enumerate(works)},
    )
    pass_s = time.process_time() - start
    gradients = [panel.gradients([query]) for query in asked]
    asked_s = time.process_time() - start - pass_s
    counts = rows[3]
    channels = {
        name: np.array([_channel(panel.influence, blend, gradient) for gradient in gradients])
        for name, blend in (("TracIn alone", Blend(1, 0, 0)), ("eFIM alone", Blend(0, 1, 0)))
    }
    counted = np.concatenate([counts.held_out, counts.generated])
    counted /= np.sqrt((counted**2).mean(axis=1, keepdims=True))
    fitted = _fitted(channels["TracIn alone"], channels["eFIM alone"], counted, truth)
    ours = BLEND.tracin * channels["TracIn alone"] + BLEND.fisher * channels["eFIM alone"] + BLEND.counting * counted
    cost = pass_s + asked_s
    for name, scores in (*channels.items(), ("ours", ours)):
        rows.append(_Row(name, scores[: len(queries)], scores[len(queries) :], cost))
    return rows, {
        "pass_s": pass_s,
        "output_s": asked_s / len(asked),
        "fitted_tracin": fitted.tracin,
        "fitted_counting": fitted.counting,
    }


def _channel(influence: Influence, blend: Blend, gradients: Sequence[NDArray[np.float32]]) -> Array:
    told = Influence(influence.work_ids, influence.witnesses, blend=blend).scores(gradients)
    return np.asarray(told.mean(axis=0), np.float64)


def _fitted(tracin: Array, fisher: Array, counting: Array, truth: _Truth) -> Blend:
    """Return the blend that foretells the first half of the subsets best, on the even held-out queries."""
    half, n_queries = len(truth.members) // 2, truth.held_out.shape[2]
    parts = [scores[:n_queries:2] for scores in (tracin, fisher, counting)]
    measured = truth.held_out[:, :half, ::2]

    def borne_out(weights: tuple[float, float]) -> float:
        scores = weights[0] * parts[0] + parts[1] + weights[1] * parts[2]
        return float(lds(scores, truth.members[:half], measured).mean())

    best = max(itertools.product(_TRACIN, _COUNTING), key=borne_out)
    return replace(BLEND, tracin=best[0], fisher=1.0, counting=best[1])


# ── the figures ──────────────────────────────────────────────────────────────


def _judged(row: _Row, truth: _Truth) -> Mapping[str, Any]:
    """Hold a row against the second half of the subsets: odd held-out queries, and all generated ones."""
    half = len(truth.members) // 2
    found: dict[str, Any] = {"row": row.name}
    for name, scores, measured in (
        ("held_out", row.held_out[1::2], truth.held_out[:, half:, 1::2]),
        ("generated", row.generated, truth.generated[:, half:]),
    ):
        told = reliability(scores, truth.members[half:], measured)
        found |= {
            f"{name}_lds": told.lds,
            f"{name}_low": told.lds_low,
            f"{name}_high": told.lds_high,
            f"{name}_of_agreement": told.lds / max(told.ceiling**2, 1e-9),
            f"{name}_of_ceiling": told.lds / max(told.ceiling, 1e-9),
        }
    return found | {"cost_s": row.cost_s}


def _summary(table: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    ours = next(row for row in table if row["row"] == "ours")
    others = [row for row in table if row["row"] not in ("ours", "TracIn alone", "eFIM alone")]
    found: dict[str, float] = {}
    for name in ("held_out", "generated"):
        found |= {f"{name}_{key}": float(ours[f"{name}_{key}"]) for key in ("lds", "of_agreement", "of_ceiling")}
        found[f"{name}_agreement"] = ours[f"{name}_lds"] / ours[f"{name}_of_agreement"]
        found[f"{name}_ceiling"] = ours[f"{name}_lds"] / ours[f"{name}_of_ceiling"]
        found[f"{name}_best_other"] = max(float(row[f"{name}_lds"]) for row in others)
    return found


def _diagnostics(ours: _Row) -> dict[str, float]:
    alike, chance = named_alike(ours.generated)
    return {"effective_rank": effective_rank(ours.generated), "named_alike": alike, "named_alike_by_chance": chance}


def _plot(table: Sequence[Mapping[str, Any]], folder: Path) -> list[str]:
    """Draw the LDS of each row with its interval; says what is missing to do so."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - optional

        mpl.use("Agg")
        from matplotlib import pyplot as plt  # noqa: PLC0415 - optional
    except ImportError:
        return ["--plot: matplotlib is not installed"]
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, name in zip(axes, ("held_out", "generated"), strict=True):
        values = [row[f"{name}_lds"] for row in table]
        errors = [[v - row[f"{name}_low"] for v, row in zip(values, table, strict=True)]]
        errors.append([row[f"{name}_high"] - v for v, row in zip(values, table, strict=True)])
        axis.barh([row["row"] for row in table], values, xerr=np.maximum(errors, 0), color="#3b6ea5")
        axis.axvline(table[-1][f"{name}_lds"] / table[-1][f"{name}_of_agreement"], color="#a33", ls="--")
        axis.set(title=name.replace("_", "-"), xlabel="LDS (dashed: the truth's own agreement)")
    figure.savefig(folder / "attribution.png", dpi=120)
    return []


if __name__ == "__main__":
    main()
