"""What people do to a recording, one thing at a time, before a detector hears it."""

from collections.abc import Callable, Mapping

import numpy as np
import soxr
from numpy.typing import NDArray

from evaluations.synthetic_chain import RATE_HZ, pass_codec
from linernotes import audio
from training.synthetic_data import Clip

__all__ = ["ATTACKS", "attacked"]

Samples = NDArray[np.float32]

ATTACKS = (
    "none", "mp3 64", "mp3 128", "mp3 192", "mp3 320", "aac 128", "opus 96", "rate 16000", "speed 0.95", "speed 1.05",
    "pitch -1", "pitch 1", "noise 20", "equaliser", "loudness",
)  # fmt: skip
_SEMITONE = 2 ** (1 / 12)


def attacked(clip: Clip, attack: str, *, longest_s: float = 10.0) -> Samples:
    """Decode a clip, ten seconds at most, and do one thing to it."""
    samples, _ = audio.read(clip.path, sample_rate_hz=RATE_HZ, channels=2, stop_s=longest_s)
    name, _, amount = attack.partition(" ")
    return _ACTIONS[name](samples, amount)


def _coded(samples: Samples, codec: str, bitrate_kbps: int) -> Samples:
    if codec != "opus":
        return pass_codec(samples, RATE_HZ, codec, bitrate_kbps)
    coded = pass_codec(_resampled(samples, RATE_HZ, 48_000), 48_000, codec, bitrate_kbps)
    return _resampled(coded, 48_000, RATE_HZ)


def _resampled(samples: Samples, from_hz: float, to_hz: float) -> Samples:
    resampled: Samples = soxr.resample(samples, from_hz, to_hz)
    return resampled


def _noisy(samples: Samples, snr_db: float) -> Samples:
    power = float(np.mean(samples**2)) * 10 ** (-snr_db / 10)
    hiss = np.random.default_rng(len(samples)).normal(0, np.sqrt(power), samples.shape)
    return (samples + hiss).astype(np.float32)


def _equalised(samples: Samples) -> Samples:
    """Wave up and down by 6 dB over five octaves."""
    spectrum = np.fft.rfft(samples, axis=0)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    gain = 10 ** (6 * np.sin(2 * np.pi * np.log2(np.maximum(hz, 30) / 1000) / 5) / 20)
    return np.fft.irfft(spectrum * gain[:, None], len(samples), axis=0).astype(np.float32)


def _loud(samples: Samples) -> Samples:
    """Drive into soft clipping, as a loud master is."""
    driven: Samples = np.tanh(3 * samples / max(float(np.abs(samples).max()), 1e-9)).astype(np.float32)
    return driven


def _repitched(samples: Samples, ratio: float) -> Samples:
    """Shift pitch at the same length: grains of 46 ms laid out anew where they agree best, then resampled."""
    frame, hop, reach = 2048, 1024, 256
    window = np.hanning(frame + 1)[:-1, None].astype(np.float32)
    padded = np.pad(samples, ((0, frame + reach), (0, 0)))
    length = int(len(samples) * ratio)
    out = np.zeros((length + frame, 2), np.float32)
    wanted = padded[:frame]
    for start in range(0, length, hop):
        at = min(max(0, int(start / ratio) - reach), len(padded) - frame - 2 * reach)
        near = padded[at : at + frame + 2 * reach].mean(axis=1)
        agreement = np.correlate(near, wanted.mean(axis=1)[:frame], "valid")
        at += int(np.argmax(agreement)) if start else 0
        out[start : start + frame] += padded[at : at + frame] * window
        wanted = padded[min(at + hop, len(padded) - frame) :][:frame]
    return _resampled(out[:length], RATE_HZ * ratio, RATE_HZ)


_ACTIONS: Mapping[str, Callable[[Samples, str], Samples]] = {
    "none": lambda samples, _: samples,
    "mp3": lambda samples, amount: _coded(samples, "mp3", int(amount)),
    "aac": lambda samples, amount: _coded(samples, "aac", int(amount)),
    "opus": lambda samples, amount: _coded(samples, "opus", int(amount)),
    "rate": lambda samples, amount: _resampled(_resampled(samples, RATE_HZ, int(amount)), int(amount), RATE_HZ),
    "speed": lambda samples, amount: _resampled(samples, RATE_HZ * float(amount), RATE_HZ),
    "pitch": lambda samples, amount: _repitched(samples, _SEMITONE ** int(amount)),
    "noise": lambda samples, amount: _noisy(samples, float(amount)),
    "equaliser": lambda samples, _: _equalised(samples),
    "loudness": lambda samples, _: _loud(samples),
}
