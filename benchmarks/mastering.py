"""Mastering: how fast the whole chain and the meter run, and in how much memory, beside matchering and libebur128.

Conventions
-----------
``chain``: seconds of sound per second of processor time of the whole command, its start, reading the reference and
writing included, without codecs; only the process that decodes WAV for it, some 2,000 times real time, is not counted.
``meter``: the same for our meters that libebur128 has too, loudness and true peak, on sound in memory; the ffmpeg
program's ebur128, which also reads the file, stands beside it. ``further``: the chain once more, of songs after the
first in one process: what an album costs. Each pair runs in turn, so that ratios hold when the
machine's speed drifts. Memory is the greatest resident size of the process, in MiB.
"""

import csv
import ctypes
import ctypes.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, arguments, tell
from linernotes import audio
from linernotes.kernels.loudness import LoudnessMeter, integrated
from linernotes.kernels.true_peak import TruePeakMeter
from linernotes.render import band

__all__ = ["main", "measure"]

RATE_HZ = 44_100
_PEER = (
    "import sys, matchering as m; "
    "[m.process(target=each, reference=sys.argv[1], results=[m.pcm24(sys.argv[2])]) for each in sys.argv[3:]]"
)
_BETWEEN = (
    "import os, sys; child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, "
    "file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)]); "
    "_, status, used = os.wait4(child, 0); print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(status != 0)"
)
_EBUR128_MODE = 0x1 | 0x4 | 0x30  # integrated, and true peak


def spent(command: Sequence[str | Path]) -> tuple[float, float]:
    """Run a program; its processor seconds, those of its children included, and its peak memory in MiB.

    A small process stands between: a program that is started inherits the peak of the one that starts it.
    """
    between = [sys.executable, "-S", "-c", _BETWEEN, *(str(part) for part in command)]
    # As installed: Python's compiler is done with us, as it is with the peers.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told = subprocess.run(between, check=True, capture_output=True, text=True, env=surroundings).stdout.split()
    return float(told[0]), float(told[1]) / 1024


def sounds(data: Path | None, folder: Path, *, duration_s: float) -> list[Path]:
    """Write a song and a reference of this length: recordings repeated, or the band's own music."""
    pieces = [
        band.perform(band.compose(seed, style="rock", duration_s=30.0), sample_rate_hz=RATE_HZ) for seed in (1, 2)
    ]
    if data is not None and (data / "music" / "manifest.csv").is_file():
        with (data / "music" / "manifest.csv").open(encoding="utf-8", newline="") as handle:
            names = [row["file"] for row in csv.DictReader(handle)][:2]
        pieces = [audio.read(data / "music" / name, sample_rate_hz=RATE_HZ, channels=2)[0] for name in names]
    files = []
    for number, piece in enumerate(pieces):
        files.append(folder / f"{number}-{duration_s:g}.wav")
        left = round(duration_s * RATE_HZ)
        with audio.Writer(files[-1], sample_rate_hz=RATE_HZ, channels=2) as writer:
            while left > 0:
                writer.write(piece[:left])
                left -= len(piece[:left])
    return files


def ours(songs: Sequence[Path], reference: Path, out: Path) -> list[str | Path]:
    """Return the command that masters files towards a reference."""
    shutil.rmtree(out, ignore_errors=True)
    return [sys.executable, "-m", "linernotes", "master", *songs, "--reference", reference, "--out", out, "--jobs", "1"]


def theirs(songs: Sequence[Path], reference: Path, out: Path, python: Path) -> list[str | Path]:
    """Return the same of matchering, all songs in one process."""
    return [python, "-c", _PEER, reference, out, *songs]


def further(song: Path, reference: Path, folder: Path, python: Path | None) -> tuple[float, float]:
    """Measure what a further song costs where a program has started already, ours and matchering; seconds."""
    orders = [song], [song, *(Path(shutil.copy(song, folder / f"again-{n}.wav")) for n in (1, 2))]
    mine = [spent(ours(songs, reference, folder / "out"))[0] for songs in orders]
    if python is None:
        return (mine[1] - mine[0]) / 2, np.nan
    peer = [spent(theirs(songs, reference, folder / "peer.wav", python))[0] for songs in orders]
    return (mine[1] - mine[0]) / 2, (peer[1] - peer[0]) / 2


