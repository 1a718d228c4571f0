"""Stand-ins for the decoders of generative models: people's music with a machine's small print.

A detector taught on whole genres learns genres. The same music before and after a decoder leaves nothing else to learn.
Three things that decoders do are imitated, each drawn with its own rate, strides and strength: a vocoder that knows no
more than a mel spectrogram and guesses phases; a stack of strided layers that leaves images of low frequencies at high
ones; an autoencoder that smooths fine structure the more the higher the frequency.

Conventions
-----------
Samples are float32, shape ``(n, 2)``, at 44,100 Hz in and out.
"""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["imitated"]

Samples = NDArray[np.float32]

_RATE_HZ = 44_100
_FRAME, _HOP = 1024, 256


def imitated(samples: Samples, rng: np.random.Generator) -> Samples:
    """Pass samples through a stand-in drawn at random."""
    rate_hz = int(rng.choice([22_050, 24_000, 32_000, 44_100, 48_000]))
    sound = soxr.resample(samples, _RATE_HZ, rate_hz)
    if rng.random() < 0.4:
        sound = np.repeat(sound.mean(axis=1, keepdims=True), 2, axis=1)
    if rng.random() < 0.6:
        sound = _smoothed(sound, rate_hz, rng)
    if rng.random() < 0.7:
        sound = _imaged(sound, rng)
    return np.ascontiguousarray(soxr.resample(sound, rate_hz, _RATE_HZ), np.float32)


def _smoothed(sound: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Magnitudes from a mel spectrogram or smoothed, phases loosened, both more towards high frequencies."""
    hz = np.fft.rfftfreq(_FRAME, 1 / rate_hz)
    share = np.clip((hz / float(rng.uniform(2000, 9000))) ** float(rng.uniform(0.5, 2)), 0, 1)[None, :]
    looseness = float(rng.uniform(0.05, 0.5))
    blur = _mel_blur(hz, int(rng.choice([64, 80, 100, 128]))) if rng.random() < 0.6 else _even_blur(len(hz), rng)
    drift = np.cumsum(rng.normal(0, looseness, (len(sound) // _HOP + 16, len(hz))), axis=0) * float(rng.random() < 0.5)
    rest = rng.normal(0, looseness, drift.shape)
    channels = []
    for channel in sound.T:
        spectrum = _spectrum(channel)
        magnitude = np.abs(spectrum)
        blurred = np.sqrt(np.maximum(magnitude**2 @ blur, 0))
        mixed = magnitude ** (1 - share) * np.maximum(blurred, 1e-9) ** share
        turned = np.exp(1j * (np.angle(spectrum) + share * (drift + rest)[: len(spectrum)] * np.pi))
        channels.append(_sound(mixed * turned, len(channel)))
    return np.stack(channels, axis=1).astype(np.float32)


def _mel_blur(hz: NDArray[np.floating[Any]], n_mels: int) -> NDArray[np.float64]:
    """Map power to mel bands and back: what a mel spectrogram keeps."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + hz[-1] / 700), n_mels + 2) / 2595) - 1)
    rise = (hz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rise, fall)) + 1e-9
    back = bands / bands.sum(axis=1, keepdims=True)
    blur: NDArray[np.float64] = (bands / bands.sum(axis=0)) @ back.T
    return blur


def _even_blur(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Average over neighbouring bins."""
    width = float(rng.uniform(1, 6))
    apart = np.arange(n)[:, None] - np.arange(n)
    blur = np.exp(-0.5 * (apart / width) ** 2)
    return np.asarray(blur / blur.sum(axis=0))


def _spectrum(channel: NDArray[np.float32]) -> NDArray[np.complex128]:
    padded = np.pad(channel.astype(np.float64), (_FRAME, 2 * _FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    return np.fft.rfft(frames * np.sqrt(np.hanning(_FRAME + 1)[:-1]), axis=1)


def _sound(spectrum: NDArray[np.complex128], length: int) -> NDArray[np.float64]:
    frames = np.fft.irfft(spectrum, _FRAME, axis=1) * (np.sqrt(np.hanning(_FRAME + 1)[:-1]) / 2)
    out = np.zeros((len(frames) + _FRAME // _HOP) * _HOP)
    for i, frame in enumerate(frames):
        out[i * _HOP : i * _HOP + _FRAME] += frame
    return out[_FRAME : _FRAME + length]


def _imaged(sound: Samples, rng: np.random.Generator) -> Samples:
    """Add what a stack of strided layers with random filters and a bent response leaves, 25 to 45 dB down."""
    strides = rng.permutation([2, 4, 5, 8])[: int(rng.integers(1, 3))]
    inner = sound.astype(np.float64)
    for stride in strides:
        low = soxr.resample(inner, int(stride), 1)
        bent = np.tanh(low * float(rng.uniform(1, 6))) + float(rng.uniform(0, 0.05)) * np.abs(low).mean()
        raised = np.zeros((len(bent) * stride, 2))
        raised[::stride] = bent * stride
        kernel = rng.normal(size=2 * stride) + 1.0
        kernel /= np.abs(kernel).sum()
        inner = np.stack([np.convolve(channel, kernel, "same") for channel in raised.T], axis=1)
    n = min(len(inner), len(sound))
    inner = inner[:n] - inner[:n].mean(axis=0)
    level = np.sqrt(np.mean(sound**2) / (np.mean(inner**2) + 1e-12)) * 10 ** (-float(rng.uniform(25, 45)) / 20)
    imaged: Samples = (sound[:n] + level * inner).astype(np.float32)
    return imaged
