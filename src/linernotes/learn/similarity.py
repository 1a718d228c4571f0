"""How alike an output and works sound on paper: n-grams in common, rare ones counting for more.

Similarity is not causation: what is alike may never have been learnt from, and what was learnt from need not be alike.
It is told beside influence and copying, and is never added to them.

Conventions
-----------
Tokens are whole numbers of 0 or more. A similarity is the cosine between two sets of n-grams weighted by inverse
document frequency, 0 (nothing in common) to 1 (the same n-grams).

Source: Spärck Jones, *A statistical interpretation of term specificity*, 1972.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Overlap"]

Tokens = NDArray[np.int64]


class Overlap:
    """The n-grams of works, to compare outputs with; ``size`` tokens each."""

    def __init__(self, sequences: Sequence[Tokens], *, size: int = 4) -> None:
        self._size, self.n_works = size, len(sequences)
        self._base = 2 + max((int(part.max(initial=0)) for part in sequences), default=0)
        grams = [np.unique(self._grams(part)) for part in sequences]
        work = np.repeat(np.arange(self.n_works), [len(part) for part in grams])
        joined = np.concatenate([np.zeros(0, np.uint64), *grams])
        order = np.argsort(joined, kind="stable")
        self._grams_sorted, self._works = joined[order], work[order]
        self._keys, self._begin, count = np.unique(self._grams_sorted, return_index=True, return_counts=True)
        self._stop = self._begin + count
        self._idf = np.log((self.n_works + 1.0) / count)
        norms = np.bincount(self._works, weights=np.repeat(self._idf**2, count), minlength=self.n_works)
        self._norms = np.sqrt(np.maximum(norms, 1e-12))

    def similarities(self, query: Tokens) -> NDArray[np.float64]:
        """Return the similarity of each work to ``query``: (n_works,)."""
        grams = np.unique(self._grams(np.asarray(query, np.int64)))
        if not len(grams) or not len(self._keys):
            return np.zeros(self.n_works)
        at = np.minimum(np.searchsorted(self._keys, grams), len(self._keys) - 1)
        there = at[self._keys[at] == grams]
        unknown = (len(grams) - len(there)) * np.log(self.n_works + 1.0) ** 2
        norm = np.sqrt(max(float((self._idf[there] ** 2).sum() + unknown), 1e-12))
        total = np.zeros(self.n_works)
        for key in there:  # a work stands once in a row, so that the rows of one n-gram add without clashes
            total[self._works[self._begin[key] : self._stop[key]]] += self._idf[key] ** 2
        return np.asarray(total / (self._norms * norm), np.float64)

    def _grams(self, tokens: Tokens) -> NDArray[np.uint64]:
        """Give the n-grams of a sequence numbers; a long n-gram's number is a hash of 64 bits."""
        count = max(0, len(tokens) - self._size + 1)
        number = np.zeros(count, np.uint64)
        for offset in range(self._size):
            step = np.minimum(tokens[offset : offset + count], self._base).astype(np.uint64) + np.uint64(1)
            number = (number * np.uint64(0x9E3779B97F4A7C15)) ^ (step * np.uint64(0xC2B2AE3D27D4EB4F))
            number ^= number >> np.uint64(29)
        return number
