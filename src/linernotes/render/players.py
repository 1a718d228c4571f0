"""The rhythm section: drums, bass, chords.

Each draws its patterns from the style once per kind of section and keeps to them, with small changes from bar
to bar. Conventions as in :mod:`linernotes.render.score`.
"""

from typing import TypeAlias

import numpy as np

from linernotes.render.instruments import CRASH, KICK, SNARE, TOM
from linernotes.render.score import Hand, Score
from linernotes.render.synth import Note

__all__ = ["accompany", "drum", "walk"]

_Pattern: TypeAlias = list[tuple[int, float]]  # (step, strength in (0, 1])

_BASS_MIDI = 38
_POWER_MIDI = 46


def _draw(template: str, steps: int, rng: np.random.Generator) -> _Pattern:
    """Draw a pattern out of a template of chances."""
    cyclic = (template[step % len(template)] for step in range(steps))
    chances = [0 if sign == "." else int(sign) for sign in cyclic]
    lucky = rng.uniform(size=steps) * 9 < chances
    return [(step, 0.3 + 0.06 * chance) for step, chance in enumerate(chances) if lucky[step]]


def _model(section: str) -> str:
    """Name the section whose patterns this one plays: intro and bridge borrow theirs."""
    return {"intro": "verse", "bridge": "chorus"}.get(section, section)


# ── drums ────────────────────────────────────────────────────────────────────


def drum(score: Score) -> list[Note]:
    """Play the drums: time alone in the intro, a fill at the end of a section, a crash into the chorus."""
    style, hand = score.style, Hand.of(score, "drums")
    rng = hand.rng
    beats = {}
    for section, variants in style.drums.items():
        variant = variants[rng.integers(len(variants))]
        beats[section] = {piece: _draw(template, score.steps, rng) for piece, template in variant.items()}
    notes: list[Note] = []
    for number, bar in enumerate(score.bars):
        fills = style.fills and bar.place == bar.of - 1 and bar.section != "intro"
        until = score.steps - int(rng.choice((2, 4, 4, 6, 8))) if fills else score.steps
        beat = beats[_model(bar.section)]
        busiest = max(beat, key=lambda piece: len(beat[piece]))
        for piece, pattern in beat.items():
            if bar.section == "intro" and piece != busiest:
                continue
            for step, strength in pattern:
                skipped = strength < 0.8 and rng.uniform() < 0.08
                if step < until and not skipped:
                    notes.append(hand.note((number, step), 1, piece, strength))
        notes += _fill(hand, number, until)
        if style.fills and bar.place == 0 and _model(bar.section) == "chorus":
            notes.append(hand.note((number, 0), 1, CRASH, 0.6))
    last = (KICK, CRASH) if style.fills else (KICK,)
    return notes + [hand.note((len(score.bars), 0), 1, piece, 0.6) for piece in last]


def _fill(hand: Hand, bar: int, first: int) -> list[Note]:
    """Run over snare and tom from a step to the end of the bar, louder and louder."""
    notes = []
    for step in range(first, hand.score.steps):
        if hand.rng.uniform() < (0.85 if step % 2 == 0 else 0.45):
            piece = SNARE if hand.rng.uniform() < 0.55 else TOM
            notes.append(hand.note((bar, step), 1, piece, 0.5 + 0.03 * step))
    return notes


# ── bass ─────────────────────────────────────────────────────────────────────


