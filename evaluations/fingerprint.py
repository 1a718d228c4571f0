"""How often the fingerprint finds a recording, at the right place, and how often it accuses a stranger.

A hit is the right recording within ±0.5 s of the right place, whatever else is listed: a mix holds more than one.
``first_…`` asks that the most probable answer be the hit. A false alarm is any answer to a stranger. Intervals are
Wilson's at 95 %.

Conventions
-----------
Figures: ``recall_CONDITION_LENGTHs`` as shares, ``recall_LENGTHs`` over all conditions, ``false_alarms_per_1000``,
``place_error_p95_s`` and ``transform_right`` over hits.
"""

import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.outcome import Outcome, arguments, tell
from evaluations import chromaprint, queries
from evaluations.queries import Query, QuerySet
from linernotes import audio
from linernotes.analyse import fingerprint
from linernotes.journeys.listening import likeness
from linernotes.model import Fingerprint, Match
from linernotes.store.index import Index

__all__ = ["Judged", "evaluate", "hear", "main", "search", "wilson"]

TOLERANCE_S, SEMITONES, TEMPO = 0.5, 0.2, 0.01
_FAINT = 0.3  # the ROC shows what would be told from here on
RATE_HZ = fingerprint.DEFAULT.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Judged:
    """One query and what was answered; ``hit``: the right answer, ``best``: the most probable one."""

    query: Query
    n_matches: int
    best: Match | None
    hit: Match | None
    place_error_s: float


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.

    Check: 10 of 10 gives a lower bound of n / (n + z²).

    >>> round(wilson(10, 10)[0], 4)
    0.7225
    """
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


# ── hearing ──────────────────────────────────────────────────────────────────


def hear(path: Path) -> Fingerprint:
    """Decode a file and extract its fingerprint, as every journey does."""
    sound = audio.decode(path, sample_rate_hz=RATE_HZ, channels=1)
    return fingerprint.extract(block[:, 0] for block in sound)


def search(path: Path, recordings: Mapping[str, Path], index: Index, *, threshold: float) -> list[Match]:
    """Search for what sounds in a file, as ``trace`` does: the files of the recordings are at hand."""

    def alike(match: Match) -> float | None:
        return likeness(path, recordings[match.recording_id], match)

    return fingerprint.match(hear(path), index, threshold=threshold, likeness=alike)


def ask(query: Query, asked: QuerySet, index: Index, threshold: float) -> Judged:
    """Search for one query and compare the answer with the truth."""
    found = search(query.path, asked.catalogue, index, threshold=threshold)
    best = max(found, key=lambda m: (m.probability, m.score), default=None)
    errors = [
        (abs(_place_error_s(query, m)), m) for m in found if query.reference and m.recording_id == query.reference
    ]
    error_s, hit = min(errors, key=lambda pair: pair[0], default=(math.inf, None))
    return Judged(query, len(found), best, hit if error_s <= TOLERANCE_S else None, error_s)


def _place_error_s(query: Query, found: Match) -> float:
    expected_s = query.reference_start_s + found.query_start_s * query.tempo_ratio
    return found.reference_start_s - expected_s


def judge(asked: QuerySet, threshold: float) -> list[Judged]:
    """Register the catalogue and ask every query, over all cores."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        heard = dict(zip(asked.catalogue, pool.map(hear, asked.catalogue.values()), strict=True))
        with Index(Path(folder), parameter_id=fingerprint.DEFAULT.id, writable=True) as index:
            index.add(heard)
            return list(pool.map(lambda query: ask(query, asked, index, threshold), asked.queries))


# ── counting ─────────────────────────────────────────────────────────────────


def _right_transform(judged: Judged) -> bool:
    assert judged.hit is not None
    told, query = judged.hit.transform, judged.query
    return (
        abs(told.pitch_semitones - query.pitch_semitones) <= SEMITONES
        and abs(told.tempo_ratio / query.tempo_ratio - 1) <= TEMPO
    )


def figures(answers: Sequence[Judged]) -> dict[str, float]:
    """Count hits, false alarms and errors."""
    found: dict[str, float] = {}
    groups: dict[str, list[Judged]] = defaultdict(list)
    for judged in answers:
        if judged.query.reference:
            length = f"{judged.query.length_s:g}s"
            for key in ("", f"_{judged.query.condition}", f"_{length}", f"_{judged.query.condition}_{length}"):
                groups[key].append(judged)
    for key, group in groups.items():
        found[f"recall{key}"] = _share(j.hit is not None for j in group)
    positives = groups[""]
    hits = [j for j in positives if j.hit is not None]
    if hits:
        found["first_is_right"] = _share(j.best is j.hit for j in hits)
        found["place_error_p50_s"], found["place_error_p95_s"] = map(
            float, np.percentile([j.place_error_s for j in hits], [50, 95])
        )
        found["transform_right"] = _share(map(_right_transform, hits))
    strangers = [j for j in answers if not j.query.reference]
    if strangers:
        alarms = sum(j.n_matches > 0 for j in strangers)
        found["false_alarms_per_1000"] = 1000 * alarms / len(strangers)
        found["false_alarms_per_1000_upper"] = 1000 * wilson(alarms, len(strangers))[1]
        found["n_strangers"] = len(strangers)
    found["n_queries"] = len(positives)
    return found


def _share(outcomes: Iterable[bool]) -> float:
    known = list(outcomes)
    return sum(known) / max(1, len(known))


