"""What codecs make of a master: its true peaks after encoding and decoding, and how low they must be kept for that.

A codec moves phases and drops what is not heard, so that peaks come out higher than they went in, by up to 3 dB, and
not the same twice. There is no formula for it: the master is encoded, decoded and measured. Where many moments are
over, the limiter's ceiling has to come down; where a few are, each is turned down by itself, for some 40 ms.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import soxr
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import ParameterError
from linernotes.kernels.true_peak import CELL, PeakCells
from linernotes.model import FLOOR_DB
from linernotes.render.mastering.program import ProgramWriter, program, program_version

__all__ = ["CODECS", "Codec", "Coded", "Dips", "Trial", "as_decoded", "codecs_named", "coded", "witnesses"]

_OPUS_HZ = (48_000,)
_MP3_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_AAC_HZ = (*_MP3_HZ, 64_000, 88_200, 96_000)
_STEP_S = 0.002
_HELD_STEPS = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to encode: how many samples of silence come first, options of the encoder, and by which program."""

    start: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    program: str | None = None


_PLAIN = (Trial(), Trial(512))
_NO_INTENSITY, _NO_SUBSTITUTE = {"aac_is": "0"}, {"aac_pns": "0"}


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec at a bit rate, and the sampling rates that it takes.

    The same encoder, a few samples later or without one of its tools, has other peaks by more than a decibel, and so
    has another version of it: several ``trials`` stand for all of them.
    """

    name: str
    suffix: str
    encoder: str
    bitrate_kbps: int
    rates_hz: tuple[int, ...]
    trials: tuple[Trial, ...] = _PLAIN

    def rate_hz(self, sample_rate_hz: int) -> int:
        """Choose the rate that a sound is brought to: its own, half of it or a quarter, else the highest."""
        fitting = [sample_rate_hz // n for n in (1, 2, 4) if sample_rate_hz % n == 0]
        return next((rate for rate in fitting if rate in self.rates_hz), self.rates_hz[-1])


_AAC_128 = (
    *(Trial(start) for start in (0, 200, 512, 777)),
    *(Trial(start, _NO_INTENSITY) for start in (0, 512)),
    *(Trial(start, _NO_SUBSTITUTE) for start in (200, 512)),
)
CODECS = {
    codec.name: codec
    for codec in (
        Codec("mp3_128", "mp3", "libmp3lame", 128, _MP3_HZ),
        Codec("mp3_320", "mp3", "libmp3lame", 320, _MP3_HZ, (Trial(),)),
        Codec("aac_128", "m4a", "aac", 128, _AAC_HZ, _AAC_128),
        Codec("aac_256", "m4a", "aac", 256, _AAC_HZ, (*_PLAIN, Trial(200, _NO_INTENSITY), Trial(777, _NO_SUBSTITUTE))),
        Codec("opus_128", "opus", "libopus", 128, _OPUS_HZ),
    )
}
"""What can be asked for."""


def codecs_named(names: Iterable[str]) -> tuple[Codec, ...]:
    """Find codecs by their names; ParameterError if one is not known."""
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in CODECS]
    if unknown:
        raise ParameterError(f"no codec {unknown[0]!r}: any of {', '.join(CODECS)}")
    return tuple(CODECS[name] for name in wanted)


def witnesses(codecs: Sequence[Codec]) -> Sequence[str]:
    """Name the encoders that codecs are tried with; what others would say of a master is not known."""
    if not codecs:
        return ()
    import av  # noqa: PLC0415  (slow to load, and most masters are not tried)

    return (av.__version__, program_version())


@dataclass(frozen=True, slots=True)
class Coded:
    """A master after a codec: its true peak, and the moments, in seconds, at which it was over a limit, by how much."""

    codec: str
    true_peak_dbtp: float
    over_s: NDArray[np.float64]
    over_db: NDArray[np.float64]


def coded(
    blocks: Iterable[NDArray[np.float32]],
    codecs: Sequence[Codec],
    *,
    sample_rate_hz: int,
    channels: int,
    limit_dbtp: float = 0.0,
    folder: Path | None = None,
) -> list[Coded]:
    """Encode blocks of shape (n, channels) with each codec, decode and measure.

    Where there is an ffmpeg program, its encoders, of another version, are tried too. Encoded sound lies in ``folder``
    meanwhile, so memory does not grow with length.
    """
    others = (Trial(program=found),) if (found := program()) else ()
    with tempfile.TemporaryDirectory(prefix=".coding-", dir=folder) as inside:
        with ExitStack() as stack:
            feeds = []
            for codec in codecs:
                for n, trial in enumerate((*codec.trials, *others)):
                    path = Path(inside) / f"{codec.name}-{n}.{codec.suffix}"
                    feed = _Feed(codec, trial, path, sample_rate_hz=sample_rate_hz, channels=channels)
                    feeds.append(stack.enter_context(feed))
            for block in blocks:
                for feed in feeds:
                    feed.add(block)
        trials = [_measured(feed, channels, limit_dbtp) for feed in feeds if not feed.failed]
    return [_worst([trial for trial in trials if trial.codec == codec.name]) for codec in codecs]


def _measured(feed: "_Feed", channels: int, limit_dbtp: float) -> Coded:
    cells = PeakCells(channels=channels)
    with audio.decode(feed.path) as sound:
        peaks = [cells.add(block) for block in sound]
        rate_hz = sound.info.sample_rate_hz
    levels_db = _decibels(np.concatenate([*peaks, cells.finish()]))
    over = np.flatnonzero(levels_db > limit_dbtp)
    greatest_dbtp = max(float(_decibels(cells.greatest).max(initial=FLOOR_DB)), FLOOR_DB)
    over_s = ((over + 0.5) * CELL - feed.trial.start) / rate_hz
    return Coded(feed.codec.name, greatest_dbtp, np.maximum(over_s, 0.0), levels_db[over] - limit_dbtp)


def _worst(trials: Sequence[Coded]) -> Coded:
    return Coded(
        trials[0].codec,
        max(trial.true_peak_dbtp for trial in trials),
        np.concatenate([trial.over_s for trial in trials]),
        np.concatenate([trial.over_db for trial in trials]),
    )


def _decibels(magnitudes: NDArray[np.float32]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        levels: NDArray[np.float64] = 20.0 * np.log10(magnitudes.astype(np.float64))
    return levels


class Dips:
    """Short, smooth turns down of a sound, where a codec would exceed a limit; everything else stays as it is."""

    def __init__(self, *, sample_rate_hz: int, n_frames: int) -> None:
        self.sample_rate_hz, self.n_frames = sample_rate_hz, n_frames
        self._step = max(1, round(_STEP_S * sample_rate_hz))
        self._depths_db = np.zeros(n_frames // self._step + 2, np.float32)

    @property
    def deepest_db(self) -> float:
        """How much is taken away at most."""
        return float(self._depths_db.max())

    def deepen(self, heard: Sequence[Coded], *, more_db: float) -> None:
        """Go deeper at the moments that were over, each by its own excess and ``more_db``; codecs do not add up."""
        deeper = np.zeros_like(self._depths_db)
        for each in heard:
            at = np.rint(each.over_s * self.sample_rate_hz / self._step).astype(np.int64)
            np.maximum.at(deeper, np.minimum(at, len(deeper) - 1), (each.over_db + more_db).astype(np.float32))
        self._depths_db += deeper

    def applied(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Turn blocks of shape (n, channels) down."""
        if not self._depths_db.any():
            yield from blocks
            return
        curve_db, start = self._smooth(), 0
        places = np.arange(len(curve_db)) * self._step
        for block in blocks:
            first, last = start // self._step, (start + len(block)) // self._step + 2
            start += len(block)
            if not curve_db[first:last].any():
                yield block
                continue
            frames = np.arange(start - len(block), start)
            depths_db = np.interp(frames, places[first:last], curve_db[first:last])
            yield block * (10.0 ** (-depths_db / 20)).astype(np.float32)[:, np.newaxis]

    def _smooth(self) -> NDArray[np.float32]:
        """Hold each depth on both sides, then round the edges off within what was held: no moment is less deep."""
        held = self._depths_db.copy()
        for shift in range(1, _HELD_STEPS + 1):
            np.maximum(held[shift:], self._depths_db[:-shift], out=held[shift:])
            np.maximum(held[:-shift], self._depths_db[shift:], out=held[:-shift])
        bell = np.hanning(2 * _HELD_STEPS + 1).astype(np.float32)[1:-1]
        return np.convolve(held, bell / bell.sum(), "same").astype(np.float32)


