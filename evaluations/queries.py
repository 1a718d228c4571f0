"""Query sets for the fingerprint: read from a folder, or made from recordings with a seed.

A folder holds ``catalogue.csv`` (column ``file``: the recordings to register), ``truth.csv`` (columns ``qid, file,
condition, length_s, reference, reference_start_s, tempo_ratio, pitch_semitones``; ``reference`` is empty for a
stranger) and the audio it names. An instant ``q`` of a query sounds at ``reference_start_s + q * tempo_ratio``.

A set made here keeps every sixth group of recordings (``version_group`` of the manifest, else the recording) out of
the catalogue: they are the strangers, and what other recordings are mixed under. Conditions that need the
``rubberband`` program are left out where it is not installed.
"""

import csv
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linernotes import audio

__all__ = ["Query", "QuerySet", "make", "read"]

Sound = NDArray[np.float32]
RATE_HZ = 22_050
NEGATIVE_CONDITIONS = ("clean", "white_5", "slowed_reverb", "phone")


@dataclass(frozen=True, slots=True)
class Query:
    """One query and its truth; ``reference`` is empty for a stranger."""

    path: Path
    condition: str
    length_s: float
    reference: str
    reference_start_s: float
    tempo_ratio: float
    pitch_semitones: float


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Recordings to register, by name, queries, and what could not be made."""

    catalogue: dict[str, Path]
    queries: list[Query]
    skipped: list[str]


def read(folder: Path, music: Path) -> QuerySet:
    """Read a query set whose recordings lie in ``music``."""
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as handle:
        names = [row["file"] for row in csv.DictReader(handle)]
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    queries = [
        Query(
            folder / row["file"],
            row["condition"],
            float(row["length_s"]),
            row["reference"],
            float(row["reference_start_s"] or 0),
            float(row["tempo_ratio"]),
            float(row["pitch_semitones"]),
        )
        for row in rows
        if (folder / row["file"]).is_file()
    ]
    lost = len(rows) - len(queries)
    return QuerySet({n: music / n for n in names}, queries, [f"{lost} queries are not there"] if lost else [])


# ── what is done to a recording ──────────────────────────────────────────────


def load(path: Path) -> Sound:
    """Decode a whole file to one channel."""
    blocks = [block[:, 0] for block in audio.decode(path, sample_rate_hz=RATE_HZ, channels=1)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def rng_for(*key: object) -> np.random.Generator:
    """Return a generator that depends on the key and on nothing else."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def rms(sound: Sound) -> float:
    """Root mean square, never zero."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def mp3(sound: Sound, folder: Path, kbps: int) -> Sound:
    """Send through an MP3 file."""
    path = folder / "through.mp3"
    loud = sound / max(1.0, float(np.abs(sound).max()))
    audio.write(path, loud.astype(np.float32), sample_rate_hz=RATE_HZ, bitrate_kbps=kbps)
    coded = load(path)
    # An encoder delays; align by the greatest correlation within a tenth of a second.
    n = 2 * max(len(coded), len(sound))
    lags = np.fft.irfft(np.fft.rfft(coded, n) * np.conj(np.fft.rfft(sound, n)), n)
    return coded[int(np.argmax(lags[: RATE_HZ // 10])) :]


def noise(kind: str, n: int, rng: np.random.Generator) -> Sound:
    """White or pink noise."""
    white = rng.standard_normal(n)
    if kind == "pink":
        bins_hz = np.maximum(np.fft.rfftfreq(n, 1 / RATE_HZ), 20)
        white = np.fft.irfft(np.fft.rfft(white) / np.sqrt(bins_hz), n)
    return white.astype(np.float32)


def reverb(sound: Sound, rng: np.random.Generator, *, t60_s: float = 1.6, direct_db: float = -3.0) -> Sound:
    """Add a decaying noise tail louder than the direct sound."""
    n = int(t60_s * RATE_HZ)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail[: int(0.012 * RATE_HZ)] = 0
    tail *= 10 ** (-direct_db / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    size = len(sound) + n
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)].astype(np.float32)


def phone(sound: Sound) -> Sound:
    """300 to 3,400 Hz, eight bits of a logarithmic scale."""
    bins_hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ) + 1e-9
    gain = 1 / np.sqrt((1 + (300 / bins_hz) ** 12) * (1 + (bins_hz / 3400) ** 12))  # Butterworth, sixth order
    band = np.fft.irfft(np.fft.rfft(sound) * gain, len(sound))
    peak, mu = float(np.abs(band).max()) + 1e-9, 255.0
    steps = np.round(np.sign(band) * np.log1p(mu * np.abs(band / peak)) / np.log1p(mu) * 127) / 127
    return np.asarray(np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(mu)) / mu * peak, np.float32)


def speed(sound: Sound, folder: Path, factor: float) -> Sound:
    """Play faster, pitch and tempo together: say another sampling rate."""
    path = folder / "speed.wav"
    audio.write(path, sound, sample_rate_hz=round(RATE_HZ * factor))
    return load(path)


def under(sound: Sound, stranger: Sound, db: float) -> Sound:
    """Mix with a stranger, ``db`` louder (positive) or quieter than it."""
    other = np.resize(stranger, len(sound))
    return sound + other * np.float32(rms(sound) / rms(other) * 10 ** (-db / 20))


def stretch(sound: Sound, folder: Path, tempo: float, semitones: float) -> Sound:
    """Change tempo and pitch apart, with the rubberband program."""
    source, target = folder / "in.wav", folder / "out.wav"
    audio.write(source, sound, sample_rate_hz=RATE_HZ)
    command = ["rubberband", "-q", "--tempo", str(tempo), "--pitch", str(semitones), str(source), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return load(target)


@dataclass(frozen=True, slots=True)
class Material:
    """What a condition may use."""

    sound: Sound
    stranger: Sound
    rng: np.random.Generator
    folder: Path


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done, and what that does to tempo and pitch."""

    apply: Callable[[Material], Sound]
    tempo_ratio: float = 1.0
    pitch_semitones: float = 0.0


