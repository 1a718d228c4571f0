"""The styles a band can play in: tempi, scales, chord progressions, patterns, instruments.

Conventions
-----------
A pattern is a string over the sixteenths of a bar of four beats, its beginning serves for three: ``.`` is
never, ``1`` to ``9`` so many ninths of a chance that a song has a note there, and how strong it then is.
Songs draw their own patterns from these, so two songs of one style do not share a loop. Chords are scale
degrees from 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from linernotes.render import instruments
from linernotes.render.instruments import CLAP, CLOSED_HAT, KICK, OPEN_HAT, RIDE, RIM, SHAKER, SNARE, TOM
from linernotes.render.synth import Instrument
from linernotes.render.voices import Kit

__all__ = ["MODES", "STYLES", "Style"]

MODES: Mapping[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}


@dataclass(frozen=True, slots=True)
class Style:
    """One way of playing.

    ``swing`` in [0, 1] moves every second eighth, or sixteenth where ``swing_sixteenths``, towards a triplet.
    ``comp``: how chords are played: strum, arpeggio, pad or stab. ``density`` in [0, 1]: of the melody.
    ``levels``: of drums, bass, chords and lead in the mix; ``sends``: how much of each goes into the room.
    ``fills``: whether drums mark the sections. ``looseness_s``: standard deviation from the grid.
    """

    name: str
    tempo_bpm: tuple[float, float]
    metres: tuple[int, ...]
    modes: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    drums: Mapping[str, tuple[Mapping[int, str], ...]]
    bass_patterns: tuple[str, ...]
    comp: tuple[str, ...]
    comp_patterns: tuple[str, ...]
    bass: tuple[Instrument, ...]
    chords: tuple[Instrument, ...]
    lead: tuple[Instrument, ...]
    kit: Kit
    levels: tuple[float, float, float, float] = (0.50, 0.34, 0.22, 0.34)
    sends: tuple[float, float, float, float] = (0.10, 0.02, 0.25, 0.30)
    room_decay_s: float = 1.4
    echo: float = 0.0
    swing: float = 0.0
    swing_sixteenths: bool = False
    walking: bool = False
    sevenths: bool = False
    fills: bool = True
    looseness_s: float = 0.007
    density: float = 0.5
    lead_midi: int = 72
    chords_midi: int = 60


# ── the styles ───────────────────────────────────────────────────────────────

_FOLK = Style(
    name="indie folk",
    tempo_bpm=(84, 124),
    metres=(4, 4, 3),
    modes=("major", "mixolydian", "dorian"),
    progressions=(
        (0, 4, 5, 3),
        (0, 3, 0, 4),
        (5, 3, 0, 4),
        (0, 2, 3, 4),
        (3, 0, 4, 5),
        (0, 5, 1, 4),
        (0, 1, 3, 0),
    ),
    drums={
        "verse": (
            {KICK: "9.....2.4.......", SHAKER: "7.5.8.5.7.5.8.5."},
            {KICK: "9...9...9...9...", RIM: "....6.......8..2", SHAKER: "4.4.6.4.4.4.6.4."},
        ),
        "chorus": (
            {KICK: "9.....4.9.2.....", SNARE: "....9.......9..2", SHAKER: "8363836383638363"},
            {KICK: "9..4..9...6.....", SNARE: "....9.......9...", CLOSED_HAT: "8.6.8.6.8.6.8.6."},
        ),
    },
    bass_patterns=("9.......8.....3.", "9.....5.8.......", "9...3...8...3.4."),
    comp=("strum", "arpeggio"),
    comp_patterns=("9.6.4.67.46.7.64", "9...6.6.5.6.6.5.", "9.57.57.9.57.5.7"),
    bass=(instruments.FINGER_BASS, instruments.UPRIGHT),
    chords=(instruments.STEEL_GUITAR, instruments.NYLON_GUITAR),
    lead=(instruments.VOICE_LEAD, instruments.FLUTE, instruments.WHISTLE, instruments.HARP),
    kit=instruments.ACOUSTIC_KIT,
    levels=(0.36, 0.36, 0.34, 0.34),
    looseness_s=0.010,
)

_SYNTH_POP = Style(
    name="synth pop",
    tempo_bpm=(104, 132),
    metres=(4,),
    modes=("minor", "major", "dorian"),
    progressions=(
        (0, 5, 2, 6),
        (5, 6, 0, 0),
        (0, 3, 5, 4),
        (3, 4, 5, 0),
        (0, 6, 5, 6),
        (5, 2, 6, 0),
        (0, 2, 6, 3),
    ),
    drums={
        "verse": (
            {KICK: "9...9...9...9...", CLAP: "....9.......9...", CLOSED_HAT: "3.9.3.9.3.9.3.9."},
            {KICK: "9.....9..4..9.4.", SNARE: "....9.......9...", CLOSED_HAT: "8484848484848484"},
        ),
        "chorus": (
            {
                KICK: "9...9...9...9.3.",
                CLAP: "....9.......9..3",
                CLOSED_HAT: "84.584.584.584.5",
                OPEN_HAT: "..9...9...9...9.",
            },
            {
                KICK: "9..4..9.9..4..9.",
                SNARE: "....9.......9...",
                CLOSED_HAT: "9595959595959595",
                CLAP: "....9.......9...",
            },
        ),
    },
    bass_patterns=("9.9.9.9.9.9.9.9.", "9..9..9.9..9.4.6", "..99..99..99..99", "9.6.3.9.4.9.6.69"),
    comp=("pad", "stab"),
    comp_patterns=("9..7..7...8.3...", "..9...9...9..59.", "9.....8..5....6."),
    bass=(instruments.SYNTH_BASS, instruments.SQUARE_BASS),
    chords=(instruments.SYNTH_PAD, instruments.SYNTH_STAB),
    lead=(instruments.SAW_LEAD, instruments.SQUARE_LEAD, instruments.BELL),
    kit=instruments.MACHINE_KIT,
    levels=(0.50, 0.32, 0.24, 0.30),
    echo=0.28,
    looseness_s=0.001,
    density=0.6,
)

_SOUL = Style(
    name="drum machine soul",
    tempo_bpm=(72, 98),
    metres=(4,),
    modes=("dorian", "minor", "mixolydian"),
    progressions=((0, 3, 0, 3), (1, 4, 0, 5), (0, 5, 1, 4), (3, 2, 1, 0), (0, 2, 3, 4), (5, 1, 4, 0)),
    drums={
        "verse": (
            {KICK: "9..3...4.79...2.", SNARE: "....9..2.2..9..3", CLOSED_HAT: "8373837383738373"},
            {KICK: "9......59.5.....", CLAP: "....9.......9...", CLOSED_HAT: "8.683.6.8.683.63"},
        ),
        "chorus": (
            {
                KICK: "9.4...4..79..4..",
                SNARE: "....9.......9...",
                CLOSED_HAT: "84748.7484748.74",
                OPEN_HAT: "......5.......7.",
            },
            {
                KICK: "9..5..3.9.6...4.",
                CLAP: "....9.......9...",
                RIM: "...4..4....5..4.",
                CLOSED_HAT: "8.7.8.738.7.8.73",
            },
        ),
    },
    bass_patterns=("9..4...59.3..5.4", "9.....5..79...3.", "9..5.3..6..5.46."),
    comp=("stab", "pad"),
    comp_patterns=("9......5..6.....", "..8..5....7...4.", "9..5......8..3.."),
    bass=(instruments.SUB_BASS, instruments.FINGER_BASS),
    chords=(instruments.EPIANO, instruments.ORGAN),
    lead=(instruments.VOICE_LEAD, instruments.FLUTE, instruments.SQUARE_LEAD),
    kit=instruments.MACHINE_KIT,
    swing=0.5,
    swing_sixteenths=True,
    sevenths=True,
    looseness_s=0.004,
    density=0.55,
    echo=0.16,
    lead_midi=70,
)

_JAZZ = Style(
    name="jazz trio",
    tempo_bpm=(112, 188),
    metres=(4, 4, 4, 3),
    modes=("major", "dorian", "mixolydian"),
    progressions=((1, 4, 0, 5), (0, 5, 1, 4), (2, 5, 1, 4), (0, 3, 2, 5), (1, 4, 0, 0), (3, 4, 2, 5)),
    drums={
        "verse": (
            {
                RIDE: "9...9.6.9...9.6.",
                CLOSED_HAT: "....9.......9...",
                SNARE: "..1...2....2..1.",
                KICK: "3.......2.......",
            },
            {SNARE: "9.3.9.4.9.3.9.4.", CLOSED_HAT: "....9.......9...", KICK: "4.......4......."},
        ),
        "chorus": (
            {
                RIDE: "9.3.9.7.9.3.9.7.",
                CLOSED_HAT: "....9.......9...",
                SNARE: "..2..13...3...4.",
                KICK: "6.....3.5....2..",
            },
        ),
    },
    bass_patterns=("9...9...9...9.2.",),
    comp=("stab",),
    comp_patterns=("9.....6.....3...", "..5...8.....6...", "....6.5....7..4.", "9..........57..."),
    bass=(instruments.UPRIGHT,),
    chords=(instruments.PIANO, instruments.EPIANO),
    lead=(instruments.VIBES, instruments.REED, instruments.PIANO, instruments.FLUTE),
    kit=instruments.BRUSHES_KIT,
    levels=(0.30, 0.40, 0.26, 0.36),
    swing=0.9,
    walking=True,
    sevenths=True,
    looseness_s=0.011,
    density=0.65,
    room_decay_s=1.0,
)

_AMBIENT = Style(
    name="ambient",
    tempo_bpm=(58, 82),
    metres=(4, 3),
    modes=("lydian", "dorian", "major", "minor"),
    progressions=((0, 0, 3, 3), (0, 1, 0, 1), (5, 3, 0, 4), (0, 2, 5, 3), (0, 4, 3, 3)),
    drums={
        "verse": ({SHAKER: "..2...3...2...3.", KICK: "5..............."},),
        "chorus": (
            {SHAKER: "3.4.3.5.3.4.3.5.", KICK: "8.......4.......", RIM: "......3.....5..."},
            {KICK: "9.........4.....", RIDE: "4.......3.......", SHAKER: "..3...3...3...3."},
        ),
    },
    bass_patterns=("9...............", "9.......4......."),
    comp=("pad",),
    comp_patterns=("9...............",),
    bass=(instruments.SUB_BASS,),
    chords=(instruments.WARM_PAD, instruments.STRINGS),
    lead=(instruments.BELL, instruments.HARP, instruments.WHISTLE, instruments.MARIMBA),
    kit=instruments.BRUSHES_KIT,
    levels=(0.20, 0.30, 0.36, 0.34),
    sends=(0.40, 0.10, 0.50, 0.60),
    room_decay_s=3.2,
    echo=0.4,
    sevenths=True,
    fills=False,
    looseness_s=0.016,
    density=0.38,
    lead_midi=76,
)

_ROCK = Style(
    name="rock",
    tempo_bpm=(108, 168),
    metres=(4,),
    modes=("mixolydian", "minor", "major", "dorian"),
    progressions=(
        (0, 6, 3, 0),
        (0, 3, 4, 3),
        (5, 3, 0, 4),
        (0, 5, 6, 0),
        (0, 2, 3, 6),
        (3, 4, 0, 0),
        (0, 4, 3, 6),
    ),
    drums={
        "verse": (
            {KICK: "9.....4.9.5.....", SNARE: "....9.......9...", CLOSED_HAT: "9.7.9.7.9.7.9.7."},
            {
                KICK: "9...3...9.9...4.",
                SNARE: "....9.......9..2",
                TOM: "..3...3.......3.",
                CLOSED_HAT: "8.6.8.6.8.6.8.6.",
            },
        ),
        "chorus": (
            {KICK: "9..3..9.9.6...3.", SNARE: "....9.......9...", OPEN_HAT: "9...9...9...9..."},
            {KICK: "9.....9...9...4.", SNARE: "....9.......9.3.", RIDE: "9.7.9.7.9.7.9.7."},
        ),
    },
    bass_patterns=("9.9.9.9.9.9.9.9.", "9..9..9.8..6..4.", "9.....9.9.6...5."),
    comp=("strum",),
    comp_patterns=("9.9.9.9.9.9.9.9.", "9..9..9.....9.4.", "9.....8.4.9...6.", "9.79.7.79.79.7.7"),
    bass=(instruments.PICK_BASS,),
    chords=(instruments.ROCK_GUITAR,),
    lead=(instruments.ROCK_LEAD, instruments.VOICE_LEAD, instruments.ORGAN),
    kit=instruments.ACOUSTIC_KIT,
    levels=(0.50, 0.36, 0.30, 0.30),
    looseness_s=0.006,
    density=0.6,
    chords_midi=54,
    room_decay_s=1.1,
)

STYLES: Mapping[str, Style] = {style.name: style for style in (_FOLK, _SYNTH_POP, _SOUL, _JAZZ, _AMBIENT, _ROCK)}
