"""What mastering keeps of its promises on real music and on signals made to break it, beside other programs.

Every track is mastered to -14 and to -9 LUFS under -1 dBTP, and once towards a reference (the next track), through the
same journey as the command line. What came out is measured by another's meter: the ``ffmpeg`` program's ebur128, also
after encoding with that program, whose encoders are not those that the master was made safe with.

Conventions
-----------
``reached``: share of masters within 0.1 LU of the target among those that do not say that they fall short (ffmpeg
prints tenths, so a hundredth more is allowed). ``short_lu_mean`` is over all. Peaks are the greatest of all masters, in
dBTP. ``tone_db``: mean absolute difference to the reference over third octaves of the mid, each relative to its mean;
``tone_wins``: share of pairs at most as far from the reference as matchering's, which keeps to no bound;
``tone_wins_ceiling``: the same of the best that any gains within 6 dB a third octave could do, ``ceiling_tone_db`` how
far that is; ``tone_wins_asked``: ours where 12 dB are asked for. ``thd_n_db``: what is not the tone, of
997 Hz driven 4 dB into a ceiling of -9, in floating point. ``noise_db``: what is left of a master when its input, at
best gain, is taken off, A-weighted, at the loudness that all can reach.
"""

import csv
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import Outcome, arguments, tell
from evaluations import mastering_peers as peers
from linernotes import audio
from linernotes.journeys.master import Order, master_many
from linernotes.journeys.master_preset import preset_asked, profile_asked
from linernotes.model import THIRD_OCTAVES_HZ, Master

__all__ = ["Sums", "main", "metered", "stress"]

CEILING_DBTP, TARGETS_LUFS = -1.0, (-14.0, -9.0)
RATE_HZ = 44_100
_ENCODERS = {"mp3_128": ("mp3", "libmp3lame", "128k"), "aac_128": ("m4a", "aac", "128k"),
             "opus_128": ("opus", "libopus", "128k")}  # fmt: skip


