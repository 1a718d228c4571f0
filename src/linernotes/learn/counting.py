"""What a model that only counts would have lost: how each work moves the likelihood of an output under n-grams.

A back-off model of the works' tokens, from single tokens to n-grams of ``order``, gives each token of an output a
likelihood that depends on counts alone, so that the worth of each work's counts is a derivative in closed form: no
gradient, no retraining. A passage that many works have is worth little from each of them, one that a single work has
is worth much from that one. It is taken with half of all counts: half-way between no works and all, as in the
middle of a Shapley value, and as a model that learnt from half of the works stands to the whole.

It is exact about the wrong model. Beside gradients, which are approximate about the right one, it is worth having.

Conventions
-----------
Tokens are whole numbers of 0 or more. Scores are in nats an output, positive where the work made it likelier, and add
up over a work's tokens: a work cut in two is worth the sum, but for the n-grams across the cut.

Source: MacKay and Peto, *A hierarchical Dirichlet language model*, 1995 (the back-off).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError

__all__ = ["CountModel"]

Tokens = NDArray[np.int64]
Scores = NDArray[np.float64]


class CountModel:
    """N-grams of works, with who has how many of each.

    ``sequences`` holds one sequence of tokens a work; ``order`` is the length of the longest n-gram; ``prior`` how many
    counts the shorter n-grams' opinion is worth.
    """

    def __init__(self, sequences: Sequence[Tokens], *, order: int = 4, prior: float = 20.0, scale: float = 0.5) -> None:
        if order < 1 or prior <= 0 or not 0 < scale <= 1:
            raise ParameterError(f"order {order}, prior {prior}, scale {scale}: one or more, above 0, and in (0, 1]")
        self.n_works, self._prior, self._scale = len(sequences), prior, scale
        self._base = 1 + max((int(part.max(initial=0)) for part in sequences), default=0)
        lengths = np.array([len(part) for part in sequences], np.int64)
        tokens = np.concatenate([np.zeros(0, np.int64), *sequences]).astype(np.int64)
        work = np.repeat(np.arange(self.n_works), lengths)
        reach = np.concatenate([np.arange(n) for n in lengths]) if len(lengths) else np.zeros(0, np.int64)
        self._tables: list[_Table] = []
        prefix, n_prefixes = np.zeros(len(tokens), np.int64), 1  # the number of the n-gram that ends before each token
        for size in range(1, order + 1):
            keys, grams = np.unique(prefix * self._base + tokens, return_inverse=True)
            whole = reach >= size - 1  # an n-gram does not begin before its work
            self._tables.append(
                _Table(
                    keys,
                    _Postings.of(grams[whole], work[whole], len(keys)),
                    _Postings.of(prefix[whole], work[whole], n_prefixes),
                )
            )
            prefix, n_prefixes = np.concatenate([[0], grams])[: len(tokens)], len(keys)

    def scores(self, query: Tokens) -> Scores:
        """Return how much each work's tokens are worth to the log-likelihood of ``query``: (n_works,)."""
        query = np.asarray(query, np.int64)
        levels = self._levels(query)
        total = np.zeros(self.n_works)
        if not levels or self.n_works == 0:
            return total
        weight = 1.0 / levels[-1].likely
        for level in reversed(levels):
            slope = weight / (level.context_count + self._prior)
            total += level.grams.spread(level.gram, slope, self.n_works)
            total -= level.contexts.spread(level.context, slope * level.likely, self.n_works)
            weight = weight * self._prior / (level.context_count + self._prior)
        return total * self._scale

    def bits(self, query: Tokens) -> float:
        """Return the bits a token that this model needs for ``query``."""
        levels = self._levels(np.asarray(query, np.int64))
        return float(-np.log2(levels[-1].likely).mean()) if levels and len(query) else 0.0

    def _levels(self, query: Tokens) -> list["_Level"]:
        found: list[_Level] = []
        likely = np.full(len(query), 1.0 / self._base)
        context = np.zeros(len(query), np.int64)
        for size, table in enumerate(self._tables, 1):
            context = np.where(np.arange(len(query)) >= size - 1, context, -1)
            known = (context >= 0) & (query < self._base)
            gram = np.where(known, table.find(np.where(known, context * self._base + query, -1)), -1)
            count = self._scale * table.grams.counts(gram)
            context_count = self._scale * table.contexts.counts(context)
            likely = (count + self._prior * likely) / (context_count + self._prior)
            found.append(_Level(table.grams, table.contexts, gram, context, context_count, likely))
            context = np.concatenate([[-1], gram])[: len(query)]
        return found


@dataclass(frozen=True, slots=True)
class _Postings:
    """For each n-gram the works that have it, and how often."""

    begin: NDArray[np.int64]
    work: NDArray[np.int64]
    count: NDArray[np.int64]
    total: NDArray[np.float64]

    @classmethod
    def of(cls, gram: Tokens, work: Tokens, n_grams: int) -> "_Postings":
        n_works = int(work.max(initial=0)) + 1
        pairs, count = np.unique(gram * n_works + work, return_counts=True)
        begin = np.searchsorted(pairs, np.arange(n_grams + 1) * n_works)
        total = np.bincount(pairs // n_works, weights=count, minlength=n_grams).astype(np.float64)
        return cls(begin, pairs % n_works, count, total)

    def counts(self, gram: Tokens) -> NDArray[np.float64]:
        """Return how often each n-gram stands in all works; 0 for -1."""
        return np.where(gram >= 0, self.total[np.maximum(gram, 0)], 0.0) if len(self.total) else np.zeros(len(gram))

    def spread(self, gram: Tokens, value: NDArray[np.float64], n_works: int) -> Scores:
        """Give ``value`` of each place to the works that have its n-gram, once a count."""
        there = np.flatnonzero(gram >= 0)
        begin, stop = self.begin[gram[there]], self.begin[gram[there] + 1]
        sizes = stop - begin
        rows = np.repeat(begin - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
        given = np.repeat(value[there], sizes) * self.count[rows]
        return np.bincount(self.work[rows], weights=given, minlength=n_works).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Table:
    """The n-grams of one length: their keys, and who has them and their contexts."""

    keys: NDArray[np.int64]
    grams: _Postings
    contexts: _Postings

    def find(self, wanted: Tokens) -> Tokens:
        if not len(self.keys):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[at] == wanted, at, -1)


@dataclass(frozen=True, slots=True)
class _Level:
    """What the n-grams of one length say of a query: for each token its n-gram, its context and its likelihood."""

    grams: _Postings
    contexts: _Postings
    gram: Tokens
    context: Tokens
    context_count: NDArray[np.float64]
    likely: NDArray[np.float64]
