"""How fast the fingerprint is made and searched, and how both grow with the catalogue.

CPU seconds are of this process, which does not decode: decoding runs in a child. Peers: Chromaprint's ``fpcalc``,
which decodes and extracts and does not search.

A large catalogue is made of the real recordings and of entries drawn from them: eight-second pieces of random
recordings played backwards, moved by half an octave at least (what leaves at the top returns below), as long as some
real one. They sound like music to the search and like no recording in particular: no change that is looked for brings
a piece back to where it came from.
"""

import csv
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, arguments, tell
from linernotes import audio
from linernotes.analyse import fingerprint
from linernotes.model import CELL_FRAMES, Fingerprint
from linernotes.render import band
from linernotes.store.index import Index

__all__ = ["main", "measure"]

RATE_HZ = fingerprint.DEFAULT.sample_rate_hz
STYLES = ("indie folk", "synth pop", "jazz trio", "rock")
PIECE = 16  # cells, 8 s
Sound = NDArray[np.float32]


def recordings(data: Path | None, *, quick: bool) -> list[Path | Sound]:
    """Files of a folder, or music of the package's own band."""
    if data is not None and (data / "music" / "manifest.csv").is_file():
        with (data / "music" / "manifest.csv").open(encoding="utf-8") as handle:
            names = [row["file"] for row in csv.DictReader(handle)]
        return [data / "music" / name for name in (names[::6] if quick else names)]
    return [
        band.perform(band.compose(seed, style=STYLES[seed % len(STYLES)], duration_s=30.0), sample_rate_hz=RATE_HZ)
        .mean(axis=1)
        .astype(np.float32)
        for seed in range(6 if quick else 40)
    ]