@dataclass(slots=True)
class Sums:
    """What one program's masters measured."""

    errors_lu: list[float] = field(default_factory=list)
    told_short_lu: list[float] = field(default_factory=list)
    peaks_dbtp: list[float] = field(default_factory=list)
    coded_dbtp: list[float] = field(default_factory=list)
    tones_db: list[float] = field(default_factory=list)
    noises_db: list[float] = field(default_factory=list)
    thd_n_db: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Sum up."""
        found = {}
        if self.errors_lu:
            told = self.told_short_lu or [0.0] * len(self.errors_lu)
            meant = [abs(error) for error, short in zip(self.errors_lu, told, strict=True) if short < 0.05]
            found = {"error_lu_max": max(meant, default=0.0), "short_lu_mean": float(np.mean(told))}
            found["reached"] = float(np.mean([error <= 0.11 for error in meant])) if meant else 1.0
            found["error_lu_mean"] = float(np.mean(np.abs(self.errors_lu)))
        for name, values in (("true_peak_dbtp", self.peaks_dbtp), ("coded_peak_dbtp", self.coded_dbtp)):
            found |= {name: max(values)} if values else {}
        means = (("tone_db", self.tones_db), ("noise_db", self.noises_db), ("thd_n_db", self.thd_n_db))
        return found | {name: float(np.mean(values)) for name, values in means if values}


def metered(path: Path) -> tuple[float, float]:
    """Measure a file by the ffmpeg program: LUFS and dBTP."""
    command = [
        "ffmpeg",
        "-hide_banner",
        "-nostats",
        "-i",
        str(path),
        "-vn",
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr.rpartition("Summary:")[2]
    return tuple(float(re.search(rf"{name}:\s+(-?[\d.]+|-?inf)", told)[1]) for name in ("I", "Peak"))  # type: ignore[index,return-value]


def coded_peak(path: Path, codec: str, folder: Path) -> float:
    """Encode by the ffmpeg program and measure what it decodes to."""
    suffix, encoder, bitrate = _ENCODERS[codec]
    out = folder / f"coded.{suffix}"
    command = ["ffmpeg", "-y", "-v", "error", "-i", str(path), "-vn", "-c:a", encoder, "-b:a", bitrate, str(out)]
    subprocess.run(command, check=True)
    return metered(out)[1]


def excerpts(data: Path, folder: Path, *, n: int, duration_s: float) -> list[Path]:
    """Cut stretches of tracks of different sources, loudest part included, as 24-bit WAV files."""
    with (data / "music" / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    named = list({row["source"] + row["artist"]: row["file"] for row in rows}.values())
    step, files = max(1, len(named) // n), list[Path]()
    for name in named[::step]:
        samples, _ = audio.read(data / "music" / name, sample_rate_hz=RATE_HZ, channels=2, stop_s=duration_s)
        if len(files) < n and len(samples) > 0.5 * duration_s * RATE_HZ and np.sqrt(np.mean(samples**2)) > 0.01:
            files.append(write(folder / f"track{len(files)}.wav", samples))
    return files


def write(path: Path, samples: NDArray[np.float32], *, bits: int = 24) -> Path:
    """Write a WAV file."""
    with audio.Writer(path, sample_rate_hz=RATE_HZ, channels=samples.shape[1], bits=bits) as writer:
        writer.write(samples)
    return path


def stress(folder: Path) -> list[Path]:
    """Write signals that break limiters: peaks between samples, random squares, steps, clicks, a loud burst."""
    rng, n = np.random.default_rng(1), 6 * RATE_HZ
    at = np.arange(n)
    burst = 0.01 * rng.standard_normal(n)
    burst[n // 2 : n // 2 + 2000] = rng.uniform(-1, 1, 2000)
    signals = {
        "between": np.sin(np.pi / 2 * at + np.pi / 4),
        "squares": np.repeat(np.sign(rng.standard_normal(n // 7 + 1)), 7)[:n],
        "noise": rng.uniform(-1, 1, n),
        "steps": np.sign(np.sin(2 * np.pi * 60 * at / RATE_HZ)),
        "clicks": np.tile([1.0, 1.0, -1.0, -1.0, *[0.0] * 996], n // 1000 + 1)[:n],
        "burst": burst,
    }
    return [write(folder / f"{k}.wav", np.stack([v, v], 1).astype(np.float32)) for k, v in signals.items()]


def third_octaves(path: Path) -> NDArray[np.float64]:
    """Measure the mid of a file by Fourier transforms, dB relative to their mean; our meters take no part."""
    samples, _ = audio.read(path, sample_rate_hz=RATE_HZ, channels=1)
    mono, size = samples[:, 0].astype(np.float64), 8192
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[:: size // 2] * np.hanning(size)
    power = np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)
    at_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    middles = [hz for hz in THIRD_OCTAVES_HZ if 40 < hz < 16_000]
    sums = [power[(at_hz >= hz * 2 ** (-1 / 6)) & (at_hz < hz * 2 ** (1 / 6))].sum() for hz in middles]
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(sums, 1e-12))
    relative: NDArray[np.float64] = levels - levels.mean()
    return relative


def tone_distance(path: Path, reference: Path) -> float:
    """Tell how far a file is from its reference."""
    return float(np.mean(np.abs(third_octaves(path) - third_octaves(reference))))


def residue(path: Path, source: Path) -> float:
    """Tell how loud what was added or taken away is, A-weighted, below the master: the limiter's noise."""
    made, given = (
        audio.read(each, sample_rate_hz=RATE_HZ, channels=1)[0][:, 0].astype(np.float64) for each in (path, source)
    )
    n = min(len(made), len(given))
    made, given = made[:n], given[:n]
    left = made - given * (made @ given) / (given @ given)
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    square = hz**2
    weight = (
        12194**2
        * square**2
        / ((square + 20.6**2) * (square + 12194**2) * np.sqrt((square + 107.7**2) * (square + 737.9**2)))
    )
    levels = [np.sum((np.abs(np.fft.rfft(each)) * weight) ** 2) for each in (left, made)]
    return float(10 * np.log10(max(levels[0], 1e-20) / levels[1]))


