"""The gain that brings a sound to a loudness through a limiter, found on its sketch."""

from dataclasses import dataclass

from linernotes.kernels.limiter import Ballistics
from linernotes.render.mastering.sketching import Forecast, Sketch

__all__ = ["FoundGain", "GainSearch"]

_TOLERANCE_DB = 0.005
_MOST_STEPS = 24


@dataclass(frozen=True, slots=True)
class FoundGain:
    """A gain; ``bound`` says that more would be limited harder than is allowed."""

    gain_db: float
    bound: bool


class GainSearch:
    """Searches under one ceiling. ``greatest_reduction_db`` bounds what 95 % of the music is taken down by."""

    def __init__(self, sketch: Sketch, *, ceiling: float, greatest_reduction_db: float, ballistics: Ballistics) -> None:
        self._sketch, self._ceiling, self._ballistics = sketch, ceiling, ballistics
        self._allowed_db = greatest_reduction_db
        self._clean = sketch.loudness()

    def gain(self, loudness_lufs: float) -> FoundGain:
        """Find the gain for a loudness, or the greatest that is allowed."""
        low = loudness_lufs - self._clean  # what it takes without a limiter, so at least
        forecast = self._forecast(low)
        slope, gain = 1.0, low
        for _ in range(_MOST_STEPS):
            missing = loudness_lufs - forecast.loudness_lufs
            if missing <= _TOLERANCE_DB or not self._allowed(gain, forecast):
                break
            step = min(missing / slope, 6.0)
            after = self._forecast(gain + step)
            slope = max(0.1, (after.loudness_lufs - forecast.loudness_lufs) / step)
            gain, forecast = gain + step, after
        if self._allowed(gain, forecast):
            return FoundGain(gain, bound=False)
        return FoundGain(self._greatest(gain), bound=True)

    def _greatest(self, high: float) -> float:
        """Halve the way between a gain that is allowed and one that is not."""
        low = high - 1.0
        while not self._allowed(low, self._forecast(low)):
            low, high = low - 2.0 * (high - low), low
        while high - low > 2.0 * _TOLERANCE_DB:
            middle = 0.5 * (low + high)
            if self._allowed(middle, self._forecast(middle)):
                low = middle
            else:
                high = middle
        return low

    def _allowed(self, gain_db: float, forecast: Forecast) -> bool:
        if self._allowed_db == 0.0:
            return bool(10.0 ** (gain_db / 20.0) * self._sketch.peak() <= self._ceiling)
        return forecast.reduction_db <= self._allowed_db

    def _forecast(self, gain_db: float) -> Forecast:
        return self._sketch.forecast(gain=10.0 ** (gain_db / 20.0), ceiling=self._ceiling, ballistics=self._ballistics)
