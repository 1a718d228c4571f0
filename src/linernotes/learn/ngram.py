"""An n-gram model of tokens: what a larger model has to beat.

Conventions
-----------
Interpolated modified Kneser-Ney: each order keeps its counts less a discount, and gives what is left to the order
below, which counts in how many contexts a token was seen. The lowest is uniform.

Source: S. F. Chen and J. Goodman, An empirical study of smoothing techniques for language modeling, 1998.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["NGram"]

Context = tuple[int, ...]


class NGram:
    """Counts of what follows what, up to ``order`` tokens at a time."""

    def __init__(self, pieces: Sequence[Sequence[int]], n_tokens: int, *, order: int = 5) -> None:
        """Count the pieces; they are padded before their beginning with nothing."""
        self.n_tokens, self.order = n_tokens, order
        tables: list[dict[Context, Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        for piece in pieces:
            for place, token in enumerate(piece):
                context = tuple(piece[max(0, place - order + 1) : place])
                tables[len(context)][context][token] += 1
        for length in range(order - 1, 0, -1):  # a lower order counts contexts, not occurrences
            for context, counts in tables[length].items():
                for token in counts:
                    tables[length - 1][context[1:]][token] += 1
        self._tables = tables
        self._discounts = [_discounts(table) for table in tables]

    def probability(self, context: Sequence[int], token: int) -> float:
        """Return how likely a token is after a context; they add up to 1 over all tokens."""
        probability = 1 / self.n_tokens
        for length in range(min(self.order - 1, len(context)) + 1):
            counts = self._tables[length].get(tuple(context[len(context) - length :]))
            if not counts:
                continue
            discounts = self._discounts[length]
            total = counts.total()
            kept = counts[token] - discounts[min(counts[token], 3)] if token in counts else 0.0
            left = sum(discounts[min(count, 3)] for count in counts.values())
            probability = (kept + left * probability) / total
        return probability

    def bits_per_token(self, pieces: Sequence[Sequence[int]], *, skip: int = 4) -> float:
        """Return what each token of pieces costs, in bits; the first ``skip`` of each are given, not counted."""
        bits = count = 0.0
        for piece in pieces:
            for place in range(skip, len(piece)):
                bits -= math.log2(self.probability(piece[max(0, place - self.order + 1) : place], piece[place]))
                count += 1
        return bits / max(1.0, count)


def _discounts(table: dict[Context, Counter[int]]) -> tuple[float, float, float, float]:
    """Return what is taken off a count of 0, 1, 2, and 3 or more; by how many counts there are of each size."""
    sizes = Counter(min(count, 4) for counts in table.values() for count in counts.values())
    if not (sizes[1] and sizes[2]):
        return 0.0, 0.5, 0.5, 0.5
    y = sizes[1] / (sizes[1] + 2 * sizes[2])
    found = [n - (n + 1) * y * sizes[n + 1] / sizes[n] if sizes[n] else 0.5 for n in (1, 2, 3)]
    # Few counts say little of how many to take off: never so much that nothing is left.
    one, two, more = (min(max(discount, 0.05), 0.75 * n) for n, discount in enumerate(found, 1))
    return 0.0, one, two, more
