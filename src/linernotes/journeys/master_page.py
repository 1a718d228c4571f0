"""Make the page of masters: cut the loudest stretch of each before and after, bring both to one loudness."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import linernotes
from linernotes import audio
from linernotes.errors import LinernotesError
from linernotes.formats.master_report import Excerpts, html
from linernotes.journeys.files import write_whole
from linernotes.model import SILENCE_LUFS, Master, Meters
from linernotes.render.mastering import measure

__all__ = ["EXCERPTS_MAX", "excerpts", "master_page", "write_master_page"]

EXCERPT_S = 12.0
EXCERPTS_MAX = 40  # a page of some 40 MB
_KBPS = 192
_RATE_HZ = 44_100


def master_page(masters: Sequence[Master], *, album: bool = False) -> str:
    """Return one self-contained HTML page for these masters, with sounds to compare."""
    cut = {index: excerpts(master) for index, master in enumerate(masters[:EXCERPTS_MAX])}
    found = {index: each for index, each in cut.items() if each is not None}
    return html(masters, found, generator=f"Linernotes {linernotes.__version__}", album=album)


def write_master_page(masters: Sequence[Master], path: Path, *, album: bool = False) -> None:
    """Write the page to a file, whole or not at all; StorageError if it cannot be."""
    write_whole(path, master_page(masters, album=album))


def excerpts(master: Master) -> Excerpts | None:
    """Cut the loudest stretch of the master, and the same of its input; None where one is not at hand any more."""
    if master.result is None or master.out_path is None:
        return None
    start_s, stop_s = _loudest(master.result.after)
    try:
        before, after = (
            audio.read(path, sample_rate_hz=_RATE_HZ, start_s=start_s, stop_s=stop_s)[0]
            for path in (master.path, master.out_path)
        )
        levels = [measure([each], sample_rate_hz=_RATE_HZ).integrated_lufs for each in (before, after)]
    except LinernotesError:
        return None
    if min(levels) <= SILENCE_LUFS:
        return None
    # Only ever down: the quieter one may have no room for more.
    downs_db = [level - min(levels) for level in levels]
    played = [each * np.float32(10 ** (-down / 20)) for each, down in zip((before, after), downs_db, strict=True)]
    return Excerpts(
        before=_encoded(played[0]),
        after=_encoded(played[1]),
        start_s=start_s,
        stop_s=stop_s,
        before_db=downs_db[0],
        after_db=downs_db[1],
    )


def _loudest(meters: Meters) -> tuple[float, float]:
    """Find the stretch around the loudest 3 s."""
    at = int(np.argmax(meters.short_term_lufs)) if len(meters.short_term_lufs) else 0
    middle_s = (at + 1) / 10 - 1.5
    start_s = min(max(0.0, middle_s - EXCERPT_S / 2), max(0.0, meters.duration_s - EXCERPT_S))
    return round(start_s, 3), round(min(start_s + EXCERPT_S, meters.duration_s), 3)


def _encoded(samples: NDArray[np.float32]) -> bytes:
    return audio.encode(samples, sample_rate_hz=_RATE_HZ, suffix="mp3", bitrate_kbps=_KBPS)
