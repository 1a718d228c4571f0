"""How well the generator writes: against n-gram models of the same data, and by the measures of the music it makes.

A model of the standard size learns from all but a twelfth of the scores, drawn by the hash of a file's name. Held-out
bits per token are compared with interpolated Kneser-Ney models of several orders on the same tokens. Then pieces are
drawn, with the grammar of the tokens as ``model generate`` draws them, and freely, to see what the model knows by
itself.

Conventions
-----------
``gain``: by which part of the best n-gram's bits the model's are fewer. ``valid``: pieces that, written as MIDI and as
MusicXML, are read back with the same notes, in the key signature and metre that were asked for. ``in_key``: notes of
the scale, by length. ``in_metre``: bars filled exactly to their end; ``downbeat``: bars with a note on their first
beat. ``copied``: steps of the longest passage shared with any work of the training set; its limit is what human works
share with each other at the 95th percentile. ``human_…``: the same of held-out human pieces; ``…_free``: of pieces
drawn without the grammar, up to their first fault.
"""

import argparse
import csv
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.cli.models_screen import counting_bar
from linernotes.errors import FormatError
from linernotes.formats.midi import write_midi
from linernotes.formats.musicxml_print import write_musicxml
from linernotes.formats.scores import read_score
from linernotes.learn.copying import CopyGuard
from linernotes.learn.generator import Plan, Sampling, generate
from linernotes.learn.leads import lead_sheet
from linernotes.learn.ngram import NGram
from linernotes.learn.tokens import BAR, END, TokenState, Vocabulary
from linernotes.learn.training import TrainingSettings, bits_per_token, read_weights, train, write_weights
from linernotes.learn.transformer import SHIPPING, TINY, Transformer, TransformerConfig
from linernotes.model.scores import Key, Metre, Mode, Score

__all__ = ["Corpus", "load", "main", "measured"]

