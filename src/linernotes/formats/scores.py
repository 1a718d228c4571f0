"""Any file of notated music, by what is in it: MIDI, MusicXML, ABC, kern."""

from pathlib import Path

from linernotes.errors import FormatError
from linernotes.formats.abc import read_abc
from linernotes.formats.kern import read_kern
from linernotes.formats.midi import read_midi
from linernotes.formats.musicxml import read_musicxml
from linernotes.model.scores import Score

__all__ = ["read_score"]

_BYTES_MAX = 16 << 20


def read_score(path: Path) -> Score:
    """Read a score; FormatError if it is none of these, damaged, without notes or over 16 MiB."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}", code="score") from None
    if len(data) > _BYTES_MAX:
        raise FormatError(f"{path}: over {_BYTES_MAX >> 20} MiB, more than any score", code="score")
    where, head = str(path), data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"MThd"):
        return read_midi(data, where=where)
    if head.startswith((b"PK", b"<")):
        return read_musicxml(data, where=where)
    if b"**kern" in data:
        return read_kern(data, where=where)
    if b"X:" in head and b"K:" in data:
        return read_abc(data, where=where)
    raise FormatError(f"{path}: neither MIDI, MusicXML, ABC nor kern", code="score")
