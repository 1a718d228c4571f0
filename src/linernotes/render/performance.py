"""A lead sheet, played: the band's instruments take melody, chords, bass and drums as they are written."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.model import scores
from linernotes.render.band import Song, perform
from linernotes.render.styles import STYLES
from linernotes.render.synth import Note

__all__ = ["perform_score"]

_RING_S, _LONGEST_S = 2.0, 600.0
_LOWEST_BASS = 36
_INSTEAD = {50: 45, 39: 37}  # what a kit may lack, and what is struck then: a tom, a side stick


def perform_score(
    score: scores.Score, *, band: str = "indie folk", seed: int = 0, sample_rate_hz: int = 44_100
) -> NDArray[np.float32]:
    """Play a score with the instruments of one of ``STYLES``: shape (n, 2), it rings for two seconds.

    Raises ParameterError for a band that there is not, or more than ten minutes.
    """
    if band not in STYLES:
        raise ParameterError(f"no band {band!r}; there are {', '.join(STYLES)}")
    tick_s = 60.0 / score.tempo_bpm / scores.TICKS_PER_QUARTER
    duration_s = score.stop_ticks * tick_s + _RING_S
    if duration_s > _LONGEST_S:
        raise ParameterError(f"a score of {duration_s:.0f} s: at most {_LONGEST_S:.0f} s are played")
    chords = list(score.block_chords())
    roots = [
        scores.Note(chord.start_ticks, note.duration_ticks, _LOWEST_BASS + (chord.root - _LOWEST_BASS) % 12)
        for chord in score.chords
        if (note := next((n for n in chords if n.start_ticks == chord.start_ticks), None)) is not None
    ]
    kit = STYLES[band].kit.pieces
    drums = [note if note.pitch in kit else replace(note, pitch=_INSTEAD.get(note.pitch, 0)) for note in score.drums]
    parts = {
        "lead": _played(score.notes, tick_s, 0.8),
        "chords": _played(chords, tick_s, 0.55),
        "bass": _played(roots, tick_s, 0.7),
        "drums": _played([note for note in drums if note.pitch in kit], tick_s, 0.7),
    }
    key, metre = score.key or scores.Key(0), score.metre or scores.Metre()
    song = Song(
        seed=seed,
        style=band,
        key=str(key),
        scale=tuple(sorted(key.scale)),
        tempo_bpm=score.tempo_bpm,
        metre=metre.beats,
        sections=tuple((section.name, 0) for section in score.sections),
        parts=parts,
        duration_s=duration_s,
    )
    return perform(song, sample_rate_hz=sample_rate_hz)


def _played(notes: Sequence[scores.Note], tick_s: float, velocity: float) -> tuple[Note, ...]:
    return tuple(
        Note(note.start_ticks * tick_s, 0.95 * note.duration_ticks * tick_s, float(note.pitch), velocity)
        for note in sorted(notes, key=lambda n: (n.start_ticks, n.pitch))
    )