_HELD_OUT = 12
_ORDERS = (3, 5, 7, 9)
SETTINGS = TrainingSettings(n_epochs=5, batch_tokens=4096, precision="bfloat16")
_SIZES = {"standard": SHIPPING, "tiny": TINY}
_KEYS = (Key(0), Key(2, Mode.MINOR), Key(7), Key(9, Mode.DORIAN), Key(5, Mode.MIXOLYDIAN))


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pieces as tokens by file name: those to learn from, and those held out."""

    vocabulary: Vocabulary
    learned: Mapping[str, list[int]]
    held: Mapping[str, list[int]]
    skipped: Sequence[str]


def load(data: Path, *, share: int = 1) -> Corpus:
    """Read a folder laid out with scores/manifest.csv, or one in ``share`` of its scores; a corpus is a style."""
    with (data / "scores" / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        rows = sorted(csv.DictReader(handle), key=lambda row: row["file"])
    vocabulary = Vocabulary(tuple(sorted({row["corpus"] for row in rows})))
    learned: dict[str, list[int]] = {}
    held: dict[str, list[int]] = {}
    skipped = []
    for row in rows:
        drawn = int(hashlib.sha256(row["file"].encode()).hexdigest(), 16)
        if drawn // _HELD_OUT % share:
            continue
        try:
            sheet = lead_sheet(read_score(data / "scores" / row["file"]))
            tokens = vocabulary.encode(sheet, style=row["corpus"])
        except FormatError as error:
            skipped.append(str(error))
            continue
        (learned if drawn % _HELD_OUT else held)[row["file"]] = tokens
    return Corpus(vocabulary, learned, held, skipped)


def _plans(corpus: Corpus, count: int) -> list[Plan]:
    """Plan pieces like the held-out ones: their styles and metres, in other keys, sixteen bars."""
    plans = []
    for number, piece in enumerate(list(corpus.held.values())[:: max(1, len(corpus.held) // count)][:count]):
        _, style, mode, metre = (corpus.vocabulary.names[token].partition(":")[2] for token in piece[:4])
        beats, unit = map(int, metre.split("/"))
        key = Key(_KEYS[number % len(_KEYS)].tonic, Mode(mode))
        plans.append(Plan(key, Metre(beats, unit), style, 16))
    return plans


# ── measures of music ────────────────────────────────────────────────────────


def measured(score: Score) -> dict[str, float]:
    """Return what part of a piece's notes is in its key, by length, and of its bars has a note on the first beat."""
    key, bar = score.key or Key(0), (score.metre or Metre()).bar_ticks
    total = sum(note.duration_ticks for note in score.notes)
    inside = sum(note.duration_ticks for note in score.notes if note.pitch % 12 in key.scale)
    offset = bar - score.pickup_ticks if score.pickup_ticks else 0
    n_bars = -(-(score.stop_ticks + offset) // bar)
    on_first = {(note.start_ticks + offset) // bar for note in score.notes if (note.start_ticks + offset) % bar == 0}
    return {"in_key": inside / max(1, total), "downbeat": len(on_first) / max(1, n_bars)}


def _full_bars(tokens: Sequence[int], vocabulary: Vocabulary) -> tuple[int, int]:
    """Count the bars of a freely drawn piece, and those that are full where the next begins; to its first fault."""
    state, n_bars, n_full = TokenState(vocabulary), 0, 0
    for token in tokens:
        if token in (BAR, END) and state.n_bars:
            n_bars += 1
            n_full += state.is_full
        if not state.may(token):
            break
        state.take(token)
    return n_bars, n_full


def _music(model: Transformer, corpus: Corpus, count: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Draw pieces with the grammar and freely; figures, and a row for each style."""
    vocabulary, guard = corpus.vocabulary, CopyGuard(corpus.learned, corpus.vocabulary)
    rows: list[dict[str, Any]] = []
    bars, bars_free = np.zeros(2, int), np.zeros(2, int)
    with counting_bar("Drawing") as progress:
        for number, plan in enumerate(plans := _plans(corpus, count)):
            progress(number, len(plans))
            made = generate(model, vocabulary, plan, Sampling(seed=number))
            free = generate(model, vocabulary, plan, Sampling(seed=number, is_free=True))
            bars += _full_bars(made, vocabulary)
            bars_free += _full_bars(free, vocabulary)
            score = vocabulary.decode(made, tonic_pitch=55 + (plan.key.tonic - 55) % 12)
            told = {"style": plan.style, "copied": guard.longest(score), "stopped": float(bool(guard.copied(score)))}
            told |= {"valid": float(_is_read_back(score, plan)), "valid_free": float(_is_valid(free, vocabulary))}
            rows.append(told | measured(score))
    human = [measured(vocabulary.decode(piece)) for piece in corpus.held.values()]
    copied = [float(row["copied"]) for row in rows]
    figures = {
        "valid": _mean(rows, "valid"),
        "valid_free": _mean(rows, "valid_free"),
        "in_key": _mean(rows, "in_key"),
        "human_in_key": _mean(human, "in_key"),
        "in_metre": float(bars[1] / max(1, bars[0])),
        "in_metre_free": float(bars_free[1] / max(1, bars_free[0])),
        "downbeat": _mean(rows, "downbeat"),
        "human_downbeat": _mean(human, "downbeat"),
        "copied_p50": float(np.percentile(copied, 50)),
        "copied_max": max(copied),
        "copied_limit": float(guard.limit),
        "copied_to_limit": max(copied) / guard.limit,
        "stopped": _mean(rows, "stopped"),
        "n_pieces": float(len(rows)),
    }
    styles = sorted({row["style"] for row in rows})
    groups = {style: [row for row in rows if row["style"] == style] for style in styles}
    names = ("valid", "in_key", "downbeat", "valid_free", "copied", "stopped")
    return figures, [{"style": s, "n": len(g)} | {name: _mean(g, name) for name in names} for s, g in groups.items()]


def _is_read_back(score: Score, plan: Plan) -> bool:
    """Tell whether a piece's files say what it is: its melody, in the key and metre that were asked for."""
    heard = [(note.start_ticks, note.duration_ticks, note.pitch) for note in score.notes]
    for written in (write_midi(score), write_musicxml(score)):
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(written)
            read = read_score(Path(file.name))
        notes = [(note.start_ticks, note.duration_ticks, note.pitch) for note in read.notes if note.part == 0]
        if (notes, read.key and read.key.fifths, read.metre) != (heard, plan.key.fifths, plan.metre):
            return False
    return bool(heard)


def _is_valid(tokens: Sequence[int], vocabulary: Vocabulary) -> bool:
    try:
        return tokens[-1] == END and bool(vocabulary.decode(tokens).notes)
    except FormatError:
        return False


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(np.mean([row[name] for row in rows])) if rows else 0.0


# ── the run ──────────────────────────────────────────────────────────────────


def _trained(
    pieces: Sequence[list[int]], vocabulary: Vocabulary, config: TransformerConfig, options: argparse.Namespace
) -> Transformer:
    """Train a model; it is kept where ``--weights`` says, and gone on with from there if it was stopped."""
    weights: Path | None = options.weights
    unfinished = weights and weights.with_suffix(".unfinished")
    with counting_bar("Training") as told:
        trained, _ = train(
            pieces,
            len(vocabulary),
            config=config,
            settings=SETTINGS,
            device=options.device,
            progress=told,
            unfinished=unfinished,
        )
    model: Transformer = trained.to("cpu")
    if weights is not None:
        weights.write_bytes(write_weights(model))
    return model


def main() -> None:
    """Train, or take the weights of an earlier run, or go on with it; compare; draw."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, help="taken from here if there, else trained and kept here")
    parser.add_argument("--size", choices=_SIZES, default="standard", help="tiny: for a look at all but the gain")
    parser.add_argument("--pieces", type=int, default=60, help="how many are drawn")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the training")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: scores to learn from, with scores/manifest.csv")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    corpus = load(options.data, share=8 if options.quick else 1)
    learned, held = list(corpus.learned.values()), list(corpus.held.values())
    if options.weights and options.weights.exists():
        model = read_weights(options.weights.read_bytes(), where=str(options.weights))
    else:
        model = _trained(learned, corpus.vocabulary, _SIZES[options.size], options)
    ngrams = {n: NGram(learned, len(corpus.vocabulary), order=n).bits_per_token(held) for n in _ORDERS}
    bits, best = bits_per_token(model, held), min(ngrams.values())
    figures, rows = _music(model, corpus, 12 if options.quick else options.pieces)
    figures = {
        "bits_per_token": bits,
        "gain": 1 - bits / best,
        "n_parameters": float(model.n_parameters),
        "n_works": float(len(learned)),
        "n_held_out": float(len(held)),
    } | figures
    peers = {f"{order}-gram": {"bits_per_token": value} for order, value in ngrams.items()}
    outcome = Outcome("generation", str(options.data), figures, peers, rows=rows, skipped=corpus.skipped)
    tell(outcome, as_json=options.json)


if __name__ == "__main__":
    main()
