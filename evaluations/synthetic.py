"""How well machine-made music is told from people's, every clip through its own chain of codecs.

By default the shipped weights judge the clips that were kept from their training. ``--honest`` trains anew for each
fold and judges each clip with weights that heard neither its generator nor its source, beside the reference method;
``--seen`` with weights that heard other clips of its generator.

Conventions
-----------
The score of a clip is its calibrated logit. ``auc``; ``found_at_1_percent``: machines' clips beyond the level that 1 %
of people's exceed; ``accused``: clips told ``ai`` or ``mixed``. Voices that a machine converted count apart
(``…_voices``). Intervals: bootstrap over sources and generators, 95 %.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, arguments, tell
from evaluations import synthetic_attacks, synthetic_mixed, synthetic_reference
from evaluations.synthetic_chain import CODECS
from linernotes.analyse.synthetic import judge
from linernotes.analyse.synthetic.cells import SAMPLE_RATE_HZ
from training import synthetic_fit as fitting
from training.synthetic import DRAWS, chain_of, examples, sent
from training.synthetic_data import Clip, clips, is_held_out

__all__ = ["Judged", "area", "evaluate_honest", "evaluate_shipped", "figures", "found", "main"]

Floats = NDArray[np.float64]

FRESH_DRAW = 7
"""A draw of the chain that no training used."""
AI_MUSIC, PEOPLE, AI_VOICES = 1, 0, 2


@dataclass(frozen=True, slots=True)
class Judged:
    """Clips, n of them: what each is, whose, its logit, probability and whether it was accused."""

    kind: NDArray[np.int64]
    group: NDArray[np.str_]
    score: Floats
    probability: Floats
    is_accused: NDArray[np.bool_]


# ── counting ─────────────────────────────────────────────────────────────────


def area(people: Floats, machines: Floats) -> float:
    """Area under the ROC curve: how often a machine's clip scores above a person's; ties count half.

    >>> area(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    0.875
    """
    order = np.sort(people)
    below, upto = np.searchsorted(order, machines, "left"), np.searchsorted(order, machines, "right")
    return float(np.mean(below + upto) / 2 / max(1, len(order)))


def found(people: Floats, machines: Floats, rate: float = 0.01) -> float:
    """Share of machines' clips beyond the level that a share ``rate`` of people's exceed."""
    return float(np.mean(machines > np.quantile(people, 1 - rate)))


def calibration_error(probability: Floats, is_ai: NDArray[np.bool_], n_bins: int = 10) -> float:
    """Mean gap between probability and truth over bins, both classes weighing the same.

    Source: M. P. Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, 2015 (ECE).
    """
    weight = np.where(is_ai, 0.5 / max(1, is_ai.sum()), 0.5 / max(1, (~is_ai).sum()))
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = [abs(float(np.sum((weight * (probability - is_ai))[bins == b]))) for b in range(n_bins)]
    return sum(gaps)


def figures(judged: Judged) -> dict[str, float]:
    """Count."""
    told: dict[str, float] = {}
    people = judged.score[judged.kind == PEOPLE]
    for name, kind in (("", AI_MUSIC), ("_voices", AI_VOICES)):
        machines = judged.score[judged.kind == kind]
        if len(people) and len(machines):
            told[f"auc{name}"] = area(people, machines)
            told[f"found_at_5_percent{name}"] = found(people, machines, 0.05)
            told[f"found_at_1_percent{name}"] = found(people, machines)
            told[f"accused_machines{name}"] = float(np.mean(judged.is_accused[judged.kind == kind]))
    told["accused_people"] = float(np.mean(judged.is_accused[judged.kind == PEOPLE])) if len(people) else 0.0
    music = judged.kind != AI_VOICES
    told["calibration_error"] = calibration_error(judged.probability[music], judged.kind[music] == AI_MUSIC)
    told["n_people"], told["n_machines"] = len(people), int(np.sum(judged.kind != PEOPLE))
    return told


def intervals(judged: Judged, n_draws: int = 300, seed: int = 1) -> dict[str, tuple[float, float]]:
    """95 % of AUC and of what is found at 1 %, drawing whole sources and generators."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {"auc": [], "found_at_1_percent": []}
    groups = {
        kind: [judged.score[here & (judged.group == group)] for group in np.unique(judged.group[here])]
        for kind, here in ((kind, judged.kind == kind) for kind in (PEOPLE, AI_MUSIC))
    }
    for _ in range(n_draws):
        people, machines = (
            np.concatenate([groups[kind][i] for i in rng.integers(len(groups[kind]), size=len(groups[kind]))])
            for kind in (PEOPLE, AI_MUSIC)
        )
        drawn["auc"].append(area(people, machines))
        drawn["found_at_1_percent"].append(found(people, machines))
    return {name: (float(np.quantile(v, 0.025)), float(np.quantile(v, 0.975))) for name, v in drawn.items()}


def by_group(judged: Judged, reference: Judged | None = None) -> list[dict[str, Any]]:
    """One row for each generator, the hardest first, then one for each source of people's music."""
    people = judged.kind == PEOPLE
    level = float(np.quantile(judged.score[people], 0.99))
    table: list[dict[str, Any]] = []
    for is_person in (False, True):
        part = []
        for group in np.unique(judged.group[people == is_person]):
            mine = (judged.group == group) & (people == is_person)
            row: dict[str, Any] = {"who": f"people: {group}" if is_person else str(group), "n": int(mine.sum())}
            row["auc"] = math.nan if is_person else area(judged.score[people], judged.score[mine])
            row["beyond_1_percent"] = float(np.mean(judged.score[mine] > level))
            row["accused"] = float(judged.is_accused[mine].mean())
            if reference is not None:
                row["auc_reference"] = math.nan if is_person else area(reference.score[people], reference.score[mine])
            part.append(row)
        table += part if is_person else sorted(part, key=lambda row: float(row["auc"]))
    return table


# ── judging ──────────────────────────────────────────────────────────────────


def kind_of(clip: Clip) -> int:
    """Tell what a clip counts as."""
    return (AI_VOICES if clip.is_voice else AI_MUSIC) if clip.is_ai else PEOPLE


def evaluate_shipped(chosen: Sequence[Clip], *, attack: str = "") -> Judged:
    """Judge clips, each after a fresh draw of the chain or after one attack, with what is shipped."""
    rows = []
    for clip in chosen:
        samples = synthetic_attacks.attacked(clip, attack) if attack else sent(clip, FRESH_DRAW)
        verdict = judge([samples], source_rate_hz=SAMPLE_RATE_HZ)
        rows.append((verdict.probability, verdict.verdict.value in ("ai", "mixed")))
    probability = np.array([row[0] for row in rows])
    return Judged(
        np.array([kind_of(clip) for clip in chosen]),
        np.array([clip.generator or clip.source for clip in chosen]),
        np.log(np.clip(probability, 1e-9, 1 - 1e-9) / np.clip(1 - probability, 1e-9, 1)),
        probability,
        np.array([row[1] for row in rows]),
    )


def evaluate_honest(known: Sequence[Clip], heard: fitting.Examples) -> tuple[Judged, Judged]:
    """Judge every clip by experts that heard neither its generator nor its source: ours, and the reference method.

    What follows the experts, calibration and the line of accusation, is set on the other folds' scores.
    """
    z = fitting.crossed(heard)
    heard, z = heard.only(~heard.is_stand_in), z[~heard.is_stand_in]
    whole = heard.wholes()
    ours, theirs = np.zeros(len(whole.first)), np.zeros(len(whole.first))
    is_accused = np.zeros(len(ours), bool)
    for fold in np.unique(heard.fold):
        rest, here = heard.fold != fold, (heard.fold == fold)[whole.first]
        others = heard.only(rest)
        weights = fitting.settled(fitting.bare("fold"), z[rest], others)
        ours[here] = fitting.logits(weights, z, heard)[here]
        is_accused[here] = ours[here] >= weights.accusation
        line = synthetic_reference.fitted(others)
        theirs[here] = whole.mean(synthetic_reference.scores(line, heard))[here]
    kind = np.array([kind_of(known[i]) for i in heard.clip[whole.first]])
    group = np.array([known[i].generator or known[i].source for i in heard.clip[whole.first]])
    return (
        Judged(kind, group, ours, 1 / (1 + np.exp(-ours)), is_accused),
        Judged(kind, group, theirs, 1 / (1 + np.exp(-theirs)), np.zeros(len(ours), bool)),
    )


def among_seen(known: Sequence[Clip], heard: fitting.Examples) -> fitting.Examples:
    """Fold anew, so that other clips of every generator teach; people's sources stay whole."""
    number: dict[str, int] = {}
    third = np.zeros(len(known), np.int64)
    for i, clip in enumerate(known):
        third[i] = number[clip.generator] = (number.get(clip.generator, -1) + 1) % 3
    is_machine = heard.is_ai & ~heard.is_stand_in
    return replace(heard, fold=np.where(is_machine, third[heard.clip], heard.fold % 3))


def by_condition(known: Sequence[Clip], heard: fitting.Examples, ours: Judged, theirs: Judged) -> list[dict[str, Any]]:
    """One row for each thing that a chain may do, over the clips to which it was done."""
    real = heard.only(~heard.is_stand_in)
    first = real.wholes().first
    chains = [chain_of(known[i], number) for i, number in zip(real.clip[first], real.draw[first], strict=True)]
    done: dict[str, list[bool]] = {
        "codec alone": [
            not (c.mono or c.edge_hz or c.noise_db) and c.speed == 1 and c.rate_hz >= 32_000 for c in chains
        ],
        "mono": [c.mono for c in chains],
        "speed": [c.speed != 1 for c in chains],
        "rate ≤ 24 kHz": [c.rate_hz <= 24_000 for c in chains],
        "low-pass": [c.edge_hz > 0 for c in chains],
        "noise": [c.noise_db > 0 for c in chains],
    } | {codec: [c.codec == codec for c in chains] for codec in CODECS}
    table = []
    for name, chosen in done.items():
        people, machines = (np.array(chosen) & (ours.kind == kind) for kind in (PEOPLE, AI_MUSIC))
        table.append(
            {
                "who": f"chain: {name}",
                "n": int(people.sum() + machines.sum()),
                "auc": area(ours.score[people], ours.score[machines]),
                "beyond_1_percent": found(ours.score[people], ours.score[machines]),
                "accused": float(ours.is_accused[people].mean()),
                "auc_reference": area(theirs.score[people], theirs.score[machines]),
            }
        )
    return table


def plot(judged: Mapping[str, Judged], folder: Path) -> None:
    """Draw the receiver operating characteristics."""
    import_module("matplotlib").use("Agg")  # only here: pictures are no part of the install
    plt = import_module("matplotlib.pyplot")

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(5, 4))
    for name, one in judged.items():
        people, machines = one.score[one.kind == PEOPLE], one.score[one.kind == AI_MUSIC]
        levels = np.quantile(people, np.linspace(1, 0, 400))
        axes.plot([np.mean(people >= t) for t in levels], [np.mean(machines >= t) for t in levels], label=name)
    axes.set_xscale("symlog", linthresh=1e-2)
    axes.set(xlabel="people's clips accused", ylabel="machines' clips found", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "synthetic-roc.png", dpi=110)


