"""The voices of instruments: what a string, a tone, a bell or a drum sounds like when it is struck once.

Conventions
-----------
Sound has shape (channels, n), float32, channels 1 or 2. A ``decay_s`` is the time to fall by 60 dB. Levels
are factors, not decibels. ``strength`` in [0, 1] is how hard a note is struck: it changes the colour, not the
level. All randomness comes from the generator that is passed in.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linernotes.render.effects import filter_band

__all__ = ["Fm", "Kit", "Strike", "String", "Tone", "Voice", "hit", "hold"]

Sound: TypeAlias = NDArray[np.float32]

_TABLE = 16_384  # samples of one period; nearest-sample lookup is then 74 dB clean
_WRAP_DB = 80.0  # by how much more than its own decay a string's tail is pushed down before it wraps round


@dataclass(frozen=True, slots=True)
class String:
    """A plucked string: the Karplus-Strong loop, solved in the frequency domain and so exactly in tune.

    ``damping`` in [0, 0.5]: how much faster overtones die. ``pluck`` in (0, 0.5]: where on the string.
    ``hardness`` in (0, 1): felt to plectrum. ``body``: resonances as (frequency in Hz, quality, level).

    Source: K. Karplus, A. Strong, CMJ 7(2), 1983; D. Jaffe, J. O. Smith, CMJ 7(2), 1983.
    """

    decay_s: float = 4.0
    damping: float = 0.3
    pluck: float = 0.2
    hardness: float = 0.6
    body: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Tone:
    """A sum of harmonics, bright at first and duller later, doubled by detuned copies left and right.

    ``partials``: levels from the fundamental up. ``bright`` and ``dull`` in (0, 1]: level of each next
    harmonic against the last, at the start and after some ``fade_s``. One copy stands in the middle.
    """

    partials: tuple[float, ...]
    bright: float = 1.0
    dull: float = 0.8
    fade_s: float = 0.4
    copies: int = 1
    detune_cents: float = 0.0
    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.3
    breath: float = 0.0


@dataclass(frozen=True, slots=True)
class Fm:
    """A sine modulated by one ``ratio`` times as fast, less and less; ``tine``: a short high ring on top."""

    ratio: float = 1.0
    depth: float = 1.5
    depth_decay_s: float = 1.5
    decay_s: float = 5.0
    tine: float = 0.0
    tine_ratio: float = 14.0


@dataclass(frozen=True, slots=True)
class Strike:
    """One piece of a kit: ringing modes that may bend down from a higher pitch, and a band of noise.

    ``modes``: (frequency in Hz, level, decay in s). ``bend``: 1 starts an octave up. ``bursts``: 3 is a clap.
    """

    modes: tuple[tuple[float, float, float], ...] = ()
    bend: float = 0.0
    bend_s: float = 0.03
    noise: float = 0.0
    noise_low_hz: float = 200.0
    noise_high_hz: float = 16_000.0
    noise_decay_s: float = 0.2
    noise_attack_s: float = 0.0005
    bursts: int = 1
    pan: float = 0.0


@dataclass(frozen=True, slots=True)
class Kit:
    """Struck pieces by General MIDI percussion number; a piece rings out whatever the note's duration."""

    pieces: Mapping[int, Strike]


Voice: TypeAlias = String | Tone | Fm | Kit


