"""What the band owns: three drum kits and the strings, keys, synthesisers and winds they play.

Conventions
-----------
Pieces of a kit are numbered as in General MIDI percussion. Frequencies are in Hz, decays in seconds.
"""

from linernotes.render.synth import Envelope, Instrument
from linernotes.render.voices import Fm, Kit, Strike, String, Tone

__all__ = [
    "ACOUSTIC_KIT",
    "BELL",
    "BRUSHES_KIT",
    "CLAP",
    "CLOSED_HAT",
    "CRASH",
    "EPIANO",
    "FINGER_BASS",
    "FLUTE",
    "HARP",
    "KICK",
    "MACHINE_KIT",
    "MARIMBA",
    "NYLON_GUITAR",
    "OPEN_HAT",
    "ORGAN",
    "PIANO",
    "PICK_BASS",
    "REED",
    "RIDE",
    "RIM",
    "ROCK_GUITAR",
    "ROCK_LEAD",
    "SAW_LEAD",
    "SHAKER",
    "SNARE",
    "SQUARE_BASS",
    "SQUARE_LEAD",
    "STEEL_GUITAR",
    "STRINGS",
    "SUB_BASS",
    "SYNTH_BASS",
    "SYNTH_PAD",
    "SYNTH_STAB",
    "TOM",
    "UPRIGHT",
    "VIBES",
    "VOICE_LEAD",
    "WARM_PAD",
    "WHISTLE",
]

KICK = 36
RIM = 37
SNARE = 38
CLAP = 39
CLOSED_HAT = 42
TOM = 45
OPEN_HAT = 46
CRASH = 49
RIDE = 51
SHAKER = 70


# ── drum kits ────────────────────────────────────────────────────────────────

_METAL = (
    (3_170.0, 0.10),
    (4_230.0, 0.09),
    (5_410.0, 0.09),
    (6_790.0, 0.07),
    (8_210.0, 0.06),
    (9_830.0, 0.05),
)


def _metal(level: float, decay_s: float) -> tuple[tuple[float, float, float], ...]:
    return tuple((hz, level * share, decay_s) for hz, share in _METAL)


ACOUSTIC_KIT = Kit(
    {
        KICK: Strike(
            modes=((58, 0.95, 0.32), (112, 0.25, 0.12)),
            bend=1.6,
            bend_s=0.014,
            noise=0.5,
            noise_low_hz=1_200,
            noise_high_hz=5_000,
            noise_decay_s=0.025,
        ),
        RIM: Strike(
            modes=((1_720, 0.35, 0.05), (820, 0.3, 0.06)),
            noise=0.2,
            noise_low_hz=1_500,
            noise_decay_s=0.03,
            pan=0.1,
        ),
        SNARE: Strike(
            modes=((187, 0.42, 0.16), (331, 0.22, 0.12)),
            bend=0.3,
            noise=0.42,
            noise_low_hz=1_100,
            noise_high_hz=9_500,
            noise_decay_s=0.24,
            pan=0.05,
        ),
        CLOSED_HAT: Strike(modes=_metal(0.5, 0.06), noise=0.22, noise_low_hz=7_500, noise_decay_s=0.075, pan=0.45),
        OPEN_HAT: Strike(modes=_metal(0.5, 0.5), noise=0.2, noise_low_hz=6_800, noise_decay_s=0.5, pan=0.45),
        TOM: Strike(
            modes=((104, 0.6, 0.5), (171, 0.2, 0.25)),
            bend=0.5,
            bend_s=0.04,
            noise=0.15,
            noise_high_hz=4_000,
            noise_decay_s=0.06,
            pan=-0.4,
        ),
        CRASH: Strike(modes=_metal(0.5, 1.6), noise=0.24, noise_low_hz=3_600, noise_decay_s=1.9, pan=-0.5),
        RIDE: Strike(
            modes=((2_310, 0.05, 0.7), *_metal(0.55, 1.1)),
            noise=0.07,
            noise_low_hz=6_000,
            noise_decay_s=0.6,
            pan=-0.45,
        ),
        SHAKER: Strike(
            noise=0.2,
            noise_low_hz=5_200,
            noise_high_hz=12_000,
            noise_decay_s=0.09,
            noise_attack_s=0.02,
            pan=0.6,
        ),
    }
)

