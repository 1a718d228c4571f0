"""How often one may ask: a bucket of requests for each account or address, filled at a steady rate."""

import math
import threading
import time
from collections import OrderedDict

__all__ = ["Buckets"]

_BUCKETS_MAX = 10_000


class Buckets:
    """Buckets by key; the ones that were not used for longest are forgotten first."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> int:
        """Take one; return 0, or in how many seconds there is one to take."""
        now = time.monotonic()
        with self._lock:
            left, at = self._buckets.pop(key, (float(self._burst), now))
            left = min(float(self._burst), left + (now - at) * self._per_s)
            wait = 0.0 if left >= 1 else (1 - left) / self._per_s
            self._buckets[key] = (left if wait else left - 1, now)
            if len(self._buckets) > _BUCKETS_MAX:
                self._buckets.popitem(last=False)
        return math.ceil(wait)
