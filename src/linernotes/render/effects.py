"""What a mixing desk does to sound: filter, echo, room, warmth, level.

Conventions
-----------
Sound has shape (channels, n), float32, and keeps its length: what would ring on past the end is cut.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError

__all__ = ["convolve", "echo", "filter_band", "finish", "level", "room", "saturate"]

Sound: TypeAlias = NDArray[np.float32]


def convolve(sound: Sound, response: Sound) -> Sound:
    """Every channel with its own row of ``response``, shape (channels or 1, m), causal, in blocks by FFT."""
    channels, length = sound.shape
    taps = response.shape[1]
    points = 1 << max(2 * taps - 1, 4096).bit_length()
    block = points - taps + 1
    count = math.ceil(length / block)
    blocks = np.zeros((channels, count, block), dtype=np.float32)
    blocks.reshape(channels, -1)[:, :length] = sound
    transfer = np.fft.rfft(response, points)[:, np.newaxis]
    pieces = np.fft.irfft(np.fft.rfft(blocks, points) * transfer, points)
    out = np.zeros((channels, count * block + points), dtype=np.float32)
    for index in range(count):
        out[:, index * block : index * block + points] += pieces[:, index]
    return out[:, :length]


def filter_band(sound: Sound, *, low_hz: float = 0.0, high_hz: float = math.inf, sample_rate_hz: int) -> Sound:
    """Keep a band, 12 dB per octave below and 24 above it, without delay; the whole length in one FFT."""
    length = sound.shape[1]
    points = _smooth(length + sample_rate_hz // 20)
    hz = np.fft.rfftfreq(points, 1 / sample_rate_hz).astype(np.float32)
    gain = 1 / (1 + np.square(np.square(hz / np.float32(high_hz))))
    if low_hz > 0:
        square = np.square(hz / np.float32(low_hz))
        gain *= square / (1 + square)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, points) * gain, points)[:, :length], dtype=np.float32)


def echo(sound: Sound, *, delay_s: float, feedback: float, sample_rate_hz: int) -> Sound:
    """Give the echoes alone, each weaker by ``feedback`` in [0, 1) and on the other side of the stage."""
    if delay_s <= 0 or not 0 <= feedback < 1:
        raise ParameterError(f"no echo after {delay_s} s with feedback {feedback}: give > 0 and [0, 1)")
    out = np.zeros_like(sound)
    length, gain, side = sound.shape[1], feedback, sound
    for shift in range(round(delay_s * sample_rate_hz), length, round(delay_s * sample_rate_hz)):
        if gain < 0.01:
            break
        side = side[::-1]
        out[:, shift:] += np.float32(gain) * side[:, : length - shift]
        gain *= feedback
    return out


def room(sound: Sound, *, decay_s: float, sample_rate_hz: int, rng: np.random.Generator) -> Sound:
    """Give the reverberation alone, of the same energy as what goes in; highs die three times as fast."""
    seconds = np.arange(round(decay_s * 0.8 * sample_rate_hz), dtype=np.float32) / np.float32(sample_rate_hz)
    noise = rng.standard_normal((2, len(seconds)), dtype=np.float32)
    dark = filter_band(noise, low_hz=180, high_hz=2_500, sample_rate_hz=sample_rate_hz)
    light = filter_band(noise, low_hz=2_500, high_hz=9_000, sample_rate_hz=sample_rate_hz)
    fall = np.float32(-6.9 / decay_s)
    tail = dark * np.exp(fall * seconds) + light * np.exp(3 * fall * seconds)
    tail *= np.clip(seconds / np.float32(0.02), 0, 1)  # the walls are metres away: it swells before it falls
    tail *= np.clip((seconds[-1] - seconds) / np.float32(0.05), 0, 1)
    return convolve(sound, tail / np.sqrt(np.sum(tail * tail, axis=1, keepdims=True)))


def saturate(sound: Sound, *, drive: float) -> Sound:
    """Bend peaks softly: 1 stays 1, and what is below comes closer to it the higher ``drive``."""
    return np.asarray(np.tanh(sound * np.float32(drive)) / np.float32(math.tanh(drive)), dtype=np.float32)


def level(sound: Sound) -> float:
    """Measure the root mean square of a sound's louder half, in blocks of 4096 samples; 0 for silence."""
    blocks = sound[:, : sound.shape[1] // 4096 * 4096].reshape(sound.shape[0], -1, 4096)
    power = np.sort(np.mean(np.square(blocks), axis=(0, 2)))
    return float(np.sqrt(np.mean(power[len(power) // 2 :]))) if len(power) else 0.0


def finish(sound: Sound, *, loudness: float, peak: float, fade_s: float, sample_rate_hz: int) -> Sound:
    """Master a mix: no rumble, one ``loudness`` (root mean square), soft peaks to ``peak``, faded end."""
    clean = filter_band(sound, low_hz=28, high_hz=17_000, sample_rate_hz=sample_rate_hz)
    loud = saturate(clean * np.float32(loudness / max(level(clean), 1e-9)), drive=1.0)
    loud -= loud.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    for seconds, part in ((0.005, loud), (fade_s, loud[:, ::-1])):
        ramp = part[:, : max(round(seconds * sample_rate_hz), 1)]
        ramp *= np.square(np.sin(np.linspace(0, math.pi / 2, ramp.shape[1]))).astype(np.float32)
    highest = float(np.max(np.abs(loud)))
    return loud * np.float32(min(peak / highest, 1.0) if highest > 0 else 1.0)


def _smooth(length: int) -> int:
    """Find the least length from here on with prime factors 2, 3 and 5 only: quick to transform."""
    best = 1 << (length - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            best = min(best, three << max(-(-length // three) - 1, 0).bit_length())
            three *= 3
        five *= 5
    return best