def meter_rates(samples: NDArray[np.float32], *, times: int) -> tuple[float, float | None]:
    """Measure loudness and true peak with our kernels and with libebur128 in turn; times real time."""
    name, pairs = ctypes.util.find_library("ebur128"), []
    library = ctypes.CDLL(name) if name else None
    for _ in range(times):
        start = time.process_time()
        loudness, peak = LoudnessMeter(sample_rate_hz=RATE_HZ, channels=2), TruePeakMeter(channels=2)
        for at in range(0, len(samples), 65_536):
            loudness.add(samples[at : at + 65_536])
            peak.add(samples[at : at + 65_536])
        integrated(loudness.powers())
        peak.peaks()
        middle = time.process_time()
        if library is not None:
            _libebur128(library, samples)
        pairs.append((middle - start, time.process_time() - middle))
    duration_s = len(samples) / RATE_HZ
    mine, theirs = (statistics.median(duration_s / max(pair[each], 1e-9) for pair in pairs) for each in (0, 1))
    return mine, theirs if library is not None else None


def _libebur128(library: ctypes.CDLL, samples: NDArray[np.float32]) -> None:
    library.ebur128_init.restype = ctypes.c_void_p
    library.ebur128_init.argtypes = [ctypes.c_uint, ctypes.c_ulong, ctypes.c_int]
    state = ctypes.c_void_p(library.ebur128_init(2, RATE_HZ, _EBUR128_MODE))
    pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    library.ebur128_add_frames_float(state, pointer, ctypes.c_size_t(len(samples)))
    library.ebur128_loudness_global(state, ctypes.byref(ctypes.c_double()))
    library.ebur128_destroy(ctypes.byref(state))


def ffmpeg_rate(song: Path, *, duration_s: float, times: int) -> float:
    """Measure with the ffmpeg program's ebur128, reading the file included; times real time."""
    command: list[str | Path] = ["ffmpeg", "-v", "quiet", "-i", song, "-af", "ebur128=peak=true", "-f", "null", "-"]
    return statistics.median(duration_s / spent(command)[0] for _ in range(times))


def measure(data: Path | None, *, quick: bool, python: Path | None, hours: float) -> Outcome:
    """Time everything."""
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {}
    skipped = []
    duration_s, times = (60.0, 2) if quick else (240.0, 3)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        song, reference = sounds(data, folder, duration_s=duration_s)
        runs = []
        for _ in range(times):
            mine = spent(ours([song], reference, folder / "out"))
            peer = spent(theirs([song], reference, folder / "peer.wav", python)) if python else (np.nan, np.nan)
            runs.append((*mine, *peer))
        figures["chain_times_real_time"] = statistics.median(duration_s / run[0] for run in runs)
        figures["chain_memory_mib"] = max(run[1] for run in runs)
        one_s, peer_s = further(song, reference, folder, python)
        figures["further_times_real_time"] = duration_s / one_s
        if python:
            figures["further_ratio_to_matchering"] = peer_s / one_s
            figures["chain_ratio_to_matchering"] = statistics.median(run[2] / run[0] for run in runs)
            rate = statistics.median(duration_s / run[2] for run in runs)
            peers["matchering"] = {"chain_times_real_time": rate, "chain_memory_mib": max(run[3] for run in runs)}
        else:
            skipped.append("matchering: no interpreter that has it was named with --peers")
        samples, _ = audio.read(song)
        figures["meter_times_real_time"], theirs_rate = meter_rates(samples, times=2 * times + 1)
        if theirs_rate is not None:
            figures["meter_ratio_to_libebur128"] = figures["meter_times_real_time"] / theirs_rate
            peers["libebur128"] = {"meter_times_real_time": theirs_rate}
        else:
            skipped.append("libebur128 is not installed")
        if shutil.which("ffmpeg"):
            rate = ffmpeg_rate(song, duration_s=duration_s, times=times)
            peers["ffmpeg ebur128"] = {"meter_times_real_time": rate}
        if hours:
            long, reference = sounds(data, folder, duration_s=3600 * hours)
            seconds, figures["long_memory_mib"] = spent(ours([long], reference, folder / "out"))
            figures["long_times_real_time"] = 3600 * hours / seconds
    return Outcome("mastering", str(data or "the band's own music"), figures, peers, skipped=skipped)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="a Python that has matchering")
    parser.add_argument("--long", type=float, default=0.0, metavar="HOURS", help="master a file of this length too: 3")
    given = parser.parse_args()
    tell(measure(given.data, quick=given.quick, python=given.peers, hours=given.long), as_json=given.json)


if __name__ == "__main__":
    main()
