"""Mastering: what a sound measures, what it should measure, what will be done to it, and what was done.

Conventions
-----------
Loudness is ITU-R BS.1770-5, in LUFS; peaks are dB below or above full scale, true peaks in dBTP. Nothing at all is
:data:`FLOOR_DB`, so that every level is a finite number; an ``integrated_lufs`` of :data:`SILENCE_LUFS` says that no
stretch was loud enough to be counted. A mid is (left + right) / 2, a side (left - right) / 2; a mono sound has no side.
Amounts are percent. A gain is dB to add, a reduction dB taken away (positive).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    "BAND_EDGES_HZ",
    "FLOOR_DB",
    "LEVEL_QUANTILES",
    "SILENCE_LUFS",
    "THIRD_OCTAVES_HZ",
    "Amounts",
    "BandMeter",
    "BandPlan",
    "MasteringPlan",
    "MasteringResult",
    "Meters",
    "PlanNote",
    "Preset",
    "Profile",
    "Reduction",
    "Spot",
    "StereoMeter",
]

FLOOR_DB = -150.0
SILENCE_LUFS = -70.0

THIRD_OCTAVES_HZ = tuple(1000.0 * 2.0 ** (n / 3) for n in range(-17, 14))
"""Exact middles of 31 third octaves, 19.7 Hz to 20.2 kHz (IEC 61260-1, base two)."""

BAND_EDGES_HZ = (150.0, 1000.0, 5000.0)
"""Where one band of the dynamics ends and the next begins."""

LEVEL_QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
"""Where a distribution of levels is told."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A stretch [``start_s``, ``stop_s``) of one channel that somebody should listen to."""

    start_s: float
    stop_s: float
    channel: int


@dataclass(frozen=True, slots=True)
class BandMeter:
    """Level and dynamics of a band [``start_hz``, ``stop_hz``).

    ``slow_db``: quantiles (:data:`LEVEL_QUANTILES`) of the level of 400 ms, relative to the mean level: its range.
    ``fast_db``: quantiles of the level of 6 ms relative to that of the 400 ms around it: its punch.
    """

    start_hz: float
    stop_hz: float
    level_db: float
    crest_db: float
    slow_db: Sequence[float]
    fast_db: Sequence[float]


@dataclass(frozen=True, slots=True)
class StereoMeter:
    """How two channels relate.

    ``correlation``: -1 to 1. ``width_db``: side over mid. ``balance_db``: left over right. ``mono_loss_db``: what the
    level loses when both are added to one, 0 where both are the same, 3 where they are unrelated.
    ``low_correlation``: below 150 Hz, where players with one loudspeaker cancel most.
    """

    correlation: float
    low_correlation: float
    width_db: float
    balance_db: float
    mono_loss_db: float


@dataclass(frozen=True, slots=True)
class Meters:
    """All that is measured of one sound.

    ``momentary_lufs`` (400 ms) and ``short_term_lufs`` (3 s) stand every 100 ms; element ``i`` is the window that ends
    at ``(i + 1) / 10`` s, silent before the beginning. The greatest of each is found to 10 ms. ``range_lu``: EBU Tech
    3342. ``peaks_db`` and ``true_peaks_dbtp`` have one value a channel. ``plr_db``: true peak over integrated
    loudness. ``crest_db``: sample peak over RMS. ``mid_db`` and ``side_db``: mean power of :data:`THIRD_OCTAVES_HZ`.
    ``dc``: mean of each channel. ``clipped``: stretches of full scale; ``clicks``: single jumps; ``dropouts``: sudden
    silence inside a sound; each list is cut at 100, ``n_clipped`` counts samples. ``dead_channels``: channels that say
    nothing while another does.
    """

    sample_rate_hz: int
    channels: int
    n_frames: int
    integrated_lufs: float
    range_lu: float
    momentary_lufs: Sequence[float] = field(repr=False)
    short_term_lufs: Sequence[float] = field(repr=False)
    greatest_momentary_lufs: float
    greatest_short_term_lufs: float
    peaks_db: Sequence[float]
    true_peaks_dbtp: Sequence[float]
    plr_db: float
    crest_db: float
    mid_db: Sequence[float] = field(repr=False)
    side_db: Sequence[float] = field(repr=False)
    bands: Sequence[BandMeter]
    stereo: StereoMeter | None
    dc: Sequence[float]
    n_clipped: int
    clipped: Sequence[Spot]
    clicks: Sequence[Spot]
    dropouts: Sequence[Spot]
    dead_channels: Sequence[int]

    @property
    def duration_s(self) -> float:
        """Length."""
        return self.n_frames / self.sample_rate_hz

    @property
    def true_peak_dbtp(self) -> float:
        """Greatest true peak of any channel."""
        return max(self.true_peaks_dbtp)

    @property
    def silent(self) -> bool:
        """Whether nothing in it is loud enough to be given a loudness."""
        return self.integrated_lufs <= SILENCE_LUFS


