"""What codecs make of a master: its true peaks after encoding and decoding, and how low they must be kept for that.

A codec moves phases and drops what is not heard, so that peaks come out higher than they went in, by up to 3 dB.
There is no formula for it: the master is encoded, decoded and measured, and the limiter's ceiling is lowered by the
excess until all formats asked for hold.
"""

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import ParameterError
from linernotes.kernels.true_peak import TruePeakMeter
from linernotes.model import FLOOR_DB, CodedPeak

__all__ = ["CODECS", "Codec", "as_decoded", "codecs_named", "coded_peaks", "true_peak_dbtp"]

_OPUS_HZ = (48_000,)
_MP3_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_AAC_HZ = (*_MP3_HZ, 64_000, 88_200, 96_000)


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec at a bit rate, and the sampling rates that it takes."""

    name: str
    suffix: str
    bitrate_kbps: int
    rates_hz: tuple[int, ...]

    def rate_hz(self, sample_rate_hz: int) -> int:
        """Choose the rate that a sound is brought to: its own, half of it or a quarter, else the highest."""
        fitting = [sample_rate_hz // n for n in (1, 2, 4) if sample_rate_hz % n == 0]
        return next((rate for rate in fitting if rate in self.rates_hz), self.rates_hz[-1])


CODECS = {
    codec.name: codec
    for codec in (
        Codec("mp3_128", "mp3", 128, _MP3_HZ),
        Codec("mp3_320", "mp3", 320, _MP3_HZ),
        Codec("aac_128", "m4a", 128, _AAC_HZ),
        Codec("aac_256", "m4a", 256, _AAC_HZ),
        Codec("opus_128", "opus", 128, _OPUS_HZ),
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


def coded_peaks(
    blocks: Iterable[NDArray[np.float32]],
    codecs: Sequence[Codec],
    *,
    sample_rate_hz: int,
    channels: int,
    folder: Path | None = None,
) -> list[CodedPeak]:
    """Encode blocks of shape (n, channels) with each codec, decode and tell the true peaks.

    Encoded sound lies in ``folder`` meanwhile, so memory does not grow with length.
    """
    with tempfile.TemporaryDirectory(prefix=".coding-", dir=folder) as inside:
        with ExitStack() as stack:
            writers = [
                stack.enter_context(_Feed(codec, Path(inside), sample_rate_hz=sample_rate_hz, channels=channels))
                for codec in codecs
            ]
            for block in blocks:
                for writer in writers:
                    writer.add(block)
        return [CodedPeak(each.codec.name, true_peak_dbtp(audio.decode(each.path), channels)) for each in writers]


def true_peak_dbtp(blocks: Iterable[NDArray[np.float32]], channels: int) -> float:
    """Tell the greatest true peak of blocks of shape (n, channels)."""
    meter = TruePeakMeter(channels=channels)
    for block in blocks:
        meter.add(block)
    greatest = float(meter.peaks().max(initial=0.0))
    return max(FLOOR_DB, 20 * np.log10(greatest)) if greatest > 0 else FLOOR_DB


class _Feed:
    """One codec being fed; resamples where the codec does not take the rate."""

    def __init__(self, codec: Codec, folder: Path, *, sample_rate_hz: int, channels: int) -> None:
        self.codec = codec
        self.path = folder / f"{codec.name}.{codec.suffix}"
        rate_hz = codec.rate_hz(sample_rate_hz)
        self.resampler = None
        if rate_hz != sample_rate_hz:
            self.resampler = soxr.ResampleStream(sample_rate_hz, rate_hz, channels, np.float32, "HQ")
        self.empty = np.zeros((0, channels), np.float32)
        self.writer = audio.Writer(
            self.path, sample_rate_hz=rate_hz, channels=channels, bitrate_kbps=codec.bitrate_kbps
        )

    def __enter__(self) -> "_Feed":
        self.writer.__enter__()
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
