"""Which recordings sound in this one, where, and what was done to them.

The sound becomes a picture of small cells, each above or below its neighbourhood (:mod:`linernotes.analyse.cells`).
Windows of the upload are laid on the whole catalogue, first as they are, then, where something is left unexplained,
under a grid of changes of pitch and tempo (:mod:`linernotes.analyse.candidates`). What agrees is weighed against what
strangers reach (:mod:`linernotes.analyse.verdicts`) and followed as far as it holds
(:mod:`linernotes.analyse.stretches`).

Conventions
-----------
``score`` is in standard deviations of independent cells; ``probability`` is calibrated as told in
:mod:`linernotes.analyse.verdicts`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse import candidates, landmarks, recurrence, verdicts
from linernotes.analyse.candidates import ALL_TRANSFORMS, Catalogue, Stretch, Table
from linernotes.analyse.cells import DEFAULT, Parameters, extract
from linernotes.analyse.stretches import Diagonal, follow
from linernotes.analyse.takes import Likeness, Takes
from linernotes.analyse.verdicts import Step
from linernotes.errors import ConflictError
from linernotes.model import Fingerprint, FingerprintIndex, Match

__all__ = ["DEFAULT", "THRESHOLD", "Parameters", "extract", "match"]

THRESHOLD = 0.75
"""Least probability that is told (docs/fingerprint.md: how many strangers reach it)."""

_WINDOW, _STRIDE, _LEAST = 156, 78, 32  # query frames: 5 s, 2.5 s, 1 s
_SOMETHING, _ALL = 0.5, 0.9  # of a window told: no further search, no further look
_COARSE = (Step((2, 0.5), (2, 0.02), 1), Step((1, 0.25), (1, 0.01)))
_PLACE_ONLY = (Step((4, 0.5)), Step((1, 0.25)))
_WIDE = (Step((3, 0.5), (3, 0.006), 1), Step((1, 0.25), (1, 0.002)))
_OPEN = 0.25  # of the short windows must be told nothing yet, else nothing is looked for that recurs
_LIKELY_PLACE = 0.6  # least probability of a place that is told of a recording told to be present
_MOVED, _WEIGHED = 40, 40  # alignments of one window that are moved to fit better, and weighed
_SURE = 0.88  # least probability told at first sight, without a search
_FAINT, _DOUBTFUL = 0.05, 3  # from where on, and about how many of a window, waveforms are asked as well
_LEAST_SCORE = 8.0  # steady noise reaches 7, and there nothing stands out that it could be weighed against
_CLEAR = 0.85  # agreement above which nothing else is heard beside a recording
_FRAMES_A_SEARCH, _FRAMES_A_WINDOW = 1e8, 1.4e6
"""Upper bound of the frames one search may ask for changed recordings by their landmarks, and what a window costs
whatever the catalogue."""
_FRAMES_BESIDE = 1e7
"""Greatest catalogue that is asked what else lies beside a recording that is told: some twenty thousand recordings."""
_WORDS_A_SEARCH = 4e9
"""Upper bound of the 64-bit comparisons one search may spend on laying cells on every place, about a second of one
core: nothing in catalogues beyond some thousand recordings."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """One weighed alignment."""

    probability: float
    score: float
    diagonal: Diagonal


@dataclass(frozen=True, slots=True)
class _Notes:
    """What was told of a query so far."""

    query: Fingerprint
    catalogue: Catalogue
    parameters: Parameters
    takes: Takes
    kept: list[_Heard] = field(default_factory=list)

    def add(self, heard: Sequence[_Heard], *, least: float, listens: bool = True) -> None:
        """Follow what was heard and add what tells something new; of two that tell the same, the surer stays."""
        for new in heard:
            if any(_tells_same(new.diagonal, old.diagonal) and old.probability >= new.probability for old in self.kept):
                continue
            followed = replace(new, diagonal=follow(self.query, self.catalogue, new.diagonal))
            if followed.diagonal.stop - followed.diagonal.start < _LEAST:
                continue
            followed = self._listened(followed) if listens else followed
            rivals = [old for old in self.kept if _tells_same(followed.diagonal, old.diagonal)]
            if followed.probability >= least and all(old.probability < followed.probability for old in rivals):
                self.kept[:] = [old for old in self.kept if old not in rivals]
                self.kept.append(followed)

    def _listened(self, heard: _Heard) -> _Heard:
        """Ask the waveforms about what was heard, unless it is clear."""
        if heard.diagonal.agreement >= _CLEAR:
            return heard
        match = _told(heard, self.query, self.catalogue, self.parameters)
        return replace(heard, probability=self.takes.probability(match))


def match(
    query: Fingerprint,
    index: FingerprintIndex,
    *,
    limit: int | None = None,
    parameters: Parameters = DEFAULT,
    threshold: float = THRESHOLD,
    likeness: Likeness | None = None,
) -> list[Match]:
    """Find every recording of ``index`` that sounds in ``query``: one match per stretch, in order of the query.

    With ``likeness``, waveforms decide about what was not changed and is faint or doubtful.

    Raises
    ------
    ConflictError : the index was made with other parameters
    """
    if query.parameter_id != index.parameter_id:
        raise ConflictError(
            f"the fingerprint was made with {query.parameter_id}, the index with {index.parameter_id}:"
            " register the catalogue again in a new workspace"
        )
    catalogue = Catalogue(index.segments)
    if not catalogue.n_frames:
        return []
    notes = _Notes(query, catalogue, parameters, Takes(likeness or _unheard))
    kept, windows = notes.kept, _windows(query)
    asked = 1.0 if likeness is None else min(threshold, _FAINT)

    def first_look(window: Stretch) -> list[_Heard]:
        proposed = landmarks.propose(window, catalogue, landmarks.UNCHANGED, limit=100)
        return _hear(window, catalogue, proposed, (max(threshold, _SURE), asked), searched=False)

    def second_look(window: Stretch) -> list[_Heard]:
        # Apart: a soft recording that is unchanged would be lost among so many changes.
        unchanged = landmarks.propose(window, catalogue, landmarks.UNCHANGED, limit=100)
        changed = landmarks.propose(window, catalogue, landmarks.CHANGED, limit=400)
        return _hear(window, catalogue, np.concatenate([unchanged, changed]), (threshold, asked), searched=True)

    def last_look(window: Stretch) -> list[_Heard]:
        proposed = candidates.propose(window, catalogue, ALL_TRANSFORMS, limit=400)
        return _hear(window, catalogue, proposed, (threshold, asked), searched=True)

    for heard in _in_pairs(_in_turn(windows, kept), first_look):
        notes.add(heard, least=threshold)
    heard_out = _explained if catalogue.n_frames <= _FRAMES_BESIDE else _answered
    unheard = [window for window in windows if not heard_out(window, kept)]
    few = _spread(unheard, _FRAMES_A_SEARCH / (catalogue.n_frames + _FRAMES_A_WINDOW))
    for heard in _in_pairs(_in_turn(few, kept), second_look):
        notes.add(heard, least=threshold)
    unanswered = [window for window in windows if not _answered(window, kept)]
    few = _spread(unanswered, _WORDS_A_SEARCH / (len(ALL_TRANSFORMS) * catalogue.n_frames * _WINDOW / 4))
    for heard in _in_pairs((window for window in few if not _answered(window, kept)), last_look):
        notes.add(heard, least=threshold)
    short = [window for window in recurrence.windows(query) if not _explained(window, kept)]
    if sum(not _filled(window, kept) for window in short) > _OPEN * len(short):
        for faint in recurrence.search(short, catalogue, words=_WORDS_A_SEARCH):
            if faint.presence >= threshold and faint.probability >= min(threshold, _LIKELY_PLACE):
                told = _heard(faint.window, catalogue, faint.place, faint.probability, faint.row)
                notes.add([told], least=0.0, listens=False)  # all of the song has told it
    best = sorted(kept, key=lambda heard: (-heard.probability, -heard.score))[:limit]
    matches = [_told(heard, query, catalogue, parameters) for heard in best]
    return sorted(matches, key=lambda m: (m.query_start_s, m.recording_id))


def _unheard(match: Match) -> None:
    """Stand in for a likeness where no sound is at hand."""


def _windows(query: Fingerprint) -> list[Stretch]:
    n = len(query.signs)
    if n < _LEAST:
        return []
    if n <= 1.2 * _WINDOW:
        return [Stretch(query, 0, n)]
    last = n - _WINDOW
    return [Stretch(query, start, start + _WINDOW) for start in [*range(0, last, _STRIDE), last]]


def _spread(windows: list[Stretch], most: float) -> list[Stretch]:
    """At most so many windows, spread evenly."""
    n = min(len(windows), int(most))
    return [windows[i] for i in np.linspace(0, len(windows) - 1, n).round().astype(int)] if n else []


def _in_turn(windows: Sequence[Stretch], kept: Sequence[_Heard]) -> Iterator[Stretch]:
    """Every second window that is not explained yet, then those between that no recording was told to fill."""
    for window in windows[::2]:
        if not _explained(window, kept):
            yield window
    for window in windows[1::2]:
        if not _filled(window, kept) and not _explained(window, kept):
            yield window


def _filled(window: Stretch, kept: Sequence[_Heard]) -> bool:
    """Whether one recording was told in nearly all of a window."""
    return any(_told_share(window, [heard]) >= _ALL for heard in kept)


def _in_pairs(windows: Iterator[Stretch], look: Callable[[Stretch], list[_Heard]]) -> Iterator[list[_Heard]]:
    """Hear two windows at a time, on two cores if there are; what is told of them decides which come next."""
    with ThreadPoolExecutor(2) as pool:
        while pair := list(islice(windows, 2)):
            yield from pool.map(look, pair)


def _explained(window: Stretch, kept: Sequence[_Heard]) -> bool:
    """Whether recordings cover most of a window so clearly that no other can be heard beside them."""
    clear = [heard for heard in kept if heard.diagonal.agreement >= _CLEAR]
    n = window.stop - window.start
    return bool(clear) and _told_share(window, clear) * n >= n - _STRIDE


def _answered(window: Stretch, kept: Sequence[_Heard]) -> bool:
    """Whether recordings were told in half of a window."""
    return _told_share(window, kept) >= _SOMETHING


def _told_share(window: Stretch, kept: Sequence[_Heard]) -> float:
    """How much of a window some recording was told in."""
    covered = np.zeros(window.stop - window.start, np.bool_)
    for d in (heard.diagonal for heard in kept):
        covered[max(0, d.start - window.start) : max(0, d.stop - window.start)] = True
    return float(covered.mean())


def _hear(
    window: Stretch, catalogue: Catalogue, proposed: Table, least: tuple[float, float], *, searched: bool
) -> list[_Heard]:
    """Weigh what a window, and the window with its surroundings, may be; most probable first."""
    foremost = verdicts.foremost(window, catalogue, proposed, most=_MOVED)
    table = verdicts.improve(window, catalogue, foremost, _COARSE)
    table = _with_unchanged(window, catalogue, table, table)
    heard = _weighed(window, catalogue, table, least=least, searched=searched)
    wide = Stretch(window.query, max(0, window.start - _STRIDE), min(len(window.query.signs), window.stop + _STRIDE))
    if len(table) and wide.stop - wide.start > 1.2 * (window.stop - window.start):
        moved = table.copy()
        moved[:, 0] += (wide.middle - window.middle) * moved[:, 1] / 2
        heard += _weighed(
            wide,
            catalogue,
            _with_unchanged(wide, catalogue, moved, verdicts.improve(wide, catalogue, moved, _WIDE)),
            least=least,
            searched=searched,
        )
    told = [each for each in heard if each.probability >= least[0]]
    doubtful = [each for each in heard if each.probability < least[0]]
    return _surest_first(told) + _surest_first(doubtful)[:_DOUBTFUL]


def _surest_first(heard: list[_Heard]) -> list[_Heard]:
    return sorted(heard, key=lambda each: -each.probability)


def _with_unchanged(stretch: Stretch, catalogue: Catalogue, places: Table, table: Table) -> Table:
    """Add to ``table`` what lies at ``places`` if the recording was not changed at all."""
    twins = places.copy()
    twins[:, 1], twins[:, 2] = 1.0, 0.0
    both = np.concatenate([table, verdicts.improve(stretch, catalogue, twins, _PLACE_ONLY)])
    return both[np.argsort(-both[:, 5], kind="stable")]


def _weighed(
    stretch: Stretch, catalogue: Catalogue, table: Table, *, least: tuple[float, float], searched: bool
) -> list[_Heard]:
    """Weigh a table's foremost rows; ``least`` is told of any, and of what was not changed."""
    among = verdicts.one_each(table[:_WEIGHED])
    tellable = among[among[:, 5] >= _LEAST_SCORE]
    if not len(tellable):
        return []
    weighed = verdicts.features(stretch, catalogue, tellable, among=among)
    chances = verdicts.probabilities(weighed, searched=searched)
    chances = np.where(verdicts.stands_out(weighed), chances, np.minimum(chances, _FAINT))
    unchanged = (tellable[:, 1] == 1.0) & (tellable[:, 2] == 0.0)
    told = (chances >= least[0]) | unchanged & (chances >= least[1])
    heard = []
    for row, probability in zip(tellable[told], chances[told], strict=True):
        where = catalogue.locate(row[3])
        if where is not None:
            heard.append(_heard(stretch, catalogue, where, float(probability), row))
    return heard


