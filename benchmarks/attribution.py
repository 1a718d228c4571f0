"""How long it takes to say where one output came from, among 3,000 works, and what the one-time pass costs.

The model is of the size that ``model train`` trains; works are invented melodies of its tokens, an output is made of
two of them. Six checkpoints are asked (three runs, two each). ``output_s`` is all of it: gradients, counting, verbatim
passages and similarity. The pass is timed on a few works, beside an epoch of training on the same.

Conventions
-----------
Times are CPU seconds on one core: the wall clock of a quiet machine shows less where it has more of them.
``pass_to_training`` divides a run's part of the pass by training the run, for the default number of epochs.
"""

import time

import numpy as np
import torch

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.learn.adapter import SequenceAdapter
from linernotes.learn.counting import CountModel
from linernotes.learn.gradients import adam_metric
from linernotes.learn.influence import Influence, Witness
from linernotes.learn.panel import WIDTH, Member, Panel
from linernotes.learn.similarity import Overlap
from linernotes.learn.tokens import Vocabulary
from linernotes.learn.training import Checkpoint, TrainingSettings, train, windows
from linernotes.learn.transformer import SHIPPING, Transformer
from linernotes.learn.verbatim import Passages

__all__ = ["main"]

_N_RUNS, _EARLY, _METRIC_WORKS = 3, 2, 256


def _melodies(n_works: int, n_tokens: int) -> list[list[int]]:
    """Invent works: 40 bars of a few notes each, some of them repeated."""
    rng = np.random.default_rng(1)
    works = []
    for _ in range(n_works):
        phrases = [[3, *rng.integers(60, n_tokens, 8).tolist()] for _ in range(6)]
        works.append([1, 4, 5, 9, *(token for place in rng.integers(0, 6, 40) for token in phrases[place]), 2])
    return works


def _pass(model: Transformer, works: list[list[int]]) -> tuple[float, float]:
    """Return CPU seconds a work of one checkpoint's pass, and of one epoch of training."""
    start = time.process_time()
    checkpoint = Checkpoint(1, 1e-3, dict(model.state_dict()))
    rows = {str(n): windows(work, SHIPPING.context) for n, work in enumerate(works)}
    Panel.prepare(SequenceAdapter(model, []), [(0, checkpoint)], rows)
    middle = time.process_time()
    train(works, model.n_tokens, settings=TrainingSettings(n_epochs=1))
    return (middle - start) / len(works) / 2, (time.process_time() - middle) / len(works)


def main() -> None:
    """Ask about outputs."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--works", type=int, default=3000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    n_tokens = len(Vocabulary())
    works = _melodies(options.works, n_tokens)
    model = Transformer(n_tokens, SHIPPING)
    adapter = SequenceAdapter(model, [])
    rng = np.random.default_rng(2)
    rows = [windows(work, SHIPPING.context) for work in works]
    checkpoint, metric = Checkpoint(1, 1e-3, dict(model.state_dict())), adam_metric(adapter, rows[:1])
    witnesses = [
        Witness(run, *(rng.standard_normal((len(works), WIDTH), dtype=np.float32) for _ in range(2)))
        for run in range(_N_RUNS)
        for _ in range(_EARLY)
    ]
    members = [Member(witness.run, checkpoint, metric) for witness in witnesses]
    panel = Panel(adapter, members, Influence([str(n) for n in range(len(works))], witnesses), width=WIDTH)
    arrays = [np.array(work) for work in works]
    counting, overlap = CountModel(arrays), Overlap(arrays)
    passages = Passages({str(n): [work] for n, work in enumerate(arrays)})
    times: dict[str, list[float]] = {"gradients_s": [], "counting_s": [], "verbatim_s": [], "similarity_s": []}
    for number in range(3 if options.quick else 10):
        output = [*works[number][:200], *works[number + 1][200:]]
        tokens = np.array(output)
        for name, ask in (
            ("counting_s", lambda tokens=tokens: counting.scores(tokens)),
            ("verbatim_s", lambda tokens=tokens: passages.copied(tokens)),
            ("similarity_s", lambda tokens=tokens: overlap.similarities(tokens)),
            ("gradients_s", lambda output=output: panel.scores(windows(output, SHIPPING.context))),
        ):
            start = time.process_time()
            ask()
            times[name].append(time.process_time() - start)
    figures = {name: float(np.median(values)) for name, values in times.items()}
    figures["output_s"] = sum(figures.values())
    per_checkpoint, per_epoch = _pass(model, works[: 8 if options.quick else 24])
    asked = _EARLY * (1 + min(1.0, _METRIC_WORKS / len(works)))
    figures["pass_to_training"] = asked * per_checkpoint / (TrainingSettings().n_epochs * per_epoch)
    figures |= {"works": float(len(works))}
    tell(Outcome("attribution", "invented melodies", figures), as_json=options.json)


if __name__ == "__main__":
    main()
