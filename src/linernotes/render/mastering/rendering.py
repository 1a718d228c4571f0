"""The chain: tone, width and dynamics, then gain and limiter, settled to a loudness."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, take_down
from linernotes.kernels.true_peak import CELL
from linernotes.model import MasteringPlan, MasteringResult, Meters, Reduction
from linernotes.render.mastering.measuring import measure
from linernotes.render.mastering.reducing import ReductionCurve
from linernotes.render.mastering.rehearsing import rehearsed
from linernotes.render.mastering.scratch import BLOCK_FRAMES, Scratch
from linernotes.render.mastering.searching import FoundGain, GainSearch
from linernotes.render.mastering.shaping import shaped
from linernotes.render.mastering.sketching import Sketch

__all__ = ["Rendering"]

_MARGIN_DB = 0.03  # below the ceiling: what rounding to 16 bits and another meter's filter may add
_TOLERANCE_LU = 0.05
_MOST_PASSES = 5


@dataclass(frozen=True, slots=True)
class _Pass:
    """One run of the limiter, and what it left; no ``reductions``: there is no ceiling."""

    gain_db: float
    reductions: Scratch | None
    reduction: Reduction
    meters: Meters
    shortfall_lu: float = 0.0

    def close(self) -> None:
        if self.reductions is not None:
            self.reductions.close()


class Rendering:
    """A master that can be read any number of times, each time the same, bit for bit.

    Parameters
    ----------
    open_blocks : opens the sound from its start, in blocks of any size, shape (n, channels); called
        twice where there is a tone to be rehearsed
    before : what :func:`measure` told of the sound
    folder : where the shaped sound is kept meanwhile (9 bytes a stereo frame); the system's place for such things if
        None

    Raises
    ------
    StorageError if there is no room
    """

    def __init__(
        self,
        open_blocks: Callable[[], Iterable[NDArray[np.float32]]],
        plan: MasteringPlan,
        *,
        before: Meters,
        folder: Path | None = None,
        ballistics: Ballistics | None = None,
    ) -> None:
        self._open, self._plan, self._before, self._folder = open_blocks, plan, before, folder
        self._ballistics = ballistics or Ballistics()
        self._ceiling_dbtp, self._loudness_lufs = plan.ceiling_dbtp, plan.loudness_lufs
        self._shaped: Scratch | None = None
        self._sketch: Sketch | None = None
        self._pass: _Pass | None = None
        self._n_passes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the scratch files back."""
        for part in (self._shaped, self._sketch, self._pass):
            if part is not None:
                part.close()
        self._shaped = self._sketch = self._pass = None

    def settle(self, *, ceiling_dbtp: float | None = None, loudness_lufs: float | None = None) -> None:
        """Search the gain again under another ceiling or for another loudness; the shaping is not repeated."""
        self._ceiling_dbtp = self._ceiling_dbtp if ceiling_dbtp is None else ceiling_dbtp
        self._loudness_lufs = self._loudness_lufs if loudness_lufs is None else loudness_lufs
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Read the master from its start; a block holds until the next is asked for."""
        settled = self._settled()
        return self._limited(settled.gain_db, settled.reductions)

    def result(self) -> MasteringResult:
        """Tell what was done."""
        settled = self._settled()
        return MasteringResult(
            plan=self._plan,
            before=self._before,
            after=settled.meters,
            gain_db=settled.gain_db,
            reduction=settled.reduction,
            shortfall_lu=settled.shortfall_lu,
            n_passes=self._n_passes,
        )

    def _settled(self) -> _Pass:
        if self._pass is None:
            self._pass = self._search()
        return self._pass

    def _search(self) -> _Pass:
        """Forecast the gain, run the limiter, and correct until the loudness is met, or what falls short is known."""
        target = self._loudness_lufs
        if target is None or self._ceiling_dbtp is None:
            return self._run(0.0)
        wish, missed = target, list[tuple[float, float]]()
        for _ in range(_MOST_PASSES):
            found = self._found(wish)
            done = self._run(found.gain_db)
            error = done.meters.integrated_lufs - target
            if abs(error) <= _TOLERANCE_LU:
                return done
            if found.bound and error < 0.0:
                return replace(done, shortfall_lu=-error)
            missed.append((error, found.gain_db))
            wish -= error
            done.close()
        # A gate of the meter opens right where the target is, and no gain meets it: the nearest from below.
        error, gain_db = max((miss for miss in missed if miss[0] < 0.0), default=min(missed))
        return replace(self._run(gain_db), shortfall_lu=max(0.0, -error))

    def _found(self, wish: float) -> FoundGain:
        """Search on the sketch; where it needs to know softer peaks, it is made to."""
        shaped, sketch = self._source()
        gain_db = wish - sketch.loudness()
        while True:
            sketch.know(shaped.blocks(), self._ceiling() / _factor(gain_db))
            search = GainSearch(
                sketch,
                ceiling=self._ceiling(),
                greatest_reduction_db=self._plan.greatest_reduction_db,
                ballistics=self._ballistics,
            )
            found = search.gain(wish)
            if self._ceiling() / _factor(found.gain_db) >= sketch.least:
                return found
            gain_db = found.gain_db

    def _ceiling(self) -> float:
        assert self._ceiling_dbtp is not None
        return _factor(self._ceiling_dbtp - _MARGIN_DB)

    def _source(self) -> tuple[Scratch, Sketch]:
        """Rehearse, then shape the sound once, and sketch it meanwhile."""
        if self._shaped is None or self._sketch is None:
            plan = self._plan
            self._shaped = Scratch(plan.channels, folder=self._folder)
            self._sketch = Sketch(
                sample_rate_hz=plan.sample_rate_hz,
                channels=plan.channels,
                n_frames=self._before.n_frames,
                folder=self._folder,
            )
            tuned = rehearsed(self._open(), plan, n_frames=self._before.n_frames)
            for block in shaped(self._open(), tuned):
                self._sketch.add(block)
                self._shaped.append(block)
        return self._shaped, self._sketch

    def _run(self, gain_db: float) -> _Pass:
        shaped, sketch = self._source()
        curve, reductions = ReductionCurve(sample_rate_hz=self._plan.sample_rate_hz), None
        if self._ceiling_dbtp is not None:
            sketch.know(shaped.blocks(), self._ceiling() / _factor(gain_db))
            reductions = sketch.reductions(gain=_factor(gain_db), ceiling=self._ceiling(), ballistics=self._ballistics)
            for edges in reductions.blocks():
                curve.add(edges[:, 0])
        self._n_passes += 1
        meters = measure(self._limited(gain_db, reductions), sample_rate_hz=self._plan.sample_rate_hz)
        return _Pass(gain_db, reductions, curve.told(), meters)

    def _limited(self, gain_db: float, reductions: Scratch | None) -> Iterator[NDArray[np.float32]]:
        frames = self._source()[0].blocks()
        if reductions is None:
            yield from frames
            return
        for block, edges in zip(frames, reductions.blocks(BLOCK_FRAMES // CELL, overlap=1), strict=True):
            take_down(block, edges[:, 0], _factor(gain_db))
            yield block


def _factor(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))