@dataclass(frozen=True, slots=True)
class Profile:
    """What a style measures: the mean of ``n_sources`` references.

    ``mid_db`` and ``side_db`` are told relative to their own overall level, so they speak of tone alone; None where no
    reference's sample rate holds a third octave. ``width_db`` is None where all references are mono. ``slow_db`` and
    ``fast_db``: one row of :data:`LEVEL_QUANTILES` for each band, None where the band was not heard.
    """

    name: str
    n_sources: int
    loudness_lufs: float
    range_lu: float
    mid_db: Sequence[float | None]
    side_db: Sequence[float | None]
    width_db: float | None
    slow_db: Sequence[Sequence[float] | None]
    fast_db: Sequence[Sequence[float] | None]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each stage is done, 0 to 100 percent; at 0 a stage is off.

    ``loudness``: part of the way from the present loudness to the target. ``limiter``: part of the greatest reduction
    that a plan allows; at 0 the ceiling is kept by gain alone, and if the loudness is off too, not at all.
    """

    tone: float = 100.0
    dynamics: float = 100.0
    width: float = 100.0
    loudness: float = 100.0
    limiter: float = 100.0


@dataclass(frozen=True, slots=True)
class Preset:
    """What a person wants, before any sound is known. ``loudness_lufs`` None: that of the profile, else left as is.

    ``tone_bound_db``: no third octave is changed by more. ``greatest_reduction_db``: the limiter's deepest reduction
    that still counts as musical, told of the loudest 5 % of the sound; beyond it the loudness falls short, and this is
    said.
    """

    name: str = "default"
    loudness_lufs: float | None = None
    ceiling_dbtp: float = -1.0
    tone_bound_db: float = 6.0
    greatest_reduction_db: float = 6.0
    amounts: Amounts = Amounts()
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class PlanNote:
    """Something a plan wants known: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BandPlan:
    """What the dynamics of a band [``start_hz``, ``stop_hz``) will do: gains over levels, straight between the knots.

    ``slow_gain_db`` stands over ``slow_level_db`` (level of 400 ms, dB of full scale after the tone), ``fast_gain_db``
    over ``fast_level_db`` (level of 6 ms over that of 400 ms).
    """

    start_hz: float
    stop_hz: float
    slow_level_db: Sequence[float]
    slow_gain_db: Sequence[float]
    fast_level_db: Sequence[float]
    fast_gain_db: Sequence[float]


@dataclass(frozen=True, slots=True)
class MasteringPlan:
    """What each stage would do to one sound, in numbers: ``--dry-run`` shows it, :func:`render` does it.

    ``tone_mid_db``, ``tone_side_db``: gain of each of :data:`THIRD_OCTAVES_HZ`, no filter turned farther than
    ``tone_bound_db``; ``width_db``: gain of the side beyond;
    empty ``bands``: no dynamics. ``loudness_lufs``: None leaves the loudness as it comes. ``ceiling_dbtp``: None only
    where loudness and limiter are both off. ``gain_db`` is a forecast; the loudness search finds the true one.
    """

    sample_rate_hz: int
    channels: int
    tone_mid_db: Sequence[float]
    tone_side_db: Sequence[float]
    width_db: float
    bands: Sequence[BandPlan]
    loudness_lufs: float | None
    ceiling_dbtp: float | None
    greatest_reduction_db: float
    gain_db: float
    notes: Sequence[PlanNote]
    tone_bound_db: float = 6.0

    @property
    def is_identity(self) -> bool:
        """Whether the output will be the input, bit for bit."""
        return not self.shapes and self.loudness_lufs is None and self.ceiling_dbtp is None

    @property
    def shapes(self) -> bool:
        """Whether tone, width or dynamics change anything."""
        return bool(self.bands or self.width_db or any(self.tone_mid_db) or any(self.tone_side_db))


@dataclass(frozen=True, slots=True)
class Reduction:
    """What the limiter took away: ``curve_db`` has the greatest reduction of each ``step_s``."""

    step_s: float
    curve_db: Sequence[float] = field(repr=False)
    greatest_db: float
    mean_db: float
    active_share: float


@dataclass(frozen=True, slots=True)
class MasteringResult:
    """What was done to one sound.

    ``gain_db``: gain before the limiter. ``shortfall_lu``: how far the loudness stayed below the target because more
    would have been limited than the plan allows, or because no gain meets it; 0 where it was reached. ``n_passes``:
    times the limiter ran.
    """

    plan: MasteringPlan
    before: Meters
    after: Meters
    gain_db: float
    reduction: Reduction
    shortfall_lu: float
    n_passes: int
