"""Sources: what a release says an output was learned from, work by work, and who of its owners is owed which part.

Conventions
-----------
Weights are whole numbers of one scale. A work's weight is divided among those who gave consent, by their parts of the
right where they are stated, else equally; works that are one count once.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from linernotes.learn.counting import CountModel
from linernotes.learn.influence import whole_numbers
from linernotes.learn.manifest import Manifest, ManifestWork
from linernotes.learn.release import read_file, read_tokens
from linernotes.rights.attribution import PPM, shares_ppm
from linernotes.rights.royalties import training_parts

__all__ = ["INFORMATIVENESS_PPM", "Sources"]

INFORMATIVENESS_PPM = 0
"""How much the attribution is measured to know; nothing until it is: then all works are paid alike."""


class Sources:
    """The works of a release, ready to be asked about any output."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Read what a release learned from; ConflictError if it is not what was signed."""
        self.manifest = manifest
        pieces = read_tokens(read_file(folder, manifest, "tokens.npz"), where=str(folder / "tokens.npz"))
        self.pieces = {work.reference_id: piece for work, piece in zip(manifest.works, pieces, strict=True)}
        self._counting = CountModel([np.array(piece) for piece in pieces])

    def weights(self, tokens: Sequence[int]) -> dict[str, int]:
        """Return how much each work taught of an output."""
        scores = self._counting.scores(np.array(tokens))
        return dict(zip(self.pieces, whole_numbers(scores), strict=True))

    def works_ppm(self, tokens: Sequence[int], *, informativeness_ppm: int) -> dict[str, int]:
        """Return each work's part of the pool of an output, in millionths: by attribution as far as it knows."""
        return shares_ppm(training_parts(self.weights(tokens), informativeness_ppm=informativeness_ppm))

    def owners_ppm(self, works_ppm: Mapping[str, int]) -> dict[str, int]:
        """Return each owner's part of the pool, in millionths that add up to a million."""
        owed: dict[str, Fraction] = {}
        for work in self.manifest.works:
            for party_id, part in _parts(work).items():
                owed[party_id] = owed.get(party_id, Fraction(0)) + works_ppm[work.reference_id] * part
        assert sum(owed.values()) == PPM
        return shares_ppm(owed)


def _parts(work: ManifestWork) -> dict[str, Fraction]:
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