MACHINE_KIT = Kit(
    {
        **ACOUSTIC_KIT.pieces,
        KICK: Strike(
            modes=((48, 1.0, 0.62),),
            bend=2.6,
            bend_s=0.02,
            noise=0.15,
            noise_low_hz=2_000,
            noise_decay_s=0.01,
        ),
        SNARE: Strike(modes=((182, 0.5, 0.14), (318, 0.25, 0.1)), noise=0.34, noise_low_hz=1_800, noise_decay_s=0.19),
        CLAP: Strike(noise=0.7, noise_low_hz=950, noise_high_hz=3_600, noise_decay_s=0.26, bursts=4, pan=-0.1),
        CLOSED_HAT: Strike(modes=_metal(0.8, 0.05), noise=0.16, noise_low_hz=8_500, noise_decay_s=0.05, pan=0.3),
        OPEN_HAT: Strike(modes=_metal(0.7, 0.32), noise=0.16, noise_low_hz=8_000, noise_decay_s=0.33, pan=0.3),
    }
)

BRUSHES_KIT = Kit(
    {
        **ACOUSTIC_KIT.pieces,
        KICK: Strike(
            modes=((66, 0.5, 0.26),),
            bend=0.8,
            bend_s=0.012,
            noise=0.12,
            noise_high_hz=2_500,
            noise_decay_s=0.03,
        ),
        SNARE: Strike(
            modes=((205, 0.1, 0.1),),
            noise=0.3,
            noise_low_hz=1_500,
            noise_high_hz=7_000,
            noise_decay_s=0.2,
            noise_attack_s=0.014,
            pan=0.1,
        ),
        CLOSED_HAT: Strike(modes=_metal(0.4, 0.05), noise=0.16, noise_low_hz=6_500, noise_decay_s=0.06, pan=0.5),
    }
)


# ── melodic instruments ──────────────────────────────────────────────────────

_SAW = tuple(1 / k for k in range(1, 41))
_SQUARE = tuple(k % 2 / k for k in range(1, 40))
_WOOD = ((104.0, 4.0, 1.6), (204.0, 6.0, 1.0), (420.0, 5.0, 0.6))

