"""The guard at the door: what copies a rare passage of a work that was learned from does not leave.

Conventions
-----------
A passage is too long where it is longer than what human works of the training set share with each other, at their 95th
percentile, and rare (:mod:`linernotes.learn.verbatim`). Works that are one (copies, reissues) count as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linernotes.learn.tokens import Vocabulary
from linernotes.learn.verbatim import Passages, Symbols, symbols
from linernotes.model.scores import Score

__all__ = ["Copied", "CopyGuard", "line", "same_works"]

_NOTES_MIN, _RARE_BITS, _PERCENTILE = 8, 10.0, 95


@dataclass(frozen=True, slots=True)
class Copied:
    """A passage that stands in works as it is: its notes in the output, first and last, by whom, and how rare it is."""

    first_note: int
    last_note: int
    pitches: Sequence[int]
    work_ids: Sequence[str]
    rarity_bits: float


class CopyGuard:
    """Knows every melody that was learned from."""

    def __init__(self, pieces: Mapping[str, Sequence[int]], vocabulary: Vocabulary) -> None:
        """Sort the melodies of all works, by their ids."""
        self._passages = _passages(pieces, vocabulary)
        groups = {key: one[0] for one in self._passages.twins() for key in one}
        shared = list(self._passages.shared_lengths(groups).values())
        self.limit = max(_NOTES_MIN, int(np.percentile(shared, _PERCENTILE))) if shared else _NOTES_MIN
        """The most steps from note to note that an output may have in common with a work, if they are rare."""

    def longest(self, score: Score) -> int:
        """Return how many steps the longest passage has that an output shares with any work."""
        return max((passage.length for passage in self._passages.trace(line(score), least=1)), default=0)

    def copied(self, score: Score) -> list[Copied]:
        """Return the passages that are too long and rare, longest first."""
        return [
            Copied(
                first_note=passage.query_start,
                last_note=passage.query_stop + 1,
                pitches=[note.pitch for note in score.notes[passage.query_start : passage.query_stop + 2]],
                work_ids=[work_id for work_id, _, _ in passage.places],
                rarity_bits=passage.rarity_bits,
            )
            for passage in self._passages.trace(line(score), least=self.limit + 1)
            if passage.rarity_bits >= _RARE_BITS
        ]


def same_works(pieces: Mapping[str, Sequence[int]], vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    """Return sets of works that are one, or of which one is a cut of another; each in the order of ``pieces``."""
    order = {key: place for place, key in enumerate(pieces)}
    return [tuple(sorted(keys, key=order.__getitem__)) for keys in _passages(pieces, vocabulary).twins()]


def _passages(pieces: Mapping[str, Sequence[int]], vocabulary: Vocabulary) -> Passages:
    return Passages({key: [line(vocabulary.decode(piece))] for key, piece in pieces.items()})


def line(score: Score) -> Symbols:
    """Return the steps of a melody, without key and note values."""
    return symbols([note.pitch for note in score.notes], [note.start_ticks for note in score.notes])
