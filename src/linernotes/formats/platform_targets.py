"""What platforms and recommendations ask of a master, with where they say so.

Only published values stand here: most services name no target of their own, and what is told of them elsewhere is
hearsay. A loudness is where a service plays music, not a loudness that a master must have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from linernotes.model import Meters

__all__ = ["TARGETS", "Check", "Target", "checked"]


@dataclass(frozen=True, slots=True)
class Target:
    """One published target.

    ``tolerance_lu`` None: the service turns louder and quieter masters to its loudness, so none is wrong.
    ``loud_peak_dbtp`` holds for masters louder than the target; ``codec`` is the start of the codecs' names after which
    nothing may reach full scale.
    """

    name: str
    loudness_lufs: float | None
    peak_dbtp: float | None
    source: str
    title: str
    loud_peak_dbtp: float | None = None
    tolerance_lu: float | None = None
    headroom_db: float = 1.0
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """How a master stands to one target: ``met`` is None where it could not be told."""

    target: Target
    met: bool | None
    words: str


_SPOTIFY = "https://support.spotify.com/us/artists/article/loudness-normalization"
_AES = "https://www.aes.org/technical/documents/AESTD1008.1.21-9.pdf"
_EBU = "https://tech.ebu.ch/publications/r128"
_APPLE = "https://www.apple.com/apple-music/apple-digital-masters/docs/apple-digital-masters.pdf"

TARGETS = (
    Target("Spotify", -14.0, -1.0, _SPOTIFY, "Spotify for Artists: Loudness normalization", loud_peak_dbtp=-2.0),
    Target("AES streaming, single song", -16.0, -1.0, _AES, "AES TD1008.1.21-9 (2021)"),
    Target("AES streaming, loudest of an album", -14.0, -1.0, _AES, "AES TD1008.1.21-9 (2021)"),
    Target("Apple Digital Masters", None, None, _APPLE, "Apple Digital Masters technology brief", codec="aac"),
    Target("EBU R 128 broadcast", -23.0, -1.0, _EBU, "EBU R 128 v4.0 (2020), in production", tolerance_lu=1.0),
)
"""In the order in which they are told."""


def checked(meters: Meters, coded: Mapping[str, float]) -> Sequence[Check]:
    """Hold a master against every target; ``coded`` are its true peaks in dBTP after codecs, by their names."""
    checks = [_after_codec(target, coded) if target.codec else _check(target, meters) for target in TARGETS]
    return [replace(each, words=each.words.replace("-", "\N{MINUS SIGN}")) for each in checks]


def _check(target: Target, meters: Meters) -> Check:
    assert target.loudness_lufs is not None
    assert target.peak_dbtp is not None
    change_lu = target.loudness_lufs - meters.integrated_lufs
    limit_dbtp = target.peak_dbtp
    if target.loud_peak_dbtp is not None and change_lu < -0.05:
        limit_dbtp = target.loud_peak_dbtp
    peak_is_fine = meters.true_peak_dbtp <= limit_dbtp + 0.05  # as it would be printed
    peak = f"true peak {meters.true_peak_dbtp:.1f} of at most {limit_dbtp:g} dBTP"
    if target.tolerance_lu is not None:
        fits = abs(change_lu) <= target.tolerance_lu + 0.05
        words = f"{meters.integrated_lufs:.1f} of {target.loudness_lufs:g} LUFS ±{target.tolerance_lu:g}; {peak}"
        return Check(target, fits and peak_is_fine, words)
    return Check(target, peak_is_fine, f"{_played(change_lu, target, meters)}; {peak}")


def _played(change_lu: float, target: Target, meters: Meters) -> str:
    if abs(change_lu) < 0.05:
        return "played as it is"
    if change_lu < 0:
        return f"played {-change_lu:.1f} dB quieter"
    possible_db = min(change_lu, max(0.0, -target.headroom_db - meters.true_peak_dbtp))
    return f"played {possible_db:.1f} dB louder" if possible_db >= 0.05 else "played as it is: its peaks leave no room"


def _after_codec(target: Target, coded: Mapping[str, float]) -> Check:
    peaks = {name: peak for name, peak in coded.items() if name.startswith(target.codec)}
    if not peaks:
        return Check(target, None, f"not checked: no {target.codec.upper()} was asked for")
    name, peak = max(peaks.items(), key=lambda item: item[1])
    return Check(target, peak <= 0, f"true peak {peak:.1f} dBTP after {name}; nothing may clip")