def load(source: Path | Sound) -> Sound:
    """Decode to the rate of the fingerprint."""
    if not isinstance(source, Path):
        return source
    blocks = [block[:, 0] for block in audio.decode(source, sample_rate_hz=RATE_HZ, channels=1)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def cost(work: Callable[[], object], n: int = 1) -> tuple[float, float]:
    """CPU and wall seconds of one call, the least of ``n``."""
    spent = []
    for _ in range(n):
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        work()
        spent.append((time.process_time() - cpu_s, time.perf_counter() - wall_s))
    return min(s for s, _ in spent), min(s for _, s in spent)


def drawn(backwards: list[Fingerprint], n_cells: int, rng: np.random.Generator) -> Fingerprint:
    """Draw an entry of so many cells (:data:`linernotes.model.CELL_FRAMES`) from recordings played backwards."""
    frames, loud_frames, landmarks = [], [], []
    first = 0
    while first < n_cells:
        source = backwards[int(rng.integers(len(backwards)))]
        n = min(PIECE, n_cells - first, len(source.frames) // CELL_FRAMES)
        start, half = int(rng.integers(0, len(source.frames) // CELL_FRAMES - n + 1)), int(rng.integers(6, 59))
        frames.append(_turned(source.frames[CELL_FRAMES * start : CELL_FRAMES * (start + n)], half))
        loud_frames.append(_turned(source.loud_frames[CELL_FRAMES // 2 * start : CELL_FRAMES // 2 * (start + n)], half))
        low, high = np.searchsorted(source.landmarks[:, 1], (start, start + n))
        piece = source.landmarks[low:high].astype(np.int64)
        band, rise = ((piece[:, 0] >> 11) + 2 * half) % 128, (piece[:, 0] >> 5 & 63) - 32
        piece[:, 0] = band << 11 | piece[:, 0] & 2047
        piece[:, 1] += first - start
        landmarks.append(piece[(band + rise >= 0) & (band + rise < 128)].astype(np.uint32))
        first += n
    nothing = frames[0][:0]
    return Fingerprint(
        fingerprint.DEFAULT.id,
        n_cells * CELL_FRAMES * 0.064,
        np.concatenate(frames),
        np.concatenate(loud_frames),
        nothing,
        nothing,
        np.concatenate(landmarks),
        np.zeros((0, 2), np.int32),
    )


def _turned(words: NDArray[np.uint64], half: int) -> NDArray[np.uint64]:
    """Move packed cells up by twice ``half`` bands; what leaves at the top returns below."""
    return (words << np.uint64(half)) | (words >> np.uint64(64 - half))


def extraction(sources: list[Path | Sound], sounds: list[Sound]) -> dict[str, float]:
    """How fast sound becomes a fingerprint, and how large that is."""
    hours = sum(map(len, sounds)) / RATE_HZ / 3600
    cpu_s, _ = cost(lambda: [fingerprint.extract([sound]) for sound in sounds])
    _, wall_s = cost(lambda: [fingerprint.extract([load(source)]) for source in sources])
    kept = sum(
        e.frames.nbytes + e.loud_frames.nbytes + 4.125 * len(e.landmarks)  # a posting and its bit of the tallies
        for e in map(fingerprint.extract, ([sound] for sound in sounds))
    )
    return {
        "extract_times_real_time": 3600 * hours / cpu_s,
        "extract_hours_per_cpu_s": hours / cpu_s,
        "decode_and_extract_times_real_time": 3600 * hours / wall_s,
        "index_mb_per_hour": kept / 1e6 / hours,
    }


def queries(sounds: list[Sound], rng: np.random.Generator) -> dict[str, Fingerprint]:
    """Make an excerpt as it is, one played 17 % faster, one of no recording, and a three-minute upload."""
    plain = sounds[0][RATE_HZ * 5 : RATE_HZ * 10]
    source = sounds[1][RATE_HZ * 5 : RATE_HZ * 12]
    at = np.arange(0, len(source) - 1, 1.17)
    sped = np.interp(at, np.arange(len(source)), source).astype(np.float32)[: RATE_HZ * 5]
    stranger = band.perform(band.compose(990, style="rock", duration_s=12.0), sample_rate_hz=RATE_HZ).mean(axis=1)[
        RATE_HZ * 5 : RATE_HZ * 10
    ]
    order = rng.permutation(len(sounds))
    upload = np.concatenate([sounds[i][: RATE_HZ * 20] for i in np.resize(order, 9)])
    asked = {"known_5s": plain, "changed_5s": sped, "stranger_5s": stranger.astype(np.float32), "upload_180s": upload}
    return {name: fingerprint.extract([sound]) for name, sound in asked.items()}


def growth(
    real: list[Fingerprint],
    backwards: list[Fingerprint],
    asked: dict[str, Fingerprint],
    sizes: list[int],
    folder: Path,
) -> list[dict[str, float | str]]:
    """Search catalogues of growing size."""
    rng, rows = np.random.default_rng(7), []
    lengths = [n for n in (len(entry.frames) // CELL_FRAMES for entry in real) if n]
    backwards = [entry for entry in backwards if len(entry.frames) >= CELL_FRAMES]
    with Index(folder, parameter_id=fingerprint.DEFAULT.id, writable=True) as index:
        index.add({f"real_{i}": entry for i, entry in enumerate(real)})
        for size in sizes:
            while len(index) < size:
                n = min(size - len(index), 20_000)
                names = [f"drawn_{len(index) + i}" for i in range(n)]
                index.add({name: drawn(backwards, int(rng.choice(lengths)), rng) for name in names})
            row: dict[str, float | str] = {"recordings": len(index)}
            row["hours"] = sum(len(s.frames) for s in index.segments) * 2 * fingerprint.DEFAULT.frame_s / 3600
            row["index_mb"] = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
            for name, query in asked.items():
                fingerprint.match(query, index)  # the first search maps the files
                cpu_s, wall_s = cost(lambda q=query: fingerprint.match(q, index), 3)  # type: ignore[misc]
                row[f"{name}_cpu_s"], row[f"{name}_wall_s"] = cpu_s, wall_s
                row[f"{name}_found"] = len(fingerprint.match(query, index))
            row["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
            rows.append(row)
    return rows


def plot(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Draw how the time of a search, the index and the memory grow with the catalogue."""
    import_module("matplotlib").use("Agg")  # only here: pictures are no part of the install
    plt = import_module("matplotlib.pyplot")
    folder.mkdir(parents=True, exist_ok=True)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6))
    asked = {key: key.removesuffix("_cpu_s") for key in rows[0] if key.endswith("_cpu_s")}
    sizes = {"index_mb": "index", "memory_mb": "memory, mapped files included"}
    for axes, names, label in zip(panels, (asked, sizes), ("CPU seconds a query", "MB"), strict=True):
        for key, name in names.items():
            axes.plot([r["recordings"] for r in rows], [r[key] for r in rows], "o-", label=name)
        axes.set(xscale="log", yscale="log", xlabel="recordings", ylabel=label)
        axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "growth.png", dpi=120)


def fpcalc(sources: list[Path | Sound]) -> dict[str, float]:
    """Chromaprint on the same files: rate with decoding, and size."""
    files = [source for source in sources if isinstance(source, Path)]
    seconds, numbers, start = 0.0, 0, time.perf_counter()
    for file in files:
        done = subprocess.run(["fpcalc", "-raw", "-plain", str(file)], capture_output=True, text=True, check=False)
        numbers += done.stdout.count(",") + 1
    wall_s = time.perf_counter() - start
    seconds = numbers * 4096 / 3 / 11025
    return {
        "decode_and_extract_times_real_time": seconds / wall_s,
        "index_mb_per_hour": 4 * numbers / 1e6 / (seconds / 3600),
    }


def measure(data: Path | None, *, quick: bool) -> Outcome:
    """Time everything."""
    sources = recordings(data, quick=quick)
    sounds = [load(source) for source in sources]
    figures = extraction(sources, sounds)
    real = [fingerprint.extract([sound]) for sound in sounds]
    asked = queries(sounds, np.random.default_rng(3))
    sizes = [len(real)] + ([] if quick else [1_000, 10_000, 100_000])
    backwards = [fingerprint.extract([np.ascontiguousarray(sound[::-1])]) for sound in sounds]
    with tempfile.TemporaryDirectory() as folder:
        rows = growth(real, backwards, asked, sizes, Path(folder))
    figures |= {key: float(value) for key, value in rows[0].items() if key.endswith("_s") or key == "recordings"}
    peers, skipped = {}, []
    if shutil.which("fpcalc") and isinstance(sources[0], Path):
        peers["fpcalc"] = fpcalc(sources)
    else:
        skipped.append("fpcalc: not installed, or no files to give it")
    return Outcome("fingerprint", str(data or "the band's own music"), figures, peers, rows, skipped)


def main() -> None:
    """Measure and tell."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, help="folder for a picture of the growth (needs matplotlib)")
    options = parser.parse_args()
    outcome = measure(options.data, quick=options.quick)
    tell(outcome, as_json=options.json)
    if options.plot is not None:
        plot(outcome.rows, options.plot)


if __name__ == "__main__":
    main()