def _heard(
    stretch: Stretch, catalogue: Catalogue, where: tuple[int, int], probability: float, row: NDArray[np.float64]
) -> _Heard:
    origin = row[0] - catalogue.firsts[where[0]] - stretch.middle * row[1] / 2
    diagonal = Diagonal(*where, float(origin), float(row[1]), int(row[2]), stretch.start, stretch.stop)
    return _Heard(probability, float(row[5]), diagonal)


def _tells_same(one: Diagonal, other: Diagonal) -> bool:
    """Whether both tell of one recording in (mostly) one stretch of the query."""
    if (one.segment, one.recording) != (other.segment, other.recording):
        return False
    shared = min(one.stop, other.stop) - max(one.start, other.start)
    return 2 * shared > min(one.stop - one.start, other.stop - other.start)


def _told(heard: _Heard, query: Fingerprint, catalogue: Catalogue, parameters: Parameters) -> Match:
    d, frame_s = heard.diagonal, parameters.frame_s
    transform = d.transform
    segment = catalogue.segments[d.segment]
    frames = int(segment.starts[d.recording + 1] - segment.starts[d.recording])
    ratio = transform.tempo_ratio
    middle = 0.5 * (d.start + d.stop - 1)
    place = d.origin + middle * d.tempo / 2 - int(segment.starts[d.recording])
    middle_s, place_s = middle * frame_s, place * parameters.reference_step * frame_s
    start_s = max(0.0, d.start * frame_s, middle_s - place_s / ratio)
    stop_s = min(
        query.duration_s,
        d.stop * frame_s,
        middle_s + (frames * parameters.reference_step * frame_s - place_s) / ratio,
    )
    return Match(
        recording_id=segment.recording_ids[d.recording],
        query_start_s=start_s,
        query_stop_s=stop_s,
        reference_start_s=max(0.0, place_s + (start_s - middle_s) * ratio),
        reference_stop_s=place_s + (stop_s - middle_s) * ratio,
        score=heard.score,
        probability=heard.probability,
        transform=transform,
    )