STEEL_GUITAR = Instrument(
    String(decay_s=3.4, damping=0.32, pluck=0.17, hardness=0.72, body=_WOOD),
    Envelope(release_s=0.12),
    -0.1,
    0.25,
)
NYLON_GUITAR = Instrument(
    String(decay_s=2.4, damping=0.46, pluck=0.24, hardness=0.5, body=_WOOD),
    Envelope(release_s=0.1),
    0.1,
    -0.2,
)
HARP = Instrument(String(decay_s=4.5, damping=0.4, pluck=0.4, hardness=0.5), Envelope(release_s=0.5), 0.1, 0.4)
ROCK_GUITAR = Instrument(
    String(decay_s=5.0, damping=0.2, pluck=0.11, hardness=0.85),
    Envelope(release_s=0.05),
    -0.45,
    drive=5.0,
    cabinet_hz=4_200.0,
)
ROCK_LEAD = Instrument(
    Tone(_SAW[:24], 0.97, 0.86, 0.9, 1, vibrato_cents=22),
    Envelope(0.006, 2.0, 0.75, 0.1),
    0.2,
    drive=4.0,
    cabinet_hz=4_800.0,
)
EPIANO = Instrument(Fm(1.0, 1.1, 1.6, 3.6, 0.22), Envelope(release_s=0.14), 0.0, 0.35)
VIBES = Instrument(Fm(4.0, 0.5, 0.5, 4.0, 0.05, 10.0), Envelope(release_s=0.3), 0.15, 0.3)
BELL = Instrument(Fm(3.5, 1.6, 2.2, 4.5), Envelope(0.003, release_s=0.8), 0.15, 0.4)
MARIMBA = Instrument(Fm(4.0, 0.9, 0.12, 0.8), Envelope(release_s=0.2), 0.2, 0.3)
PIANO = Instrument(
    Tone((1, 0.7, 0.5, 0.42, 0.3, 0.24, 0.12, 0.14, 0.1, 0.08, 0.05, 0.04), 0.98, 0.55, 0.35, 2, 3),
    Envelope(0.003, 3.2, 0.0, 0.15),
    0.0,
    0.25,
)
ORGAN = Instrument(
    Tone((1, 0.9, 0.55, 0.5, 0, 0.3, 0, 0.3), 1.0, 1.0, 1.0, 2, 6, vibrato_hz=6.1),
    Envelope(0.012, release_s=0.06),
)
SYNTH_PAD = Instrument(Tone(_SAW, 0.84, 0.74, 1.2, 5, 13), Envelope(0.16, 1.0, 0.9, 0.35))
WARM_PAD = Instrument(Tone(_SAW[:24], 0.6, 0.76, 2.5, 4, 16, breath=0.02), Envelope(0.7, 2.0, 0.95, 1.4))
STRINGS = Instrument(Tone(_SAW[:30], 0.78, 0.86, 1.0, 6, 15, 9), Envelope(0.22, 1.0, 0.95, 0.5))
SYNTH_STAB = Instrument(Tone(_SAW, 0.98, 0.72, 0.11, 4, 12), Envelope(0.003, 0.6, 0.4, 0.1))
SAW_LEAD = Instrument(Tone(_SAW, 0.96, 0.86, 0.3, 3, 9, 14), Envelope(0.006, 0.6, 0.75, 0.12))
SQUARE_LEAD = Instrument(Tone(_SQUARE, 0.96, 0.88, 0.5, 1, 0, 16), Envelope(0.008, 0.5, 0.7, 0.1), 0.1)
FLUTE = Instrument(
    Tone((1, 0.42, 0.2, 0.07, 0.03), 0.9, 1.0, 0.1, 1, 0, 16, 5.0, 0.08), Envelope(0.05, 0.3, 0.85, 0.1), 0.15
)
WHISTLE = Instrument(Tone((1, 0.1, 0.05), 1, 1, 1, 1, 0, 22, 5.6, 0.03), Envelope(0.05, release_s=0.12), -0.15)
REED = Instrument(
    Tone((0.8, 0.75, 1, 0.6, 0.45, 0.5, 0.25, 0.2, 0.16, 0.1, 0.06), 0.95, 0.9, 0.3, 1, 0, 13, 5.1, 0.03),
    Envelope(0.03, 0.4, 0.85, 0.08),
    -0.1,
)
VOICE_LEAD = Instrument(
    Tone((1, 0.6, 0.75, 0.5, 0.2, 0.1, 0.12, 0.14, 0.06), 0.9, 0.95, 0.3, 2, 6, 24, 5.4, 0.03),
    Envelope(0.06, 0.5, 0.9, 0.16),
)

FINGER_BASS = Instrument(String(decay_s=2.6, damping=0.48, pluck=0.28, hardness=0.4), Envelope(release_s=0.05))
PICK_BASS = Instrument(String(decay_s=3.0, damping=0.36, pluck=0.14, hardness=0.7), Envelope(release_s=0.04))
UPRIGHT = Instrument(
    String(decay_s=1.5, damping=0.5, pluck=0.34, hardness=0.32, body=((98, 3, 1.2),)),
    Envelope(0.008, release_s=0.07),
)
SYNTH_BASS = Instrument(Tone(_SAW[:24], 0.93, 0.68, 0.14, 1), Envelope(0.003, 0.5, 0.6, 0.04))
SQUARE_BASS = Instrument(Tone(_SQUARE[:24], 0.88, 0.72, 0.2, 1), Envelope(0.003, 0.8, 0.7, 0.05))
SUB_BASS = Instrument(Tone((1, 0.35, 0.14, 0.06), 1, 0.8, 0.3, 1), Envelope(0.01, 0.8, 0.8, 0.1))