def thd_n(path: Path) -> float:
    """Tell what is in a file beside 997 Hz, dB below the tone; the first and last half second are left out."""
    samples, _ = audio.read(path, channels=1)
    tone = samples[RATE_HZ // 2 : -RATE_HZ // 2, 0].astype(np.float64)
    phase = 2 * np.pi * 997 * np.arange(len(tone)) / RATE_HZ
    basis = np.stack([np.sin(phase), np.cos(phase), np.ones_like(phase)], 1)
    fitted = basis @ np.linalg.lstsq(basis, tone, rcond=None)[0]
    return float(10 * np.log10(np.mean((tone - fitted) ** 2) / np.mean(fitted**2)))


def ours(files: Iterable[Path], out: Path, lufs: float | None, **order: object) -> list[Master]:
    """Master files as the command line does."""
    reference = order.pop("reference", None)
    profile = profile_asked([reference]) if isinstance(reference, Path) else None
    preset = preset_asked(None, profile=profile, loudness_lufs=lufs, peak_dbtp=CEILING_DBTP)
    if isinstance(bound_db := order.pop("tone_bound_db", None), float):
        preset = replace(preset, tone_bound_db=bound_db)
    codecs = tuple(_ENCODERS) if order.pop("coded", False) else ()
    return list(master_many(files, Order(out, preset, codecs)))


def judge(
    tracks: Sequence[Path], folder: Path, python: Path | None, *, n_coded: int
) -> tuple[dict[str, Sums], list[str]]:
    """Master all tracks with all programs and measure."""
    sums = {"linernotes": Sums(), "loudnorm": Sums()} | ({"brickwall": Sums(), "matchering": Sums()} if python else {})
    failed = []
    for lufs in TARGETS_LUFS:
        made = ours([*tracks, *(stress(folder) if lufs == TARGETS_LUFS[0] else [])], folder / f"ours{lufs:g}", lufs)
        for index, master in enumerate(made):
            if master.out_path is None or master.result is None:
                failed += [problem.message for problem in master.problems]
                continue
            level, peak = metered(Path(master.out_path))
            sums["linernotes"].peaks_dbtp.append(peak)
            if index < len(tracks):
                sums["linernotes"].errors_lu.append(level - lufs)
                sums["linernotes"].told_short_lu.append(master.result.shortfall_lu)
        for track in tracks:
            others = {"loudnorm": peers.loudnorm(track, folder / "loudnorm.wav", lufs, CEILING_DBTP)}
            if python:
                given = (f"{lufs}", f"{CEILING_DBTP}")
                others["brickwall"] = peers.peer(python, "brickwall", track, folder / "brickwall.wav", *given)
            measured = {name: metered(folder / f"{name}.wav") for name, worked in others.items() if worked}
            for name, (level, peak) in measured.items():
                sums[name].errors_lu.append(level - lufs)
                sums[name].peaks_dbtp.append(peak)
                if lufs == TARGETS_LUFS[1]:
                    sums[name].noises_db.append(residue(folder / f"{name}.wav", track))
            if lufs == TARGETS_LUFS[1]:
                same = max([level for level, _ in measured.values()], default=lufs)
                (equal,) = ours([track], folder / f"equal-{track.stem}", min(same, lufs))
                sums["linernotes"].noises_db.append(residue(Path(str(equal.out_path)), track))
    for master in ours(tracks[:n_coded], folder / "coded", TARGETS_LUFS[1], coded=True):
        peaks = [coded_peak(Path(str(master.out_path)), codec, folder) for codec in _ENCODERS]
        sums["linernotes"].coded_dbtp += peaks
    return sums, failed


def judge_tones(
    tracks: Sequence[Path], folder: Path, python: Path | None, sums: Mapping[str, Sums]
) -> dict[str, float]:
    """Master every track towards the next one, as matchering does."""
    wins: dict[str, list[bool]] = {"tone_wins": [], "tone_wins_ceiling": [], "tone_wins_asked": []}
    ceilings_db = []
    for track, reference in zip(tracks, [*tracks[1:], tracks[0]], strict=True):
        (made,) = ours([track], folder / f"tone-{track.stem}", None, reference=reference)
        (asked,) = ours([track], folder / f"asked-{track.stem}", None, reference=reference, tone_bound_db=12.0)
        found = [tone_distance(Path(str(each.out_path)), reference) for each in (made, asked)]
        sums["linernotes"].tones_db.append(found[0])
        ceilings_db.append(least_distance(third_octaves(reference) - third_octaves(track), bound_db=6.0))
        out = folder / "matchering.wav"
        if python and peers.peer(python, "matchering", track, out, str(reference)):
            theirs = tone_distance(out, reference)
            sums["matchering"].tones_db.append(theirs)
            sums["matchering"].peaks_dbtp.append(metered(out)[1])
            for name, distance in zip(wins, (found[0], ceilings_db[-1], found[1]), strict=True):
                wins[name].append(distance <= theirs)
    shares = {name: float(np.mean(won)) for name, won in wins.items() if won}
    return shares | {"ceiling_tone_db": float(np.mean(ceilings_db))}


def least_distance(wished_db: NDArray[np.float64], *, bound_db: float) -> float:
    """Tell how far third octaves stay from their reference at least, if none moves by more than the bound."""
    offsets = np.linspace(wished_db.min() - bound_db, wished_db.max() + bound_db, 2001)[:, None]
    left = wished_db - np.clip(wished_db - offsets, -bound_db, bound_db)
    return float(np.abs(left - left.mean(axis=1, keepdims=True)).mean(axis=1).min())


def judge_tone(folder: Path, python: Path | None, sums: Mapping[str, Sums]) -> None:
    """Drive a tone 4 dB into a ceiling, so that only the limiter can hold it; loudnorm goes no louder than -5 LUFS.

    All read and write floating point: else it is the rounding of the files that is measured, and our dither.
    """
    phase, lufs, ceiling_dbtp = 2 * np.pi * 997 * np.arange(6 * RATE_HZ) / RATE_HZ, -5.0, -9.0
    tone = (10 ** (-12 / 20) * np.sin(phase)).astype(np.float32)
    source = write(folder / "tone.wav", np.stack([tone, tone], 1), bits=32)
    preset = preset_asked(None, loudness_lufs=lufs, peak_dbtp=ceiling_dbtp)
    (made,) = master_many([source], Order(folder / "thd", preset))
    sums["linernotes"].thd_n_db.append(thd_n(Path(str(made.out_path))))
    if peers.loudnorm(source, folder / "loudnorm.wav", lufs, ceiling_dbtp, bits=32):
        sums["loudnorm"].thd_n_db.append(thd_n(folder / "loudnorm.wav"))
    if python and peers.peer(python, "brickwall", source, folder / "brickwall.wav", f"{lufs}", f"{ceiling_dbtp}", "32"):
        sums["brickwall"].thd_n_db.append(thd_n(folder / "brickwall.wav"))


def promises(track: Path, folder: Path) -> dict[str, float]:
    """Tell whether nothing asked gives the input back, and whether twice the same gives the same."""
    nothing = preset_asked(None, amounts=["all=0"])
    (same,) = master_many([track], Order(folder / "null", nothing))
    null = np.array_equal(audio.read(track)[0], audio.read(str(same.out_path))[0])
    sums = {master.out_sha256 for place in ("one", "two") for master in ours([track], folder / place, -12.0)}
    return {"null_is_exact": float(null), "repeats_exactly": float(len(sums) == 1)}


def main() -> None:
    """Master, measure, and tell."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="a Python that has matchering, pedalboard and pyloudnorm")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: recordings to master, with music/manifest.csv")
    if shutil.which("ffmpeg") is None:
        parser.error("the ffmpeg program is needed: it is the meter that is not ours")
    n, duration_s, n_coded = (4, 12.0, 1) if options.quick else (14, 50.0, 8)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tracks = excerpts(options.data, folder, n=n, duration_s=duration_s)
        sums, skipped = judge(tracks, folder, options.peers, n_coded=n_coded)
        extra = judge_tones(tracks, folder, options.peers, sums) | promises(tracks[0], folder)
        judge_tone(folder, options.peers, sums)
    if options.peers is None:
        skipped.append("matchering, pedalboard: no interpreter that has them was named with --peers")
    figures = sums.pop("linernotes").figures() | extra | {"tracks": float(len(tracks))}
    told = {name: each.figures() for name, each in sums.items()}
    tell(Outcome("mastering", str(options.data), figures, told, skipped=skipped), as_json=options.json)


if __name__ == "__main__":
    main()
