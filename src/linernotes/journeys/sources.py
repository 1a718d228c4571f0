"""Sources: what a release says an output was learned from, work by work, and who of its owners is owed which part.

Conventions
-----------
Weights are whole numbers of one scale. Where a release was prepared for attribution (``model prepare``) they are its
influence; until then what a model that counts n-grams would owe each work, and nobody is paid by that: w is 0. A
work's weight is divided among those who gave consent, by their parts of the right where they are stated, else equally.
What is not paid by attribution is paid by how many notes a work has: one that is cut in two, or spread over shells of
one owner, earns no more than before.
"""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linernotes.errors import FormatError
from linernotes.journeys import releases
from linernotes.learn.counting import CountModel
from linernotes.learn.influence import Scores, whole_numbers
from linernotes.learn.manifest import Manifest, ManifestWork
from linernotes.learn.release import read_file, read_tokens
from linernotes.rights.attribution import PPM, shares_ppm
from linernotes.rights.royalties import training_parts

if TYPE_CHECKING:
    from linernotes.learn.panel import Panel

__all__ = ["Sources", "about_path", "owners_of", "panel_folder"]


class Sources:
    """The works of a release, ready to be asked about any output."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Read what a release learned from; ConflictError if it is not what was signed."""
        self.manifest = manifest
        pieces = read_tokens(read_file(folder, manifest, "tokens.npz"), where=str(folder / "tokens.npz"))
        self.pieces = {work.reference_id: piece for work, piece in zip(manifest.works, pieces, strict=True)}
        self._sizes = {work.reference_id: work.n_notes for work in manifest.works}
        self.counting = CountModel([np.array(piece) for piece in pieces])
        self.prepared = _about(folder, manifest)
        self._folder = folder
        self._panel: tuple[Panel, int] | None = None
        self._last: tuple[Sequence[int], Scores] | None = None

    @property
    def informativeness_ppm(self) -> int:
        """How much the attribution is measured to know; nothing until it is: then all works are paid alike."""
        return int(self.prepared.get("informativeness_ppm", 0))

    def runs(self, tokens: Sequence[int]) -> Scores:
        """Return what each training run says of each work: (n_runs, n_works). The last answer is kept."""
        if self._last is None or self._last[0] != tokens:
            self._last = tokens, self._runs(tokens)
        return self._last[1]

    def _runs(self, tokens: Sequence[int]) -> Scores:
        counting = self.counting.scores(np.array(tokens))
        if not self.prepared:
            return counting[None]
        panel, context = self._asked()
        from linernotes.learn.training import windows  # noqa: PLC0415 - PyTorch is an extra

        return panel.scores(windows(tokens, context), counting)

    def _asked(self) -> "tuple[Panel, int]":
        """Return the checkpoints that are asked, and how many tokens they read; UnavailableError without PyTorch."""
        if self._panel is None:
            model, checkpoints = releases.model_of(self._folder, self.manifest)
            from linernotes.learn.adapter import SequenceAdapter  # noqa: PLC0415 - PyTorch is an extra
            from linernotes.learn.panel import Panel  # noqa: PLC0415 - PyTorch is an extra

            panel = Panel.load(SequenceAdapter(model, checkpoints), panel_folder(self._folder))
            self._panel = panel, model.config.context
        return self._panel

    def weights(self, tokens: Sequence[int]) -> dict[str, int]:
        """Return how much each work taught of an output."""
        return dict(zip(self.pieces, whole_numbers(self.runs(tokens).mean(axis=0)), strict=True))

    def works_ppm(self, tokens: Sequence[int], *, informativeness_ppm: int) -> dict[str, int]:
        """Return each work's part of the pool of an output, in millionths: by attribution as far as it knows."""
        weights = self.weights(tokens)
        return shares_ppm(training_parts(weights, informativeness_ppm=informativeness_ppm, sizes=self._sizes))

    def owners_ppm(self, works_ppm: Mapping[str, int]) -> dict[str, int]:
        """Return each owner's part of the pool, in millionths that add up to a million."""
        owed: dict[str, Fraction] = {}
        for work in self.manifest.works:
            for party_id, part in owners_of(work).items():
                owed[party_id] = owed.get(party_id, Fraction(0)) + works_ppm[work.reference_id] * part
        assert sum(owed.values()) == PPM
        return shares_ppm(owed)


def panel_folder(folder: Path) -> Path:
    """Return where a release's panel lies: beside the release, whose files are signed."""
    return folder.with_name(f"{folder.name}.panel")


def about_path(folder: Path) -> Path:
    """Return where it is told what was prepared, and what retrainings said of it."""
    return panel_folder(folder) / "about.json"


def _about(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Read what was prepared of these weights; nothing where it was not, or of others."""
    path = about_path(folder)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise FormatError(f"{path}: not JSON: {error}; run linernotes model prepare again", code="influence") from None
    return told if isinstance(told, dict) and told.get("weights_sha256") == manifest.files.get("weights.npz") else {}


def owners_of(work: ManifestWork) -> dict[str, Fraction]:
    """Divide a work among those who said yes: each right alike, each by its stated parts or equally."""
    subjects: dict[str, list[tuple[str, Fraction | None]]] = {}
    for given in work.consents:
        part = None if given.part is None else Fraction(given.part)
        subjects.setdefault(given.subject_id, []).append((given.party_id, part))
    parts: dict[str, Fraction] = {}
    for holders in subjects.values():
        total = sum((part or Fraction(0) for _, part in holders), Fraction(0))
        for party_id, part in holders:
            share = (part or Fraction(0)) / total if total else Fraction(1, len(holders))
            parts[party_id] = parts.get(party_id, Fraction(0)) + share / len(subjects)
    return parts
