"""Hearing one file once: everything a journey needs of it from a single decode, and the work of many over all cores."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import DecodeError, InputError, LinernotesError
from linernotes.kernels.waveform import Outline
from linernotes.model import Fingerprint, Match, Problem, Upload

__all__ = ["Heard", "Progress", "file_sha256", "find_audio", "hear", "likeness", "over_cores"]

Progress = Callable[[int, int, float], None]
"""Told after each file: how many are done, how many there are, seconds of sound heard so far."""

DURATION_MIN_S = 0.5
PEAK_MIN = 1e-4  # −80 dB below full scale: the noise floor of no medium is that low
_WAVEFORM_COLUMNS = 1200

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Heard:
    """One file, heard."""

    upload: Upload
    info: audio.AudioInfo
    fingerprint: Fingerprint
    damage: Sequence[Problem]


def file_sha256(path: Path) -> str:
    """Hash a file's bytes; InputError if it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", code="unreadable") from None


def hear(path: Path) -> Heard:
    """Decode a file once and keep its hash, outline and fingerprint.

    Raises
    ------
    DecodeError if it is no sound, too short (under half a second) or silent; InputError if it cannot be read
    """
    from linernotes.analyse import fingerprint  # noqa: PLC0415 - mastering, which looks for files here, needs no index

    sha256 = file_sha256(path)
    parameters = fingerprint.DEFAULT
    outline = Outline(n_columns=_WAVEFORM_COLUMNS)
    with audio.decode(path, sample_rate_hz=parameters.sample_rate_hz, channels=1) as sound:

        def heard_blocks() -> Iterator[NDArray[np.float32]]:
            for block in sound:
                mono = block[:, 0]
                outline.add(mono)
                yield mono

        found = fingerprint.extract(heard_blocks(), parameters=parameters)
        columns = np.clip(outline.columns(), -1.0, 1.0)
        if found.duration_s < DURATION_MIN_S:
            message = f"{path}: only {found.duration_s * 1000:.0f} ms long; at least {DURATION_MIN_S:g} s are needed"
            raise DecodeError(message, code="too_short")
        if np.abs(columns).max(initial=0.0) < PEAK_MIN:
            raise DecodeError(f"{path}: silent from start to end", code="silent")
        return Heard(
            upload=Upload(
                path=str(path),
                sha256=sha256,
                duration_s=found.duration_s,
                sample_rate_hz=sound.info.sample_rate_hz,
                channels=sound.info.channels,
                waveform=columns,
            ),
            info=sound.info,
            fingerprint=found,
            damage=[Problem(damage.code, f"{path}: {damage.message}", str(path)) for damage in sound.damage],
        )


def likeness(upload: Path, recording: Path, match: Match) -> float | None:
    """Compare the waveforms of both sides of a match, at most ten seconds of it; None where one cannot be heard.

    See :func:`linernotes.analyse.takes.likeness`.
    """
    from linernotes.analyse import takes  # noqa: PLC0415 - as above

    length_s = min(match.query_stop_s - match.query_start_s, takes.STRETCH_S_MAX)
    skipped_s = (match.query_stop_s - match.query_start_s - length_s) / 2
    heard_s, told_s = match.query_start_s + skipped_s, match.reference_start_s + skipped_s
    heard = _stretch(upload, heard_s, heard_s + length_s)
    told = _stretch(recording, told_s - takes.SLACK_S, told_s + length_s + takes.SLACK_S)
    return None if heard is None or told is None else takes.likeness(heard, told)


def _stretch(path: Path, start_s: float, stop_s: float) -> NDArray[np.float32] | None:
    """Decode a stretch in mono, shape (n,), with silence before the start of the file and after its end."""
    from linernotes.analyse import takes  # noqa: PLC0415 - as above

    try:
        found, _ = audio.read(path, sample_rate_hz=takes.RATE_HZ, channels=1, start_s=max(0.0, start_s), stop_s=stop_s)
    except LinernotesError:
        return None
    before = max(0, round(-start_s * takes.RATE_HZ))
    after = max(0, round((stop_s - start_s) * takes.RATE_HZ) - before - len(found))
    return np.pad(found[:, 0], (before, after))


def find_audio(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """List the files that are meant, once each: those named, and those in folders that look like sound."""
    found: dict[Path, None] = {}
    problems = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in audio.SUFFIXES and p.is_file())
            if not inside:
                problems.append(Problem("no_audio", f"{path}: a folder without sound files", str(path)))
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            problems.append(Problem("not_found", f"{path}: no such file or folder", str(path)))
    return list(found), problems


def over_cores(work: Callable[[_T], _R], items: Iterable[_T], *, jobs: int | None = None) -> Iterator[_R]:
    """Do the work on all cores and yield results in the order of the items; few are in flight at a time.

    Threads are enough: decoding runs in processes of its own, and the kernels let go of the interpreter. One item alone
    is worked on where it is: a thread has memory of its own, which it does not give back.
    """
    n_jobs = jobs or os.cpu_count() or 1
    waiting: list[Future[_R]] = []
    rest = iter(items)
    first = list(islice(rest, 2))
    if n_jobs == 1 or len(first) < 2:
        yield from map(work, chain(first, rest))
        return
    rest = chain(first, rest)
    with ThreadPoolExecutor(n_jobs) as pool:
        try:
            waiting += [pool.submit(work, item) for item in islice(rest, 2 * n_jobs)]
            while waiting:
                result = waiting.pop(0).result()
                waiting += [pool.submit(work, item) for item in islice(rest, 1)]
                yield result
        finally:
            for future in waiting:
                future.cancel()