class _Feed:
    """One trial of a codec being fed; resamples where the codec does not take the rate."""

    def __init__(self, codec: Codec, trial: Trial, path: Path, *, sample_rate_hz: int, channels: int) -> None:
        self.codec, self.trial, self.path = codec, trial, path
        self.empty, self.resampler = np.zeros((0, channels), np.float32), None
        self.writer: audio.Writer | ProgramWriter
        if trial.program is not None:
            given = (sample_rate_hz, channels, codec.encoder, codec.bitrate_kbps)
            self.writer = ProgramWriter(path, trial.program, *given)
            return
        rate_hz = codec.rate_hz(sample_rate_hz)
        if rate_hz != sample_rate_hz:
            self.resampler = soxr.ResampleStream(sample_rate_hz, rate_hz, channels, np.float32, "HQ")
        self.writer = audio.Writer(
            path,
            sample_rate_hz=rate_hz,
            channels=channels,
            bitrate_kbps=codec.bitrate_kbps,
            options=trial.options,
        )

    @property
    def failed(self) -> bool:
        """Whether the program could not."""
        return isinstance(self.writer, ProgramWriter) and self.writer.failed

    def __enter__(self) -> Self:
        self.writer.__enter__()
        self.writer.write(np.zeros((self.trial.start, self.empty.shape[1]), np.float32))
        return self

    def __exit__(self, *error: object) -> None:
        if self.resampler is not None and error[0] is None:
            self.writer.write(self.resampler.resample_chunk(self.empty, last=True))
        self.writer.__exit__(*error)  # type: ignore[arg-type]

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next frames."""
        self.writer.write(block if self.resampler is None else self.resampler.resample_chunk(block))


def as_decoded(block: NDArray[np.float32] | NDArray[np.int32], bits: int) -> NDArray[np.float32]:
    """Turn whole steps into the samples that a reader of the file gets, exactly; samples stay as they are."""
    if block.dtype == np.float32:
        return block.astype(np.float32, copy=False)
    return block.astype(np.float32) * np.float32(2.0 ** (1 - bits))