def hold(
    voice: String | Tone | Fm,
    pitch_hz: float,
    strength: float,
    *,
    size: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> Sound:
    """Sound one note for ``size`` samples, at a root mean square of 0.25 over its first quarter second."""
    match voice:
        case String():
            sound = _string(voice, pitch_hz, strength, size=size, sample_rate_hz=sample_rate_hz, rng=rng)
        case Tone():
            sound = _tone(voice, pitch_hz, strength, size=size, sample_rate_hz=sample_rate_hz, rng=rng)
        case Fm():
            sound = _fm(voice, pitch_hz, strength, size=size, sample_rate_hz=sample_rate_hz)
    head = sound[:, : sample_rate_hz // 4]
    return sound * np.float32(0.25 / (np.sqrt(np.mean(head * head)) + 1e-9))


def _string(
    voice: String,
    pitch_hz: float,
    strength: float,
    *,
    size: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> Sound:
    period = sample_rate_hz / pitch_hz
    points = 1 << (size + math.ceil(2 * period)).bit_length()
    # On a circle a little outside the unit circle the response is shorter, so its tail wraps round inaudibly;
    # multiplying by the same growth at the end undoes it.
    growth = math.log(10) * _WRAP_DB / 20 / points
    exponent = growth + 2j * math.pi / points * np.arange(points // 2 + 1)
    step_back = np.exp(-exponent)

    turn = 2 * math.pi / period
    at_pitch = 1 - voice.damping + voice.damping * np.exp(-1j * turn)
    delay = period + np.angle(at_pitch) / turn
    loss = min(10 ** (-3 * period / (voice.decay_s * sample_rate_hz)) / abs(at_pitch), 0.9999)
    loop = loss * np.exp(-exponent * delay) * (1 - voice.damping + voice.damping * step_back)

    burst = rng.uniform(-1, 1, math.ceil(period))
    burst[0] += 3.0  # a plain pulse in the noise keeps the overtones of neighbouring strings alike
    soft = 1 - min(voice.hardness * (0.4 + 0.8 * strength), 0.98)
    pick = (1 - soft) / (1 - soft * step_back) * (1 - np.exp(-exponent * (voice.pluck * period)))
    body = np.ones_like(exponent)
    for resonance_hz, quality, level in voice.body:
        centre = 2 * math.pi * resonance_hz / sample_rate_hz
        band = exponent * (centre / quality)
        body += level * band / (exponent * exponent + centre * centre + band)

    rows = np.arange(math.ceil(period))
    spectrum = np.fft.rfft(burst * np.exp(-growth * rows), points) * pick * body / (1 - loop)
    sound = np.fft.irfft(spectrum, points)[:size] * np.exp(growth * np.arange(size))
    return np.asarray(sound[np.newaxis], dtype=np.float32)


def _tone(
    voice: Tone, pitch_hz: float, strength: float, *, size: int, sample_rate_hz: int, rng: np.random.Generator
) -> Sound:
    harmonics = np.arange(1, len(voice.partials) + 1)
    levels = np.asarray(voice.partials) * (harmonics * pitch_hz < 0.45 * sample_rate_hz)
    tables = []
    for slope in (min(voice.bright * (0.85 + 0.2 * strength), 1.0), voice.dull):
        spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
        spectrum[harmonics] = -1j * levels * slope ** (harmonics - 1)
        tables.append(np.fft.irfft(spectrum, _TABLE).astype(np.float32) * np.float32(_TABLE / 2))

    seconds = np.arange(size) / sample_rate_hz
    blend = np.exp(seconds.astype(np.float32) * np.float32(-1 / voice.fade_s))
    periods = pitch_hz * seconds
    if voice.vibrato_cents:
        # A player lets the note settle first; only then does it begin to swing.
        swing_periods = pitch_hz * voice.vibrato_cents / 1200 * math.log(2) / (2 * math.pi * voice.vibrato_hz)
        begun = np.clip((seconds - 0.2) / 0.3, 0, 1)
        periods = periods + swing_periods * begun * np.sin(2 * math.pi * voice.vibrato_hz * seconds)

    sound = np.zeros((min(voice.copies, 2), size), dtype=np.float32)
    for copy, place in enumerate(np.linspace(-1, 1, voice.copies) if voice.copies > 1 else (0.0,)):
        tuning = 2.0 ** (place * voice.detune_cents / 1200)
        phase = periods * tuning + (rng.uniform() if voice.copies > 1 else 0.0)
        index = ((phase - np.floor(phase)) * _TABLE).astype(np.int32) % _TABLE
        dull = tables[1][index]
        sound[copy % len(sound)] += dull + (tables[0][index] - dull) * blend
    if voice.breath:
        noise = rng.standard_normal(size, dtype=np.float32)[np.newaxis]
        sound += voice.breath * filter_band(noise, low_hz=pitch_hz, high_hz=6 * pitch_hz, sample_rate_hz=sample_rate_hz)
    return sound


def _fm(voice: Fm, pitch_hz: float, strength: float, *, size: int, sample_rate_hz: int) -> Sound:
    seconds = np.arange(size) / sample_rate_hz
    short = seconds.astype(np.float32)

    def sine(hz: float) -> Sound:
        periods = hz * seconds
        return np.asarray((periods - np.floor(periods)) * (2 * math.pi), dtype=np.float32)

    depth = voice.depth * (0.4 + strength) * np.exp(short * np.float32(-6.9 / voice.depth_decay_s))
    sound = np.sin(sine(pitch_hz) + depth * np.sin(sine(pitch_hz * voice.ratio)))
    if voice.tine and voice.tine_ratio * pitch_hz < 0.45 * sample_rate_hz:
        ring = np.sin(sine(pitch_hz * voice.tine_ratio)) * np.exp(short * np.float32(-25))
        sound += np.float32(voice.tine * strength) * ring
    sound *= np.exp(short * np.float32(-6.9 / voice.decay_s))
    return np.asarray(sound, dtype=np.float32)[np.newaxis]


def hit(piece: Strike, *, sample_rate_hz: int, rng: np.random.Generator) -> Sound:
    """Sound one take of one piece until it has rung out: shape (1, n)."""
    longest_s = max([decay_s for _, _, decay_s in piece.modes] + [piece.noise_decay_s if piece.noise else 0.0])
    seconds = np.arange(math.ceil(longest_s * sample_rate_hz)) / sample_rate_hz
    sound = np.zeros(len(seconds), dtype=np.float32)
    bent = seconds - piece.bend * piece.bend_s * np.expm1(-seconds / piece.bend_s)
    for mode_hz, level, decay_s in piece.modes:
        if mode_hz * (1 + piece.bend) > 0.5 * sample_rate_hz:
            continue
        level_now = level * rng.uniform(0.9, 1.1) * np.exp(-6.9 / decay_s * seconds)
        sound += (level_now * np.sin(2 * math.pi * mode_hz * bent)).astype(np.float32)
    if piece.noise:
        noise = rng.standard_normal(len(seconds), dtype=np.float32)[np.newaxis]
        hiss = filter_band(
            noise, low_hz=piece.noise_low_hz, high_hz=piece.noise_high_hz, sample_rate_hz=sample_rate_hz
        )[0]
        shape = np.zeros(len(seconds))
        for burst in range(piece.bursts):
            since = seconds - burst * rng.uniform(0.009, 0.013)
            last = burst == piece.bursts - 1
            fall = np.exp(-6.9 / (piece.noise_decay_s if last else 0.02) * np.maximum(since, 0))
            shape = np.where(since >= 0, fall, shape) * np.clip(seconds / piece.noise_attack_s, 0, 1)
        sound += piece.noise * hiss * shape.astype(np.float32)
    edge = min(64, len(sound))
    sound[-edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return sound[np.newaxis]
