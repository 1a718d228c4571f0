"""The chain: tone, width and dynamics, then gain and limiter, settled to a loudness."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, Limiter
from linernotes.kernels.loudness import LoudnessMeter, integrated
from linernotes.model import MasteringPlan, MasteringResult, Meters, Reduction
from linernotes.render.mastering.measuring import measure
from linernotes.render.mastering.reducing import ReductionCurve
from linernotes.render.mastering.scratch import Scratch
from linernotes.render.mastering.searching import GainSearch
from linernotes.render.mastering.shaping import shaped
from linernotes.render.mastering.sketching import Sketch

__all__ = ["Rendering"]

_MARGIN_DB = 0.03  # below the ceiling: what rounding to 16 bits and another meter's filter may add
_TOLERANCE_LU = 0.05
_MOST_PASSES = 5
_SPARE_DB = 6.0  # gain that a search may add to the first guess before peaks are told less exactly


@dataclass(slots=True)
class _Pass:
    """What one run of the limiter left."""

    gain_db: float
    loudness_lufs: float
    reduction: Reduction
    sound: Scratch
    shortfall_lu: float = 0.0
    meters: Meters | None = field(default=None)


class Rendering:
    """A master that can be read any number of times, each time the same, bit for bit.

    Parameters
    ----------
    open_blocks : opens the sound from its start, in blocks of any size, shape (n, channels); called once for each pass
        where the plan shapes nothing, else once
    before : what :func:`measure` told of the sound
    folder : where the shaped sound and the master are kept meanwhile (8 bytes a stereo frame each); the system's place
        for such things if None

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
        if self._shaped is not None:
            self._shaped.close()
        if self._pass is not None:
            self._pass.sound.close()
        self._shaped = self._pass = None

    def settle(self, *, ceiling_dbtp: float | None = None, loudness_lufs: float | None = None) -> None:
        """Search the gain again under another ceiling or for another loudness; the shaping is not repeated."""
        self._ceiling_dbtp = self._ceiling_dbtp if ceiling_dbtp is None else ceiling_dbtp
        self._loudness_lufs = self._loudness_lufs if loudness_lufs is None else loudness_lufs
        if self._pass is not None:
            self._pass.sound.close()
            self._pass = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Read the master from its start; a block holds until the next is asked for."""
        return self._settled().sound.blocks()

    def result(self) -> MasteringResult:
        """Tell what was done."""
        settled = self._settled()
        if settled.meters is None:
            rate = self._plan.sample_rate_hz
            settled.meters = measure(settled.sound.blocks(), sample_rate_hz=rate)
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
        target, ceiling_dbtp = self._loudness_lufs, self._ceiling_dbtp
        if target is None or ceiling_dbtp is None:
            return self._run(0.0)
        search = GainSearch(
            self._sketched(target, ceiling_dbtp),
            ceiling=_factor(ceiling_dbtp - _MARGIN_DB),
            greatest_reduction_db=self._plan.greatest_reduction_db,
            ballistics=self._ballistics,
        )
        wish = target
        for attempt in range(_MOST_PASSES):
            found = search.gain(wish)
            done = self._run(found.gain_db)
            error = done.loudness_lufs - target
            if abs(error) <= _TOLERANCE_LU or (found.bound and error < 0.0) or attempt == _MOST_PASSES - 1:
                break
            wish -= error
            done.sound.close()
        done.shortfall_lu = max(0.0, -error) if found.bound else 0.0
        return done

    def _sketched(self, target: float, ceiling_dbtp: float) -> Sketch:
        if self._sketch is None:
            gain_db = target - self._before.integrated_lufs
            self._sketch = Sketch(
                sample_rate_hz=self._plan.sample_rate_hz,
                channels=self._plan.channels,
                n_frames=self._before.n_frames,
                least=_factor(ceiling_dbtp - max(0.0, gain_db) - _SPARE_DB),
            )
            for block in self._source():
                self._sketch.add(block)
            self._sketch.finish()
        return self._sketch

    def _source(self) -> Iterator[NDArray[np.float32]]:
        """Open what goes into the limiter; blocks are the same whatever those of the sound were."""
        plan = self._plan
        if not plan.shapes:
            return shaped(self._open(), plan)
        if self._shaped is None:
            self._shaped = Scratch(plan.channels, folder=self._folder).fill(shaped(self._open(), plan))
        return self._shaped.blocks()

    def _run(self, gain_db: float) -> _Pass:
        rate, channels = self._plan.sample_rate_hz, self._plan.channels
        meter = LoudnessMeter(sample_rate_hz=rate, channels=channels)
        sound = Scratch(channels, folder=self._folder)
        curve = ReductionCurve(sample_rate_hz=rate)
        for block in self._limited(gain_db, curve):
            meter.add(block)
            sound.append(block)
        self._n_passes += 1
        return _Pass(gain_db, integrated(meter.powers()), curve.told(), sound)

    def _limited(self, gain_db: float, curve: "ReductionCurve") -> Iterator[NDArray[np.float32]]:
        if self._ceiling_dbtp is None:
            yield from self._source()
            return
        limiter = Limiter(
            sample_rate_hz=self._plan.sample_rate_hz,
            channels=self._plan.channels,
            gain=_factor(gain_db),
            ceiling=_factor(self._ceiling_dbtp - _MARGIN_DB),
            ballistics=self._ballistics,
        )
        for block in self._source():
            yield limiter.add(block)
            curve.add(limiter.reductions)
        yield limiter.finish()
        curve.add(limiter.reductions)


def _factor(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))
