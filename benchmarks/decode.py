"""Decoding and resampling, beside the ffmpeg program doing the same.

Conventions
-----------
Each file is decoded to 11,025 Hz mono and at its own rate, by both in turn, several times; the ratio is of wall times,
pair by pair, so that it holds when the machine's speed drifts. Ours includes the bounded child, its pipe and the check
for NaN. Music of the package's own band is encoded as WAV, FLAC, MP3, M4A and Opus; recordings are added where given.
"""

import csv
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.outcome import Outcome, arguments, tell
from linernotes import audio
from linernotes.render import band

__all__ = ["main", "measure"]

RATE_HZ = 11_025
LONG_S = 600.0


@contextmanager
def inputs(data: Path | None, *, quick: bool) -> Iterator[dict[str, list[Path]]]:
    """Yield groups of files: short ones as people have them, and a long one for each codec."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        song = band.perform(band.compose(1, style="rock", duration_s=30.0), sample_rate_hz=44_100)
        long = np.tile(song, (round(LONG_S / 30.0) // (4 if quick else 1), 1))
        groups = {}
        for suffix in ("wav", "flac", "mp3", "m4a", "opus"):
            rate_hz = 48_000 if suffix == "opus" else 44_100
            audio.write(place / f"long.{suffix}", long, sample_rate_hz=rate_hz)
            groups[f"long_{suffix}"] = [place / f"long.{suffix}"]
        if data is not None and (data / "music" / "manifest.csv").is_file():
            with (data / "music" / "manifest.csv").open(encoding="utf-8") as handle:
                names = [row["file"] for row in csv.DictReader(handle)]
            groups["recordings"] = [data / "music" / name for name in names[:: 20 if quick else 5]]
        yield groups


def ffmpeg(path: Path, rate_hz: int | None) -> None:
    """Decode with the program."""
    rate = ["-ar", str(rate_hz)] if rate_hz else []
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "f32le", "-ac", "1", *rate, "-"]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def ours(path: Path, rate_hz: int | None) -> None:
    """Decode as every journey does."""
    for _ in audio.decode(path, sample_rate_hz=rate_hz, channels=1):
        pass


def timed(work: Callable[[Path, int | None], None], files: list[Path], rate_hz: int | None) -> float:
    """Return the wall seconds for all files."""
    start = time.perf_counter()
    for file in files:
        work(file, rate_hz)
    return time.perf_counter() - start


def measure(data: Path | None, *, quick: bool) -> Outcome:
    """Time both on every group."""
    has_ffmpeg, figures, rows = shutil.which("ffmpeg") is not None, {}, []
    with inputs(data, quick=quick) as groups:
        for group, files in groups.items():
            duration_s = sum(sum(map(len, audio.decode(f, sample_rate_hz=8000, channels=1))) for f in files) / 8000
            for rate_hz in (RATE_HZ, None):
                pairs = []
                for _ in range(3 if quick else 5):
                    mine_s = timed(ours, files, rate_hz)
                    pairs.append((mine_s, timed(ffmpeg, files, rate_hz) if has_ffmpeg else float("nan")))
                mine_s = statistics.median(pair[0] for pair in pairs)
                row = {"group": group, "rate_hz": rate_hz or "own", "times_real_time": duration_s / mine_s}
                if has_ffmpeg:
                    row["ratio_to_ffmpeg"] = statistics.median(a / b for a, b in pairs)
                rows.append(row)
    figures["times_real_time_median"] = statistics.median(float(row["times_real_time"]) for row in rows)
    if has_ffmpeg:
        figures["ratio_to_ffmpeg_worst"] = max(float(row["ratio_to_ffmpeg"]) for row in rows)
    figures["parent_peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    skipped = [] if has_ffmpeg else ["ffmpeg is not installed"]
    return Outcome("decode", str(data or "the band's own music"), figures, rows=rows, skipped=skipped)


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0]).parse_args()
    tell(measure(given.data, quick=given.quick), as_json=given.json)


if __name__ == "__main__":
    main()
