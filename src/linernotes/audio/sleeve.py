"""Reading what is around the sound, so that it survives what is done to the sound."""

import base64
from pathlib import Path

from linernotes.audio import flac, riff
from linernotes.audio.around import Cue, Picture, Sleeve, canonical
from linernotes.audio.decoding import surroundings

__all__ = ["Cue", "Picture", "Sleeve", "read_sleeve"]

_BACK, _FRONT = 4, 3


def read_sleeve(path: Path | str) -> Sleeve:
    """Read the tags, pictures and cue points of a file.

    Raises
    ------
    NotFoundError if there is no such file; DecodeError if it cannot be read
    """
    path = Path(path)
    info, found = surroundings(path)
    pictures = tuple(
        Picture(each["media_type"], base64.b64decode(each["data"]), _BACK if "back" in each["role"].lower() else _FRONT)
        for each in found["pictures"]
    )
    cues = tuple(Cue(round(each["start_s"] * info.sample_rate_hz), each["title"]) for each in found["chapters"])
    if blocks := flac.read_blocks(path):
        tags = flac.comments(blocks)
        return Sleeve(tags, flac.pictures(blocks), flac.cues(blocks, tags) or cues, "flac", blocks)
    if chunks := riff.read_chunks(path):
        return Sleeve(canonical(info.tags), pictures, riff.cues(chunks) or cues, "wav", chunks)
    return Sleeve(canonical(info.tags), pictures, cues)
