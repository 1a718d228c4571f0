"""A seeded band: makes up a song, then plays it.

A seed and a style give a key, a tempo, a form of verses and choruses with chords of their own, and four
players, who each have a module or a function of their own. Everybody is a little early or late.

Conventions
-----------
Steps, scale indices and chords as in :mod:`linernotes.render.score`. The same seed, style and duration give
the same bytes on the same machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from linernotes.render import effects
from linernotes.render.melody import improvise
from linernotes.render.players import accompany, drum, walk
from linernotes.render.score import lay_out, stream
from linernotes.render.styles import MODES, STYLES
from linernotes.render.synth import Instrument, Note, render
from linernotes.render.voices import Fm, Kit, Strike, String, Tone

__all__ = ["Song", "compose", "perform"]

_ROLES = ("drums", "bass", "chords", "lead")
_LOUDNESS, _PEAK = 0.19, 0.89


@dataclass(frozen=True, slots=True)
class Song:
    """A song on paper.

    ``scale``: pitch classes of the key, tonic first. ``sections``: names and lengths in bars, in order.
    ``parts``: by role (drums in General MIDI percussion numbers, bass, chords, lead), in order of time.
    """

    seed: int
    style: str
    key: str
    scale: tuple[int, ...]
    tempo_bpm: float
    metre: int
    sections: tuple[tuple[str, int], ...]
    parts: Mapping[str, tuple[Note, ...]]
    duration_s: float


def compose(seed: int, *, style: str, duration_s: float = 40.0) -> Song:
    """Make up a song in one of ``STYLES``; another seed is another song.

    Raises
    ------
    ParameterError
        No such style, a negative seed, or a duration too short for two bars or above ten minutes.
    """
    score = lay_out(seed, style=style, duration_s=duration_s)
    parts = {"drums": drum(score), "bass": walk(score), "chords": accompany(score), "lead": improvise(score)}
    sections = [
        (name, len(list(bars)))
        for (name, _), bars in groupby(score.bars, key=lambda bar: (bar.section, bar.occurrence))
    ]
    return Song(
        seed=seed,
        style=style,
        key=score.key,
        scale=tuple((score.tonic + step) % 12 for step in MODES[score.mode]),
        tempo_bpm=score.tempo_bpm,
        metre=score.metre,
        sections=(*sections, ("end", 1)),
        parts={role: tuple(sorted(part, key=lambda note: (note.start_s, note.midi))) for role, part in parts.items()},
        duration_s=duration_s,
    )


def perform(song: Song, *, sample_rate_hz: int = 44_100) -> NDArray[np.float32]:
    """Play and mix a song: shape (n, 2), n = ``duration_s * sample_rate_hz`` rounded, peak at most 0.9."""
    style, rng = STYLES[song.style], stream(song.seed, song.style, "sound")
    players = _players(song, rng)
    dry = np.zeros((2, round(song.duration_s * sample_rate_hz)), dtype=np.float32)
    wet = np.zeros_like(dry)
    for role, wanted, send in zip(_ROLES, style.levels, style.sends, strict=True):
        sound = render(
            song.parts[role],
            players[role],
            duration_s=song.duration_s,
            sample_rate_hz=sample_rate_hz,
            rng=rng,
        ).T
        loudness = effects.level(sound)
        if not loudness:
            continue
        sound = sound * np.float32(wanted / loudness)
        if role == "lead" and style.echo:
            delay_s = 45.0 / song.tempo_bpm  # a dotted eighth
            sound += effects.echo(sound, delay_s=delay_s, feedback=style.echo, sample_rate_hz=sample_rate_hz)
        dry += sound
        wet += np.float32(send) * sound
    dry += effects.room(wet, decay_s=style.room_decay_s, sample_rate_hz=sample_rate_hz, rng=rng)
    master = effects.finish(dry, loudness=_LOUDNESS, peak=_PEAK, fade_s=1.2, sample_rate_hz=sample_rate_hz)
    return np.ascontiguousarray(master.T)


# ── the players ──────────────────────────────────────────────────────────────


def _players(song: Song, rng: np.random.Generator) -> dict[str, Instrument]:
    """Choose one of the style's instruments for each, with strings, reeds and skins of its own."""
    style = STYLES[song.style]
    chosen = {"drums": Instrument(style.kit, spread=0.9)}
    for role, instruments in (("bass", style.bass), ("chords", style.chords), ("lead", style.lead)):
        # Chords and lead on one instrument would hide the melody.
        free = [instrument for instrument in instruments if instrument not in chosen.values()]
        chosen[role] = free[rng.integers(len(free))]
    return {role: _own(instrument, rng) for role, instrument in chosen.items()}


def _own(instrument: Instrument, rng: np.random.Generator) -> Instrument:
    """Build an instrument like this one, but not the same."""

    def near(value: float, width: float) -> float:
        return value * float(rng.uniform(1 - width, 1 + width))

    match instrument.voice:
        case String() as voice:
            own: String | Tone | Fm | Kit = replace(
                voice,
                decay_s=near(voice.decay_s, 0.25),
                pluck=min(near(voice.pluck, 0.3), 0.5),
                hardness=min(near(voice.hardness, 0.2), 0.95),
                body=tuple((near(hz, 0.15), quality, near(level, 0.3)) for hz, quality, level in voice.body),
            )
        case Tone() as voice:
            own = replace(
                voice,
                partials=tuple(near(level, 0.25) for level in voice.partials),
                bright=min(near(voice.bright, 0.05), 1.0),
                dull=min(near(voice.dull, 0.08), 1.0),
                fade_s=near(voice.fade_s, 0.4),
                detune_cents=near(voice.detune_cents, 0.3),
            )
        case Fm() as voice:
            own = replace(voice, depth=near(voice.depth, 0.3), decay_s=near(voice.decay_s, 0.25))
        case Kit() as voice:
            tuning, length = near(1.0, 0.14), near(1.0, 0.25)
            own = Kit({midi: _retune(piece, tuning, length) for midi, piece in voice.pieces.items()})
    return replace(instrument, voice=own)


def _retune(piece: Strike, tuning: float, length: float) -> Strike:
    return replace(
        piece,
        modes=tuple((hz * tuning, level, decay_s * length) for hz, level, decay_s in piece.modes),
        noise_low_hz=piece.noise_low_hz * tuning,
        noise_decay_s=piece.noise_decay_s * length,
    )
