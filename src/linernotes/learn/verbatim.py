"""Which passages of an output stand note for note in a work: exact, and apart from influence and similarity.

Two passages are the same when their intervals and the ratios of their durations are: neither key nor note values
matter. A suffix array over all works finds, for every note of an output, the longest passage from there that stands
in any of them, and every work that has it.

A passage is told with how surprising it is. ``rarity_bits`` is its information under the works' bigrams, less that of
choosing a place among all of theirs: at 10 bits, one such set of works in a thousand would hold it by chance. A scale
is long and common; eight strange notes are not.

Conventions
-----------
A symbol is a whole number of 0 or more: one step from a note to the next. A sequence is one part of a work. Offsets and
lengths count symbols, intervals are half-open; a passage of n symbols is n + 1 notes.

Source: Manber and Myers, *Suffix arrays: a new method for on-line string searches*, 1993 (prefix doubling). Liu et al.,
*OLMoTrace: tracing language model outputs back to trillions of training tokens*, 2025 (maximal spans).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linernotes.errors import ParameterError

__all__ = ["Passage", "Passages", "suffix_array", "symbols"]

Symbols = NDArray[np.int64]

_WIDEST, _FINEST = 48, 12  # semitones of an interval; steps to the doubling of a duration
_RATIOS = 8 * _FINEST + 1  # from a sixteenth of the last duration to sixteen times it


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of an output that stands in works as it is; ``places`` are (work, part, start) of each, once a work."""

    query_start: int
    query_stop: int
    rarity_bits: float
    places: Sequence[tuple[str, int, int]]

    @property
    def length(self) -> int:
        """How many symbols it has."""
        return self.query_stop - self.query_start