def main() -> None:
    """Judge what is shipped, or train anew for each fold."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--honest", action="store_true", help="train anew for each fold, beside the reference method")
    parser.add_argument("--seen", action="store_true", help="as --honest, but other clips of each generator teach")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of the chain for each clip (honest)")
    parser.add_argument("--cache", type=Path, help="file that keeps what was heard between runs (honest)")
    parser.add_argument("--plot", type=Path, help="folder for the ROC curves (needs matplotlib)")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: recordings of people and machines, with manifests")
    known = clips(options.data)
    peers: dict[str, Mapping[str, float]] = {}
    if options.honest or options.seen:
        heard = examples(known, range(1 if options.quick else options.draws), options.cache)
        heard = among_seen(known, heard) if options.seen else heard
        ours, theirs = evaluate_honest(known, heard)
        peers["reference"] = figures(theirs)
        curves = {"linernotes": ours, "reference": theirs}
        rows: list[Mapping[str, Any]] = [*by_group(ours, theirs), *by_condition(known, heard, ours, theirs)]
        skipped = [
            f"95 % of {name} {figure}: {low:.3f} to {high:.3f}"
            for name, one in curves.items()
            for figure, (low, high) in intervals(one).items()
        ]
        counted = figures(ours)
    else:
        held_out = [clip for clip in known if is_held_out(clip)]
        chosen = held_out[:: 2 if options.quick else 1]
        ours = evaluate_shipped(chosen)
        counted, curves, rows, skipped = figures(ours), {"linernotes": ours}, list(by_group(ours)), []
        skipped.append(f"{len(known) - len(held_out)} clips that taught the weights; --honest judges them by others")
        counted |= _mixed_figures(held_out, options.data / "ai_hybrid", few=options.quick)
        if not options.quick:
            rows += [_attack_row(held_out, attack) for attack in synthetic_attacks.ATTACKS]
    if options.plot is not None:
        plot(curves, options.plot)
    tell(Outcome("synthetic", str(options.data), counted, peers, rows=rows, skipped=skipped), as_json=options.json)


def _mixed_figures(chosen: Sequence[Clip], layered: Path, *, few: bool) -> dict[str, float]:
    probability, is_ai = synthetic_mixed.stretches(chosen, 6 if few else 40)
    told = {"stretch_auc": area(probability[~is_ai], probability[is_ai])} if is_ai.any() else {}
    if layered.is_dir():
        told["layers_accused"] = float(np.mean(synthetic_mixed.layers(layered, every=4 if few else 1)))
    return told


def _attack_row(chosen: Sequence[Clip], attack: str) -> Mapping[str, Any]:
    told = figures(evaluate_shipped(chosen, attack=attack))
    return {
        "who": f"attack: {attack}",
        "n": len(chosen),
        "auc": told["auc"],
        "beyond_1_percent": told["found_at_1_percent"],
        "accused": told["accused_people"],
    }


if __name__ == "__main__":
    main()
