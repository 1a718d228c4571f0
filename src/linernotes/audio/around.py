"""What is around the sound in a file: tags, pictures, cue points.

Conventions
-----------
Tag names are those of Vorbis comments, in capitals; a name may occur more than once. A cue point counts samples
from the start. ``verbatim`` keeps the chunks or blocks of the container that they came in, so that from WAV to WAV
and from FLAC to FLAC nothing is lost that only that container can say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Cue", "Picture", "Sleeve", "canonical", "stale"]

_NAMES = {
    "album_artist": "ALBUMARTIST",
    "track": "TRACKNUMBER",
    "disc": "DISCNUMBER",
    "publisher": "ORGANIZATION",
    "tsrc": "ISRC",
    "year": "DATE",
    "date_released": "DATE",
}
# What says how the old file was made or how loud it was is not true of a new one.
_STALE = (
    "replaygain",
    "r128_",
    "itunnorm",
    "itunsmpb",
    "encoder",
    "encoded_by",
    "encoding",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "handler_name",
    "vendor_id",
    "waveformatextensible_channel_mask",
    "umid",
    "time_reference",
    "coding_history",
    "loudness_",
    "max_true_peak",
    "max_momentary",
    "max_short_term",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover; ``kind`` as in ID3 and FLAC: 3 is the front."""

    media_type: str
    data: bytes = field(repr=False)
    kind: int = 3
    description: str = ""


@dataclass(frozen=True, slots=True)
class Cue:
    """A named place in the sound."""

    start: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """All of it; ``container`` says whose chunks ``verbatim`` holds."""

    tags: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    cues: tuple[Cue, ...] = ()
    container: str = ""
    verbatim: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)


def canonical(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Name tags as Vorbis comments do, without those that are not true of a new file.

    Check: ``canonical({"track": "3", "encoder": "Lavf"}) == (("TRACKNUMBER", "3"),)``.
    """
    kept = {key.lower(): value for key, value in tags.items() if value}
    return tuple((_NAMES.get(key, key.upper()), value) for key, value in kept.items() if not stale(key))


def stale(name: str) -> bool:
    """Tell whether a tag describes the file it came in and not the music."""
    return name.lower().startswith(_STALE)