def symbols(pitches: ArrayLike, onsets: ArrayLike) -> Symbols:
    """Return the steps of a line of notes, without key and note values: (n_notes − 2,).

    ``pitches`` in semitones, ``onsets`` in any unit, ascending. A step is the interval to the next note and the ratio
    of the time to it and the time before it, to a twelfth of an octave of durations.

    Raises ParameterError where notes are not one after the other. Check: a line, the same a fifth higher and the same
    in half notes have equal symbols.
    """
    pitch, onset = np.asarray(pitches, np.int64), np.asarray(onsets, np.float64)
    between = np.diff(onset)
    if pitch.shape != onset.shape or (between <= 0).any():
        raise ParameterError("a line needs as many onsets as pitches, each later than the last")
    if len(pitch) < 3:
        return np.zeros(0, np.int64)
    steps = np.rint(np.log2(between[1:] / between[:-1]) * _FINEST).astype(np.int64)
    ratio = np.clip(steps + _RATIOS // 2, 0, _RATIOS - 1)
    interval = np.clip(np.diff(pitch)[1:], -_WIDEST, _WIDEST) + _WIDEST
    return np.asarray(interval * _RATIOS + ratio, np.int64)


def suffix_array(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the suffixes of ``values`` start, in ascending order. Check: of (2, 1, 2, 1, 1), 4 3 1 2 0."""
    rank = np.unique(values, return_inverse=True)[1].astype(np.int64)
    size, width = len(values), 1
    while True:
        after = np.zeros(size, np.int64)
        after[: size - width] = rank[width:] + 1
        key = rank * (size + 1) + after
        order = np.argsort(key, kind="stable")
        new = np.empty(size, np.int64)
        new[order] = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) > 0)
        rank, width = new, 2 * width
        if size == 0 or rank[order[-1]] == size - 1 or width >= size:
            return order


class Passages:
    """The sequences of works, sorted so that any stretch of another is found in them.

    ``works`` gives each work's parts, as :func:`symbols` makes them. Memory is about 40 bytes a symbol.
    """

    def __init__(self, works: Mapping[str, Sequence[Symbols]]) -> None:
        self.work_ids = sorted(works)
        parts = [(n, p, part) for n, name in enumerate(self.work_ids) for p, part in enumerate(works[name])]
        self.vocabulary = np.unique(np.concatenate([np.zeros(0, np.int64), *(part for _, _, part in parts)]))
        # Each part ends with a number of its own, below all symbols: no passage runs on into the next part.
        joined = [
            np.append(len(parts) + np.searchsorted(self.vocabulary, part), i) for i, (*_, part) in enumerate(parts)
        ]
        self._values = np.concatenate([np.zeros(0, np.int64), *joined]).astype(np.int64)
        self._first = len(parts)
        lengths = np.array([len(part) for part in joined], np.int64)
        self._starts = np.cumsum(lengths) - lengths
        self._owner = np.array([(n, p) for n, p, _ in parts], np.int64).reshape(-1, 2)
        self._part_of = np.repeat(np.arange(len(parts)), lengths)
        self._order = suffix_array(self._values)
        self._surprise = _Surprise(self._values, self._first, len(self.vocabulary))

    def trace(self, query: Symbols, *, least: int = 6) -> list[Passage]:
        """Return the passages of at least ``least`` symbols that stand in works and in no longer one, longest first."""
        known = self._known(np.asarray(query, np.int64))
        lengths, low, high = self._longest(known)
        stops = np.arange(len(known)) + lengths
        grows = stops > np.concatenate([[0], np.maximum.accumulate(stops)[:-1]]) if len(known) else np.zeros(0, bool)
        bits = np.concatenate([[0.0], np.cumsum(self._surprise.bits(known))])
        found = [
            Passage(int(i), int(stops[i]), self._rarity(bits, int(i), int(stops[i])), self._places(low[i], high[i]))
            for i in np.flatnonzero(grows & (lengths >= max(1, least)))
        ]
        return sorted(found, key=lambda passage: (-passage.length, passage.query_start))

    def copied(self, query: Symbols, *, least: int = 6, least_bits: float = 10.0) -> dict[str, float]:
        """Return what part of ``query`` stands in each work in passages that long and rare; works with none are absent.

        Works overlap: the parts may add to more than one. Check: a work asked of itself is 1.0.
        """
        covered: dict[str, NDArray[np.bool_]] = {}
        for passage in self.trace(query, least=least):
            if passage.rarity_bits >= least_bits:
                for work_id, _, _ in passage.places:
                    covered.setdefault(work_id, np.zeros(len(query), bool))[
                        passage.query_start : passage.query_stop
                    ] = True
        return {work_id: float(covered[work_id].mean()) for work_id in sorted(covered)}

    def shared_lengths(self, groups: Mapping[str, str]) -> dict[str, int]:
        """Return for each work the length of the longest passage that it shares with a work of another group.

        What human works have in common is what an output may have in common with them: its 95th percentile is the
        limit. Works that ``groups`` does not name are groups of their own.
        """
        names = [groups.get(work_id, f"\0{work_id}") for work_id in self.work_ids]
        group_of_work = np.unique(np.array(names, dtype=str), return_inverse=True)[1]
        work = self._owner[self._part_of, 0]
        longest = np.zeros(len(self.work_ids), np.int64)
        places = np.flatnonzero(self._values >= self._first)
        same = np.zeros(len(places), np.int64)  # equal numbers: equal windows of the length so far
        length = 0
        while len(places):
            ends = self._values[places + length]
            places, same, ends = (array[ends >= self._first] for array in (places, same, ends))
            same = np.unique(same * (len(self.vocabulary) + 1) + ends - self._first, return_inverse=True)[1]
            group = group_of_work[work[places]]
            least, most = np.full(same.max(initial=-1) + 1, len(names)), np.full(same.max(initial=-1) + 1, -1)
            np.minimum.at(least, same, group)
            np.maximum.at(most, same, group)
            shared = least[same] < most[same]
            places, same, length = places[shared], same[shared], length + 1
            longest[work[places]] = length
        return dict(zip(self.work_ids, longest.tolist(), strict=True))

    def twins(self, *, least: float = 0.8, length: int = 12) -> list[tuple[str, ...]]:
        """Return the sets of works that are one: ``least`` of the shorter one's windows stand in the other.

        A copy in another key, a cut and a reissue are found; a variant of a folk tune is not.
        """
        windows = self._windows(length)
        held: dict[int, list[int]] = {}
        for work, window in windows:
            held.setdefault(window, []).append(work)
        shared: dict[tuple[int, int], int] = {}
        for works in held.values():
            for i, one in enumerate(works if len(works) <= 64 else ()):  # what everybody has proves nothing
                for other in works[i + 1 :]:
                    shared[one, other] = shared.get((one, other), 0) + 1
        counts = np.bincount([work for work, _ in windows], minlength=len(self.work_ids))
        parent = list(range(len(self.work_ids)))
        for (one, other), count in shared.items():
            if count >= least * min(counts[one], counts[other]):
                parent[_root(parent, other)] = _root(parent, one)
        sets: dict[int, list[str]] = {}
        for work, work_id in enumerate(self.work_ids):
            sets.setdefault(_root(parent, work), []).append(work_id)
        return sorted(tuple(members) for members in sets.values() if len(members) > 1)

    def _windows(self, length: int) -> list[tuple[int, int]]:
        """Return the distinct (work, window) pairs; equal windows have equal numbers."""
        places = np.arange(max(0, len(self._values) - length + 1))
        same = np.zeros(len(places), np.int64)
        for offset in range(length):
            inside = self._values[places + offset] >= self._first
            places, same = places[inside], same[inside]
            step = self._values[places + offset] - self._first
            same = np.unique(same * (len(self.vocabulary) + 1) + step, return_inverse=True)[1]
        n_works = len(self.work_ids) or 1
        pairs = np.unique(same * n_works + self._owner[self._part_of[places], 0])
        return list(zip((pairs % n_works).tolist(), (pairs // n_works).tolist(), strict=True))

    def _known(self, query: Symbols) -> Symbols:
        """Give a query's symbols the numbers that the works' have; -1 is one that no work has."""
        if len(self.vocabulary) == 0:
            return np.full(len(query), -1, np.int64)
        at = np.minimum(np.searchsorted(self.vocabulary, query), len(self.vocabulary) - 1)
        return np.where(self.vocabulary[at] == query, at + self._first, -1)

    def _longest(self, query: Symbols) -> tuple[Symbols, Symbols, Symbols]:
        """Return for each place of a query the longest match from there, and the range of suffixes that have it."""
        count = len(query)
        lengths, low, high = np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, len(self._order))
        alive = np.arange(count)
        for depth in range(count):
            alive = alive[alive + depth < count]
            wanted = query[alive + depth]
            new_low = self._bound(low[alive], high[alive], depth, wanted)
            new_high = self._bound(new_low, high[alive], depth, wanted + 1)
            some = (new_low < new_high) & (wanted >= 0)
            alive = alive[some]
            if not len(alive):
                break
            low[alive], high[alive], lengths[alive] = new_low[some], new_high[some], depth + 1
        return lengths, low, high

    def _bound(self, low: Symbols, high: Symbols, depth: int, wanted: Symbols) -> Symbols:
        """Return in each range of suffixes the first whose symbol at ``depth`` is not below the wanted one."""
        low, high = low.copy(), high.copy()
        while (open_ := low < high).any():
            middle = (low + high) // 2
            places = np.minimum(self._order[np.where(open_, middle, 0)] + depth, len(self._values) - 1)
            below = open_ & (self._values[places] < wanted)
            low = np.where(below, middle + 1, low)
            high = np.where(open_ & ~below, middle, high)
        return low

    def _places(self, low: int, high: int) -> list[tuple[str, int, int]]:
        at = np.sort(self._order[low:high])
        parts = self._part_of[at]
        works, first = np.unique(self._owner[parts, 0], return_index=True)
        return [
            (self.work_ids[work], int(self._owner[parts[i], 1]), int(at[i] - self._starts[parts[i]]))
            for work, i in zip(works, first, strict=True)
        ]

    def _rarity(self, bits: NDArray[np.float64], start: int, stop: int) -> float:
        return float(bits[stop] - bits[start] - np.log2(max(1, len(self._values))))


class _Surprise:
    """Bits of a symbol after another, by the works' bigrams leaning on their single symbols."""

    def __init__(self, values: Symbols, first: int, n_symbols: int) -> None:
        self._first, self._n = first, max(1, n_symbols)
        inside = values >= first
        self._single = np.bincount(values[inside] - first, minlength=self._n).astype(np.float64) + 1.0
        self._single /= self._single.sum()
        pairs = inside[:-1] & inside[1:] if len(values) else np.zeros(0, bool)
        keys = (values[:-1][pairs] - first) * self._n + values[1:][pairs] - first
        self._keys, self._counts = np.unique(keys, return_counts=True)
        self._before = np.bincount(values[:-1][pairs] - first, minlength=self._n).astype(np.float64)

    def bits(self, query: Symbols) -> NDArray[np.float64]:
        """Return the bits of each symbol of a query; those that no work has are not asked for, and 0."""
        known = query >= 0
        at = np.where(known, query - self._first, 0)
        last = np.concatenate([[0], at[:-1]]) if len(at) else at
        counts = np.zeros(len(query))
        if len(self._keys):
            place = np.minimum(np.searchsorted(self._keys, last * self._n + at), len(self._keys) - 1)
            counts = np.where(self._keys[place] == last * self._n + at, self._counts[place], 0).astype(np.float64)
        follows = np.concatenate([[False], known[:-1]]) if len(known) else known
        weight = np.where(follows, self._before[last], 0.0)
        likely = (np.where(follows, counts, 0.0) + 8.0 * self._single[at]) / (weight + 8.0)
        return np.where(known, -np.log2(likely), 0.0)


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
