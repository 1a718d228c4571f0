"""Instruments: notes in, sound out.

Each distinct sound, that is a pitch at one of a few strengths, is made once by its voice and placed wherever
the part asks for it: a second of music costs little more than its additions.

Conventions
-----------
Inside, sound has shape (channels, n), channels 1 or 2; what leaves is (n, 2), float32. ``midi`` is a note
number, 69 is 440 Hz, fractions allowed; a kit reads it as General MIDI percussion. All randomness comes from
the generator that is passed in.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.render.effects import filter_band, saturate
from linernotes.render.voices import Kit, Voice, hit, hold

__all__ = ["Envelope", "Instrument", "Note", "frequency_hz", "render"]

Sound: TypeAlias = NDArray[np.float32]

_STRENGTHS = 3  # a harder note is brighter: so many shades of it are made
_TAKES = 3  # a drum never sounds twice the same: so many recordings of each piece


@dataclass(frozen=True, slots=True)
class Note:
    """One note; ``velocity`` in (0, 1]."""

    start_s: float
    duration_s: float
    midi: float
    velocity: float = 0.8


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a held note swells, falls to ``sustain`` in [0, 1], and stops after its duration."""

    attack_s: float = 0.004
    decay_s: float = 0.3
    sustain: float = 1.0
    release_s: float = 0.08


@dataclass(frozen=True, slots=True)
class Instrument:
    """A voice, how it is played, and where it stands.

    ``pan`` in [-1, 1]. ``spread``: how far two octaves up lie to the right; for a kit, how wide it stands.
    ``drive`` 0 is clean, 10 a distorted amplifier, whose loudspeaker passes up to ``cabinet_hz``.
    """

    voice: Voice
    envelope: Envelope = field(default_factory=Envelope)
    pan: float = 0.0
    spread: float = 0.0
    drive: float = 0.0
    cabinet_hz: float = 5_000.0


def frequency_hz(midi: float) -> float:
    """Tell the frequency of a note number in equal temperament.

    Check: 69 is 440 Hz.
    """
    return 440.0 * math.pow(2.0, (midi - 69.0) / 12.0)


def render(
    part: Sequence[Note],
    instrument: Instrument,
    *,
    duration_s: float,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> Sound:
    """Play a part: shape (n, 2), n = ``duration_s * sample_rate_hz`` rounded; what sounds longer is cut.

    A single note of velocity 1 has a root mean square near 0.25 at its loudest; the sum is not limited.
    """
    if duration_s <= 0 or sample_rate_hz <= 0:
        raise ParameterError(f"cannot render {duration_s} s at {sample_rate_hz} Hz: both must be positive")
    out = np.zeros((2, round(duration_s * sample_rate_hz)), dtype=np.float32)
    for (midi, shade), notes in sorted(_by_sound(part, instrument.voice).items()):
        longest_s = max(note.duration_s for note in notes) + instrument.envelope.release_s
        size = min(math.ceil(longest_s * sample_rate_hz) + 1, out.shape[1])
        if isinstance(instrument.voice, Kit):
            piece = instrument.voice.pieces[int(midi)]
            wide = hit(piece, sample_rate_hz=sample_rate_hz, rng=rng)
            wide = wide * _gains(instrument.pan + instrument.spread * piece.pan)
            _place_hits(out, wide, notes, sample_rate_hz)
        else:
            strength = (shade + 0.5) / _STRENGTHS
            wide = hold(
                instrument.voice,
                frequency_hz(midi),
                strength,
                size=size,
                sample_rate_hz=sample_rate_hz,
                rng=rng,
            )
            wide = wide * _gains(instrument.pan + instrument.spread * (midi - 60.0) / 24.0)
            wide *= _swell(instrument.envelope, size, sample_rate_hz)
            _place_held(out, wide, notes, instrument.envelope.release_s, sample_rate_hz)
    if instrument.drive > 0:
        out = saturate(out, drive=instrument.drive)
        out = filter_band(out, high_hz=instrument.cabinet_hz, sample_rate_hz=sample_rate_hz)
    return np.ascontiguousarray(out.T)


# ── which sounds, and where ──────────────────────────────────────────────────


def _by_sound(part: Sequence[Note], voice: Voice) -> dict[tuple[float, int], list[Note]]:
    """Group notes by pitch and shade: the strength of a held note, the take of a struck one."""
    groups: dict[tuple[float, int], list[Note]] = defaultdict(list)
    hits: dict[float, int] = defaultdict(int)
    for note in sorted(part, key=lambda note: (note.start_s, note.midi)):
        if not (note.start_s >= 0 and note.duration_s > 0 and 0 < note.velocity <= 1):
            raise ParameterError(f"cannot play {note}: start >= 0, duration > 0 and 0 < velocity <= 1 are needed")
        if isinstance(voice, Kit):
            if note.midi not in voice.pieces:
                raise ParameterError(f"this kit has no piece {note.midi}; it has {sorted(voice.pieces)}")
            groups[note.midi, hits[note.midi] % _TAKES].append(note)
            hits[note.midi] += 1
        else:
            groups[note.midi, math.ceil(note.velocity * _STRENGTHS) - 1].append(note)
    return groups


def _gains(pan: float) -> Sound:
    """Give left and right gain, shape (2, 1), of equal power at every place."""
    angle = (min(max(pan, -1.0), 1.0) + 1.0) * math.pi / 4
    return np.array([[math.cos(angle)], [math.sin(angle)]], dtype=np.float32)


def _loudness(velocity: float) -> np.float32:
    return np.float32(velocity**1.5)


def _place_hits(out: Sound, wide: Sound, notes: Sequence[Note], sample_rate_hz: int) -> None:
    for note in notes:
        start = round(note.start_s * sample_rate_hz)
        room = out[:, start : start + wide.shape[1]]
        room += wide[:, : room.shape[1]] * _loudness(note.velocity)


def _place_held(out: Sound, wide: Sound, notes: Sequence[Note], release_s: float, sample_rate_hz: int) -> None:
    tail = max(round(release_s * sample_rate_hz), 2)
    fade = np.square(np.cos(np.linspace(0, math.pi / 2, tail))).astype(np.float32)
    for note in notes:
        start, held = (round(second * sample_rate_hz) for second in (note.start_s, note.duration_s))
        played = wide[:, : held + tail] * _loudness(note.velocity)
        dying = played[:, held:]
        dying *= fade[: dying.shape[1]]
        room = out[:, start : start + played.shape[1]]
        room += played[:, : room.shape[1]]


def _swell(envelope: Envelope, size: int, sample_rate_hz: int) -> Sound:
    """Draw attack, decay and sustain, without the release: shape (size,)."""
    seconds = np.arange(size, dtype=np.float32) / np.float32(sample_rate_hz)
    fall = np.exp(-np.maximum(seconds - envelope.attack_s, 0) * np.float32(6.9 / envelope.decay_s))
    rise = np.minimum(seconds / np.float32(max(envelope.attack_s, 1e-3)), 1)
    return np.asarray(rise * (envelope.sustain + (1 - envelope.sustain) * fall), dtype=np.float32)