def _through_mp3(kbps: int, m: Material) -> Sound:
    return mp3(m.sound, m.folder, kbps)


def _with_noise(kind: str, db: float, m: Material) -> Sound:
    return under(m.sound, noise(kind, len(m.sound), m.rng), db)


def _sped(factor: float, m: Material) -> Sound:
    return speed(m.sound, m.folder, factor)


def _mixed(db: float, m: Material) -> Sound:
    return under(m.sound, m.stranger, db)


def _stretched(tempo: float, semitones: float, m: Material) -> Sound:
    return stretch(m.sound, m.folder, tempo, semitones)


def conditions() -> dict[str, Condition]:
    """Everything that can be made here."""
    made = {"clean": Condition(lambda m: m.sound)}
    made |= {f"mp3_{kbps}": Condition(partial(_through_mp3, kbps)) for kbps in (64, 32)}
    for kind in ("white", "pink"):
        made |= {f"{kind}_{db}": Condition(partial(_with_noise, kind, db)) for db in (10, 5, 0, -5)}
    for factor in (0.85, 0.95, 1.05, 1.25):
        made[f"speed_{factor}"] = Condition(partial(_sped, factor), factor, _semitones(factor))
    made["phone"] = Condition(lambda m: phone(m.sound))
    made["reverb"] = Condition(lambda m: reverb(m.sound, m.rng))
    made["slowed_reverb"] = Condition(lambda m: reverb(_sped(0.85, m), m.rng), 0.85, _semitones(0.85))
    made |= {f"mix_{db}": Condition(partial(_mixed, db)) for db in (0, -6)}
    if shutil.which("rubberband"):
        for step in (-3, -2, -1, 1, 2, 3):
            made[f"pitch_{step:+d}"] = Condition(partial(_stretched, 1.0, step), 1.0, step)
        for factor in (0.85, 0.9, 1.1, 1.2):
            made[f"tempo_{factor}"] = Condition(partial(_stretched, factor, 0.0), factor)
        made["sample_combo"] = Condition(lambda m: under(_stretched(1.1, 2.0, m), m.stranger, 0.0), 1.1, 2.0)
    return made


def _semitones(factor: float) -> float:
    return 12 * float(np.log2(factor))


# ── a set of one's own ───────────────────────────────────────────────────────


def make(
    music: Path,
    folder: Path,
    *,
    seed: int,
    per: int,
    negatives: int,
    lengths_s: tuple[float, ...],
    only: Sequence[str] | None = None,
) -> QuerySet:
    """Make a query set in ``folder`` from recordings of ``music`` (with manifest.csv), in ``only`` these conditions."""
    with (music / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    groups = sorted({_group(row) for row in rows}, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
    away = set(groups[5::6])
    catalogue = [row["file"] for row in rows if _group(row) not in away]
    strangers = [row["file"] for row in rows if _group(row) in away]
    available = {name: made for name, made in conditions().items() if only is None or name in only}
    queries: list[Query] = []
    for length_s in lengths_s:
        chosen = rng_for(seed, "plan", length_s)
        plan = [
            *_known(catalogue, strangers, list(available), per, chosen),
            *(
                (c, n, s, s)
                for n, s in zip(range(negatives), cycle(strangers), strict=False)
                for c in NEGATIVE_CONDITIONS
                if c in available
            ),
        ]
        for condition, number, name, stranger in plan:
            rng = rng_for(seed, length_s, number, name)
            made = available[condition]
            sound = load(music / name)
            span = int(length_s * made.tempo_ratio * RATE_HZ) + RATE_HZ // 4
            start = loud_place(sound, span, rng)
            material = Material(sound[start : start + span], load(music / stranger), rng, folder)
            n = int(length_s * RATE_HZ)
            query = made.apply(material)[:n]
            path = folder / f"{len(queries):05d}.wav"
            audio.write(path, query / max(1.0, float(np.abs(query).max())), sample_rate_hz=RATE_HZ)
            reference = "" if name in strangers else name
            queries.append(
                Query(path, condition, length_s, reference, start / RATE_HZ, made.tempo_ratio, made.pitch_semitones)
            )
    skipped = [] if shutil.which("rubberband") else ["pitch, tempo and sample_combo: rubberband is not installed"]
    skipped.append("babble: only in sets read with --queries")
    return QuerySet({name: music / name for name in catalogue}, queries, skipped)


def _group(row: dict[str, str]) -> str:
    return row.get("version_group") or row["file"]


def _known(
    catalogue: list[str], strangers: list[str], names: list[str], per: int, rng: np.random.Generator
) -> Iterator[tuple[str, int, str, str]]:
    """Condition, number, recording and stranger: every excerpt goes through every condition."""
    for number in range(per):
        name, stranger = str(rng.choice(catalogue)), str(rng.choice(strangers))
        for condition in names:
            yield condition, number, name, stranger


def loud_place(sound: Sound, span: int, rng: np.random.Generator) -> int:
    """Return a start where the recording is not silent."""
    start = 0
    for _ in range(20):
        start = int(rng.integers(0, max(1, len(sound) - span)))
        if rms(sound[start : start + span]) > 0.15 * rms(sound):
            break
    return start