def rows(answers: Sequence[Judged]) -> list[dict[str, Any]]:
    """Recall with its interval for each condition and length, false alarms, and how probabilities keep their word."""
    cells: dict[tuple[str, float, bool], list[Judged]] = defaultdict(list)
    for judged in answers:
        cells[judged.query.condition, judged.query.length_s, bool(judged.query.reference)].append(judged)
    table = []
    for (condition, length_s, known), group in sorted(cells.items(), key=lambda c: (not c[0][2], c[0][:2])):
        hits = sum(j.hit is not None if known else j.n_matches > 0 for j in group)
        low, high = wilson(hits, len(group))
        row = {"what": "recall" if known else "false alarms", "condition": condition, "length_s": length_s}
        table.append(row | {"share": hits / len(group), "low": low, "high": high, "n": len(group)})
    for low, high in ((0.0, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1.01)):
        said = [j for j in answers if j.best is not None and low <= j.best.probability < high]
        right = sum(j.best is j.hit for j in said)
        bounds = wilson(right, len(said))
        row = {"what": "right when told", "condition": f"{low:g}…{min(high, 1.0):g}", "length_s": "all"}
        table.append(row | {"share": right / max(1, len(said)), "low": bounds[0], "high": bounds[1], "n": len(said)})
    return table


def strangers_named(answers: Sequence[Judged]) -> list[str]:
    """Tell which strangers were taken for what: a duplicate that nobody knew of shows here."""
    named: dict[str, int] = defaultdict(int)
    for judged in answers:
        if not judged.query.reference and judged.best is not None:
            named[judged.best.recording_id] += 1
    return [f"{n} strangers were taken for {name}" for name, n in sorted(named.items(), key=lambda i: -i[1])]


def plot(answers: Sequence[Judged], faint: Sequence[Judged], folder: Path) -> None:
    """Draw recall for each condition; and, from ``faint`` answers too, the receiver operating characteristic."""
    import_module("matplotlib").use("Agg")  # only here: pictures are no part of the install
    plt = import_module("matplotlib.pyplot")

    folder.mkdir(parents=True, exist_ok=True)
    counted = figures(answers)
    names = list(dict.fromkeys(j.query.condition for j in answers if j.query.reference))
    lengths = sorted({j.query.length_s for j in answers if j.query.reference})
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(names) + 1))
    for i, length_s in enumerate(lengths):
        shares = [100 * counted.get(f"recall_{name}_{length_s:g}s", math.nan) for name in names]
        axes.barh(np.arange(len(names)) + 0.25 * (i - 1), shares, height=0.25, label=f"{length_s:g} s")
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel="recall, %", xlim=(0, 100))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "recall.png", dpi=80)
    figure, axes = plt.subplots(figsize=(5, 4))
    for length_s in lengths:
        known = [j for j in faint if j.query.reference and j.query.length_s == length_s]
        strange = [j for j in faint if not j.query.reference and j.query.length_s == length_s]
        at = np.unique([j.best.probability for j in faint if j.best is not None])[::-1]
        right = [_share(j.hit is not None and j.hit.probability >= t for j in known) for t in at]
        wrong = [_share(j.best is not None and j.best.probability >= t for j in strange) for t in at]
        axes.step(wrong, right, where="post", label=f"{length_s:g} s")
    axes.set_xscale("symlog", linthresh=1e-3)
    axes.set(xlabel="strangers accused", ylabel="recall", xlim=(0, 0.1), ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "roc.png", dpi=120)


def evaluate(asked: QuerySet, *, threshold: float = fingerprint.THRESHOLD) -> tuple[Mapping[str, float], list[Judged]]:
    """Ask everything; figures and answers."""
    answers = judge(asked, threshold)
    return figures(answers), answers


def main() -> None:
    """Judge what is shipped on a given or a self-made query set."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--queries", type=Path, help="folder with catalogue.csv, truth.csv and the audio they name")
    parser.add_argument("--seed", type=int, default=1, help="of a self-made query set")
    parser.add_argument("--conditions", nargs="+", help="of a self-made query set: only these, clean among them")
    parser.add_argument("--per", type=int, help="queries for each condition and length of a self-made query set")
    parser.add_argument("--peer", action="store_true", help="ask Chromaprint the same, where fpcalc is installed")
    parser.add_argument("--plot", type=Path, help="folder for pictures: recall and ROC (needs matplotlib)")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: recordings to register, with music/manifest.csv")
    music = options.data / "music"
    with tempfile.TemporaryDirectory() as folder:
        if options.queries is not None:
            asked = queries.read(options.queries, music)
            if options.quick:
                asked = QuerySet(asked.catalogue, asked.queries[::5], asked.skipped)
        else:
            few = options.quick
            asked = queries.make(
                music,
                Path(folder),
                seed=options.seed,
                per=options.per or (10 if few else 40),
                negatives=25 if few else 180,
                lengths_s=(5.0, 10.0) if few else (3.0, 5.0, 10.0),
                only=options.conditions,
            )
        counted, answers = evaluate(asked)
        if options.plot is not None:
            plot(answers, judge(asked, _FAINT), options.plot)
        peers = {}
        if options.peer and chromaprint.is_installed():
            peers["chromaprint"] = chromaprint.figures(asked)
    outcome = Outcome(
        "fingerprint",
        str(options.queries or options.data),
        counted,
        peers,
        rows=rows(answers),
        skipped=[*asked.skipped, *strangers_named(answers)],
    )
    tell(outcome, as_json=options.json)


if __name__ == "__main__":
    main()
