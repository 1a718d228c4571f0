"""An ID3v2.4 tag, as the ``id3`` chunk of a WAV file holds it.

**Source**: ID3 tag version 2.4.0, structure and native frames (id3.org, 2000).
"""

import struct

from linernotes.audio.around import Sleeve

__all__ = ["tag"]

_FRAMES = {
    "TITLE": b"TIT2",
    "ARTIST": b"TPE1",
    "ALBUM": b"TALB",
    "ALBUMARTIST": b"TPE2",
    "TRACKNUMBER": b"TRCK",
    "DISCNUMBER": b"TPOS",
    "DATE": b"TDRC",
    "GENRE": b"TCON",
    "COMPOSER": b"TCOM",
    "LYRICIST": b"TEXT",
    "COPYRIGHT": b"TCOP",
    "ORGANIZATION": b"TPUB",
    "ISRC": b"TSRC",
    "BPM": b"TBPM",
    "LANGUAGE": b"TLAN",
}
_UTF8 = b"\x03"


def tag(sleeve: Sleeve) -> bytes:
    """Write tags and pictures as one tag; empty where there are none."""
    values: dict[str, list[str]] = {}
    for name, value in sleeve.tags:
        if name.startswith("CHAPTER"):  # FLAC's way to name cue points, which have chunks of their own here
            continue
        values.setdefault(name, []).append(value)
    frames = [_text(name, several) for name, several in values.items()]
    for picture in sleeve.pictures:
        head = _UTF8 + picture.media_type.encode("latin-1", "replace") + b"\0" + bytes([picture.kind])
        frames.append(_frame(b"APIC", head + picture.description.encode() + b"\0" + picture.data))
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + _synchsafe(len(body)) + body if body else b""


def _text(name: str, values: list[str]) -> bytes:
    if name == "COMMENT":
        return _frame(b"COMM", _UTF8 + b"und\0" + "\n".join(values).encode())
    text = "; ".join(values).encode()  # 2.4 would separate them by a zero, where most readers stop
    if name in _FRAMES:
        return _frame(_FRAMES[name], _UTF8 + text)
    return _frame(b"TXXX", _UTF8 + name.encode() + b"\0" + text)


def _frame(kind: bytes, body: bytes) -> bytes:
    return kind + _synchsafe(len(body)) + b"\0\0" + body


def _synchsafe(size: int) -> bytes:
    """Write seven bits a byte: 257 is 00 00 02 01."""
    return struct.pack("4B", *(size >> shift & 0x7F for shift in (21, 14, 7, 0)))
