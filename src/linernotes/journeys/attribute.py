"""Attribute: which works of a release shaped a piece, in three numbers that are never one: copied, influenced, similar.

Conventions
-----------
``prepare`` asks the release's early checkpoints about every work, once, and trains it again with other seeds if asked
to: what seeds do not agree on is chance, and widens the intervals. ``measure`` trains on halves of the works to see
how much of what attribution says is so: w. Both write beside the release, never into it. Influence is in millionths
that add up, by work and by owner (their catalogue); copied and similar are parts of the piece, 0 to 1, and add up to
nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linernotes.errors import ConflictError, ParameterError
from linernotes.formats.scores import read_score
from linernotes.journeys import releases
from linernotes.journeys.sources import Sources, about_path, owners_of, panel_folder
from linernotes.learn.copying import CopyGuard, line
from linernotes.learn.diagnostics import SUBSETS_MIN, Reliability, reliability
from linernotes.learn.influence import Scores, catalogue_intervals_ppm, whole_numbers
from linernotes.learn.leads import lead_sheet
from linernotes.learn.manifest import Manifest
from linernotes.learn.progress import Progress, parts
from linernotes.learn.release import audit
from linernotes.learn.similarity import Overlap
from linernotes.learn.tokens import Vocabulary
from linernotes.learn.verbatim import Passages
from linernotes.model import Problem
from linernotes.model.scores import Score
from linernotes.rights.attribution import shares_ppm
from linernotes.workspace import Workspace

if TYPE_CHECKING:
    from linernotes.learn.training import Checkpoint, TrainingSettings

__all__ = ["Asked", "Attribution", "Influenced", "Owed", "attribute", "measure", "prepare"]

_SETTINGS = ("n_epochs", "batch_tokens", "learning_rate", "weight_decay", "n_checkpoints", "precision")
_N_QUERIES, _QUERY_BARS = 24, 8
_READS = 2  # of every work, where a checkpoint is asked: for its metric, and for its gradient


@dataclass(frozen=True, slots=True)
class Influenced:
    """A work: its part of the influence, and beside it what of the piece is copied from it and how alike they are."""

    reference_id: str
    title: str
    isrc: str | None
    influenced_ppm: int
    copied: float
    similar: float


@dataclass(frozen=True, slots=True)
class Owed:
    """An owner's catalogue: its part of the influence, and between which it lies at 90 %."""

    party_id: str
    party: str
    share_ppm: int
    low_ppm: int
    high_ppm: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where a piece came from, if this release made it. ``informativeness_ppm``: w, 0 until it is measured."""

    path: str
    release: str
    release_id: str
    method: str
    n_runs: int
    informativeness_ppm: int
    catalogues: Sequence[Owed]
    works: Sequence[Influenced]
    passages: Sequence[dict[str, Any]]
    problems: Sequence[Problem]


def attribute(workspace: Workspace, release: str, path: Path, *, n_works: int = 20) -> Attribution:
    """Say what a release's works have to do with a piece; the foremost ``n_works`` are told.

    Raises NotFoundError for a release that is not here; FormatError for a file that is no score; ConflictError if the
    release is not what was signed; UnavailableError where it was prepared and PyTorch is missing
    """
    folder, manifest = _release(workspace, release)
    score = lead_sheet(read_score(path))
    asked = Asked(Sources(folder, manifest))
    doubts = [] if _is_ours(path, manifest) else [_foreign(path, manifest)]
    return asked.about(score, asked.vocabulary.encode(score), path=str(path), doubts=doubts, n_works=n_works)


class Asked:
    """A release that is asked about pieces, one after the other."""

    def __init__(self, sources: Sources) -> None:
        """Sort what it learned from."""
        self.vocabulary = Vocabulary(tuple(sources.manifest.styles))
        self._sources = sources
        self.guard = CopyGuard(sources.pieces, self.vocabulary)
        self._passages = Passages({key: [line(self.vocabulary.decode(piece))] for key, piece in sources.pieces.items()})
        self._overlap = Overlap([np.array(piece) for piece in sources.pieces.values()])

    def about(
        self, score: Score, tokens: Sequence[int], *, path: str, doubts: Sequence[Problem] = (), n_works: int = 20
    ) -> Attribution:
        """Say what the works have to do with a piece; UnavailableError where PyTorch is needed and missing."""
        sources, manifest = self._sources, self._sources.manifest
        runs = sources.runs(tokens)
        works_ppm = shares_ppm(dict(zip(sources.pieces, whole_numbers(runs.mean(axis=0)), strict=True)))
        copied = self._passages.copied(line(score))
        alike = dict(zip(sources.pieces, self._overlap.similarities(np.array(tokens)).tolist(), strict=True))
        known = {work.reference_id: (work.title, work.isrc) for work in manifest.works}
        order = sorted(known, key=lambda key: (-works_ppm[key], -copied.get(key, 0.0), key))
        foremost = [key for place, key in enumerate(order) if place < n_works or key in copied]
        unprepared = "only counted; for gradients run: linernotes model prepare"
        counted = [] if sources.prepared else [Problem("not_prepared", unprepared, manifest.release)]
        return Attribution(
            path=path,
            release=manifest.release,
            release_id=manifest.release_id,
            method="gradients and counts" if sources.prepared else "counts",
            n_runs=len(runs),
            informativeness_ppm=sources.informativeness_ppm,
            catalogues=_owed(sources, runs, works_ppm),
            works=[Influenced(key, *known[key], works_ppm[key], copied.get(key, 0.0), alike[key]) for key in foremost],
            passages=[asdict(each) for each in self.guard.copied(score)],
            problems=[*doubts, *counted],
        )


def prepare(workspace: Workspace, release: str, *, n_runs: int = 1, progress: Progress | None = None) -> Path:
    """Ask a release's early checkpoints about every work, and those of ``n_runs`` − 1 more trainings; returns where.

    ``progress`` hears works, counted each time that one is read. Raises NotFoundError, ConflictError and
    UnavailableError as :func:`attribute`; ParameterError for less than one run
    """
    if n_runs < 1:
        raise ParameterError(f"--runs {n_runs}: one at least, the release itself")
    folder, manifest = _release(workspace, release)
    (model, checkpoints), sources = releases.model_of(folder, manifest), Sources(folder, manifest)
    from linernotes.learn.adapter import SequenceAdapter  # noqa: PLC0415 - PyTorch is an extra
    from linernotes.learn.panel import Panel  # noqa: PLC0415 - PyTorch is an extra
    from linernotes.learn.training import train, windows  # noqa: PLC0415 - PyTorch is an extra

    pieces = list(sources.pieces.values())
    asked = [(0, checkpoint) for checkpoint in _early(checkpoints)]
    learning = [_settings(manifest, seed=0).n_epochs * len(pieces)] * (n_runs - 1)
    *each, asking = parts(progress, [*learning, _READS * n_runs * len(asked) * len(pieces)])
    for run, told in enumerate(each, 1):
        settings = _settings(manifest, seed=int(manifest.settings.get("seed", 0)) + run)
        _, others = train(pieces, model.n_tokens, config=model.config, settings=settings, progress=told)
        asked += [(run, checkpoint) for checkpoint in _early(others)]
    works = {key: windows(piece, model.config.context) for key, piece in sources.pieces.items()}
    panel = Panel.prepare(SequenceAdapter(model, checkpoints), asked, works, progress=asking)
    panel.save(panel_folder(folder))
    _tell(folder, {"weights_sha256": manifest.files["weights.npz"], "n_runs": n_runs})
    return panel_folder(folder)


def measure(workspace: Workspace, release: str, *, n_subsets: int = 8, progress: Progress | None = None) -> Reliability:
    """Train on ``n_subsets`` halves of the works with two seeds each: how much of an attribution is so, of pieces made.

    Costs as much as ``n_subsets`` trainings of the release; ``progress`` hears works, counted each time that one is
    read. Raises ConflictError if it is not prepared, ParameterError for less than four halves; else as :func:`prepare`
    """
    if n_subsets < SUBSETS_MIN:
        raise ParameterError(f"--subsets {n_subsets}: {SUBSETS_MIN} at least, fewer say nothing")
    folder, manifest = _release(workspace, release)
    sources = Sources(folder, manifest)
    if not sources.prepared:
        raise ConflictError(f"{release} is not prepared; run first: linernotes model prepare", code="not_prepared")
    model, _ = releases.model_of(folder, manifest)
    import torch  # noqa: PLC0415 - an extra

    from linernotes.learn.generator import Plan, Sampling, generate  # noqa: PLC0415 - needs PyTorch
    from linernotes.learn.training import padded, train  # noqa: PLC0415 - needs PyTorch
    from linernotes.learn.transformer import sequence_losses  # noqa: PLC0415 - needs PyTorch

    vocabulary, pieces = Vocabulary(tuple(manifest.styles)), list(sources.pieces.values())
    made = [generate(model, vocabulary, Plan(n_bars=_QUERY_BARS), Sampling(seed=n)) for n in range(_N_QUERIES)]
    queries = [query[: model.config.context + 1] for query in made]
    scores = np.array([sources.runs(query).mean(axis=0) for query in queries])
    rng, losses = np.random.default_rng(0), np.zeros((2, n_subsets, len(queries)))
    members = np.array([rng.permutation(len(pieces)) < len(pieces) // 2 for _ in range(n_subsets)])
    n_read = _settings(manifest, seed=0).n_epochs * (len(pieces) // 2)
    each = parts(progress, [n_read] * losses[..., 0].size)
    for (seed, subset), told in zip(np.ndindex(2, n_subsets), each, strict=True):
        half = [piece for piece, inside in zip(pieces, members[subset], strict=True) if inside]
        settings = _settings(manifest, seed=1000 * (seed + 1) + subset)
        trained, _ = train(half, model.n_tokens, config=model.config, settings=settings, progress=told)
        with torch.no_grad():
            losses[seed, subset] = [float(sequence_losses(trained, padded([query]))[0]) for query in queries]
    found = reliability(scores, members, losses)
    _tell(folder, sources.prepared | {"informativeness_ppm": found.informativeness_ppm, "reliability": asdict(found)})
    return found


def _release(workspace: Workspace, release: str) -> tuple[Path, Manifest]:
    folder = releases.release_folder(workspace, releases.find_release(workspace, release).id)
    audited = audit(folder)
    if audited.faults:
        raise ConflictError(f"{release}: {'; '.join(audited.faults)}; fetch the release again", code="tampered")
    return folder, audited.manifest


def _settings(manifest: Manifest, *, seed: int) -> "TrainingSettings":
    from linernotes.learn.training import TrainingSettings  # noqa: PLC0415 - PyTorch is an extra

    return TrainingSettings(
        **{name: manifest.settings[name] for name in _SETTINGS if name in manifest.settings}, seed=seed
    )


def _early(checkpoints: "Sequence[Checkpoint]") -> "Sequence[Checkpoint]":
    """Return the first half: a model that knows works by heart learns nothing more from them."""
    return checkpoints[: max(1, len(checkpoints) // 2)]


def _tell(folder: Path, told: dict[str, Any]) -> None:
    about_path(folder).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _owed(sources: Sources, runs: Scores, works_ppm: dict[str, int]) -> list[Owed]:
    """Add influence up by owner, with the interval of those whose works they are foremost."""
    names = {given.party_id: given.party for work in sources.manifest.works for given in work.consents}
    shares = sources.owners_ppm(works_ppm)
    first = [max(parts, key=lambda party: parts[party]) for parts in map(owners_of, sources.manifest.works)]
    intervals = catalogue_intervals_ppm(runs, first)
    owed = []
    for party, ppm in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        low, high = intervals.get(party, (ppm, ppm))
        owed.append(Owed(party, names[party], ppm, min(ppm, low), max(ppm, high)))
    return owed


def _foreign(path: Path, manifest: Manifest) -> Problem:
    """Say what an attribution of a piece cannot claim that this release is not known to have made."""
    message = (
        f"no credits of {manifest.release} lie beside it: the shares say whose works would have taught the release"
        " most of it, not that it was made with them"
    )
    return Problem("foreign", message, str(path))


def _is_ours(path: Path, manifest: Manifest) -> bool:
    try:
        told = json.loads(path.with_suffix(".credits.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("release_id") == manifest.release_id
