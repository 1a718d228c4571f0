"""The peer of the fingerprint: Chromaprint's ``fpcalc``, and an exhaustive search for the fewest differing bits.

Chromaprint ships no search for excerpts. Here every alignment of a query with every recording is tried, which is the
best it can be given, and the threshold is set so that one stranger in a hundred is named, which is more than it would
be allowed in use.

Conventions
-----------
A fingerprint is one 32-bit number for 4096/3 samples at 11,025 Hz. Figures are named as in
:mod:`evaluations.fingerprint`.
"""

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluations.queries import Query, QuerySet

__all__ = ["figures", "is_installed"]

FRAME_S = 4096 / 3 / 11025
TOLERANCE_S, STRANGERS_NAMED = 1.0, 0.01
Words = NDArray[np.uint32]


def is_installed() -> bool:
    """Tell whether ``fpcalc`` can be run."""
    return shutil.which("fpcalc") is not None


def fingerprint(path: Path) -> Words:
    """Run ``fpcalc`` on a whole file; empty where it cannot make anything of it."""
    command = ["fpcalc", "-raw", "-plain", "-length", "0", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return np.array([int(number) for number in told.split(",") if number], np.int64).astype(np.uint32)


def best(query: Words, references: Sequence[Words]) -> tuple[int, float, float]:
    """Find the recording, the place in seconds and the share of equal bits of the best alignment."""
    found = (-1, 0.0, 0.0)
    for i, reference in enumerate(references):
        if len(query) and len(reference) >= len(query):
            windows = np.lib.stride_tricks.sliding_window_view(reference, len(query))
            equal = 1 - np.bitwise_count(windows ^ query).sum(axis=1) / (32 * len(query))
            at = int(equal.argmax())
            found = max(found, (i, at * FRAME_S, float(equal[at])), key=lambda told: told[2])
    return found


def figures(asked: QuerySet) -> dict[str, float]:
    """Recall over all conditions, for each length and each condition, at one stranger in a hundred."""
    names = list(asked.catalogue)
    references = [fingerprint(path) for path in asked.catalogue.values()]
    answers = [(query, best(fingerprint(query.path), references)) for query in asked.queries]
    strangers = sorted((equal for query, (_, _, equal) in answers if not query.reference), reverse=True)
    threshold = strangers[int(STRANGERS_NAMED * len(strangers))] if strangers else 0.0
    groups: dict[str, list[bool]] = defaultdict(list)
    for query, (i, place_s, equal) in answers:
        if query.reference:
            hit = equal > threshold and _is_right(query, names[i], place_s)
            for key in ("", f"_{query.condition}", f"_{query.length_s:g}s"):
                groups[f"recall{key}"].append(hit)
    return {key: sum(hits) / len(hits) for key, hits in groups.items()}


def _is_right(query: Query, name: str, place_s: float) -> bool:
    return name == query.reference and abs(place_s - query.reference_start_s) <= TOLERANCE_S