def walk(score: Score) -> list[Note]:
    """Play the bass: the root where a chord begins, then its company, then a step towards the next root."""
    style, hand = score.style, Hand.of(score, "bass")
    rng = hand.rng
    patterns = {
        section: _draw(style.bass_patterns[rng.integers(len(style.bass_patterns))], score.steps, rng)
        for section in ("verse", "chorus")
    }
    notes = []
    for number, bar in enumerate(score.bars):
        if bar.section == "intro" and bar.place < bar.of - 1:
            continue
        pattern = patterns[_model(bar.section)]
        changes = {step for step, _ in bar.chords}
        for (step, strength), (until, _) in zip(pattern, [*pattern[1:], (score.steps, 0.0)], strict=True):
            root = score.index_near(score.chord_at(number, step), _BASS_MIDI)
            following = score.index_near(score.chord_at(number + 1, 0), _BASS_MIDI)
            leads_on = until == score.steps and step >= score.steps - 4 and following != root
            if step in changes:
                index = root
            elif leads_on and rng.uniform() < 0.6:
                index = following + (1 if root > following else -1)
            elif style.walking:
                index = root + int(rng.choice((1, 2, 4, -1, -3), p=(0.2, 0.35, 0.25, 0.1, 0.1)))
            else:
                index = root + int(rng.choice((0, 4, 7, -3), p=(0.68, 0.14, 0.12, 0.06)))
            notes.append(hand.note((number, step), 0.92 * (until - step), score.midi(index), strength))
    root = score.midi(score.index_near(0, _BASS_MIDI))
    return [*notes, hand.note((len(score.bars), 0), score.closing_steps, root, 0.8)]


# ── chords ───────────────────────────────────────────────────────────────────


def accompany(score: Score) -> list[Note]:
    """Play the chords: held, strummed, broken or stabbed, each voiced near the one before."""
    style, hand = score.style, Hand.of(score, "chords")
    rng = hand.rng
    plans = {}
    for section in ("verse", "chorus"):
        manner = style.comp[rng.integers(len(style.comp))]
        template = style.comp_patterns[rng.integers(len(style.comp_patterns))]
        pattern = [] if manner == "pad" else _draw(template, score.steps, rng)
        plans[section] = (manner, pattern, rng.permutation(6))
    notes: list[Note] = []
    voicing: tuple[int, ...] = ()
    for number, bar in enumerate(score.bars):
        manner, pattern, order = plans[_model(bar.section)]
        for change, degree in bar.chords:
            voicing = _voicing(score, degree, voicing)
            until = min((step for step, _ in bar.chords if step > change), default=score.steps)
            struck = [(step, strength) for step, strength in pattern if change <= step < until]
            if manner != "stab" and change not in dict(struck):
                struck.insert(0, (change, 0.7))
            for turn, (step, strength) in enumerate(struck):
                end = struck[turn + 1][0] if turn + 1 < len(struck) else until
                if manner == "arpeggio":
                    ladder = (*voicing, *(midi + 12 for midi in voicing))
                    midi = ladder[order[turn % 6] % len(ladder)] if turn else voicing[0]
                    notes.append(hand.note((number, step), 8, midi, strength))
                elif manner == "strum":
                    notes += _strum(hand, (number, step), end - step, voicing, strength)
                else:
                    length = min(end - step, 5) if manner == "stab" else end - step
                    notes += [hand.note((number, step), length, midi, strength) for midi in voicing]
    return notes + _strum(hand, (len(score.bars), 0), score.closing_steps, _voicing(score, 0, voicing), 0.75)


def _voicing(score: Score, degree: int, before: tuple[int, ...]) -> tuple[int, ...]:
    """Put a chord near the one before, lowest note first; a power chord for a driven amplifier."""
    if any(instrument.drive for instrument in score.style.chords):
        root = score.midi(score.index_near(degree, _POWER_MIDI))
        return (root, root + 7, root + 12)
    home = score.style.chords_midi
    # Drawn back towards home, or a song would climb away with its progression.
    centre = 0.6 * sum(before) / len(before) + 0.4 * home if before else home
    return tuple(sorted(score.midi(score.index_near(tone, centre)) for tone in score.tones(degree)))


def _strum(hand: Hand, place: tuple[int, int], steps: float, voicing: tuple[int, ...], strength: float) -> list[Note]:
    """Sweep over the strings: down on the beat, up and lighter off it."""
    strings = sorted((*voicing, voicing[0] + 12), reverse=place[1] % 4 == 2)
    notes = []
    for turn, midi in enumerate(strings):
        softer = strength * (0.8 if place[1] % 4 == 2 else 1.0) * (1 - 0.04 * turn)
        notes.append(hand.note(place, 0.95 * steps, midi, softer, late_s=0.011 * turn))
    return notes
