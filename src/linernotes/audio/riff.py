"""WAV: the chunks around the sound, read and written, and the header that grows to RF64 beyond 4 GiB.

**Source**: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991); EBU Tech 3306 (RF64),
EBU Tech 3285 (the broadcast extension ``bext``).
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from linernotes.audio import id3
from linernotes.audio.around import Cue, Sleeve

__all__ = ["chunks", "cues", "head", "missing_bytes", "read_chunks", "sizes"]

_KEPT = frozenset([b"LIST", b"cue ", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cart", b"smpl", b"_PMX"])
_KEPT_BYTES_MAX = 32 << 20
_CHUNKS_MAX = 10_000
_INFO = {
    "TITLE": b"INAM",
    "ARTIST": b"IART",
    "ALBUM": b"IPRD",
    "DATE": b"ICRD",
    "GENRE": b"IGNR",
    "COMMENT": b"ICMT",
    "COPYRIGHT": b"ICOP",
    "TRACKNUMBER": b"IPRT",
    "ISRC": b"ISRC",
    "COMPOSER": b"IMUS",
    "ORGANIZATION": b"IPUB",
}
_PCM, _FLOAT = 1, 3
_4GIB = 0xFFFFFFFF
_STREAMED_BYTES = 0x7FFFF000  # who writes into a pipe announces this or more
_JUNK_BYTES = 28  # room for ds64
_BEXT_LOUDNESS = slice(412, 422)


def read_chunks(path: Path) -> tuple[tuple[bytes, bytes], ...]:
    """Read the chunks of a WAV file that say something of the music, as (name, body); none where it is no WAV."""
    found, room_bytes = [], _KEPT_BYTES_MAX
    for name, body in _walk(path):
        if name in _KEPT and len(body) <= room_bytes:
            room_bytes -= len(body)
            found.append((name, _unmeasured(body) if name == b"bext" else body))
    return tuple(found)


def _walk(path: Path) -> Iterator[tuple[bytes, bytes]]:
    size_bytes = path.stat().st_size
    with path.open("rb") as handle:
        start = handle.read(12)
        if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
            return
        long_data = 0
        for _ in range(_CHUNKS_MAX):
            frame = handle.read(8)
            if len(frame) < 8:
                return
            name, length = frame[:4], struct.unpack("<I", frame[4:])[0]
            if name == b"data" and length == _4GIB:
                length = long_data
            at = handle.tell()
            if name != b"data" and at + length <= size_bytes and length <= _KEPT_BYTES_MAX:
                body = handle.read(length)
                if name == b"ds64" and length >= 16:
                    long_data = struct.unpack("<Q", body[8:16])[0]
                yield name, body
            if at + length > size_bytes:
                return
            handle.seek(at + length + length % 2)


def missing_bytes(path: Path) -> int:
    """Tell how many bytes of sound a WAV file announces and does not hold; 0 where it is no WAV, or was streamed."""
    with path.open("rb") as handle:
        if handle.read(12)[:4] != b"RIFF":
            return 0
        while len(frame := handle.read(8)) == 8:
            length = struct.unpack("<I", frame[4:])[0]
            if frame[:4] == b"data":
                missing = handle.tell() + length - path.stat().st_size
                return missing if missing > 0 and length < _STREAMED_BYTES else 0
            handle.seek(length + length % 2, 1)
    return 0


def _unmeasured(bext: bytes) -> bytes:
    """Blank the loudness that a broadcast extension states: it is that of the sound before."""
    if len(bext) < _BEXT_LOUDNESS.stop:
        return bext
    return bext[: _BEXT_LOUDNESS.start] + struct.pack("<5h", *[0x7FFF] * 5) + bext[_BEXT_LOUDNESS.stop :]


def cues(found: Iterable[tuple[bytes, bytes]]) -> tuple[Cue, ...]:
    """Read the cue points and their labels out of chunks."""
    starts: dict[int, int] = {}
    labels: dict[int, str] = {}
    for name, body in found:
        if name == b"cue " and len(body) >= 4:
            n_points = min(struct.unpack("<I", body[:4])[0], (len(body) - 4) // 24)
            for point in range(n_points):
                number, _, _, _, _, start = struct.unpack_from("<II4sIII", body, 4 + 24 * point)
                starts[number] = start
        elif name == b"LIST" and body[:4] == b"adtl":
            labels |= dict(_labels(body))
    return tuple(Cue(start, labels.get(number, "")) for number, start in sorted(starts.items(), key=lambda c: c[1]))


def _labels(body: bytes) -> Iterator[tuple[int, str]]:
    at = 4
    while at + 12 <= len(body):
        name, length, number = struct.unpack_from("<4sII", body, at)
        if name == b"labl":
            text = body[at + 12 : at + 8 + length].split(b"\0")[0]
            yield number, text.decode("utf-8", "replace")
        at += 8 + length + length % 2


def chunks(sleeve: Sleeve) -> bytes:
    """Write what is around the sound: as it was where it comes from a WAV file, else as INFO, ID3 and cue points."""
    if sleeve.container == "wav":
        return b"".join(_chunk(name, body) for name, body in sleeve.verbatim)
    parts = []
    info = b"".join(_chunk(_INFO[name], value.encode() + b"\0") for name, value in sleeve.tags if name in _INFO)
    if info:
        parts.append(_chunk(b"LIST", b"INFO" + info))
    if sleeve.cues:
        numbered = list(enumerate(sleeve.cues, 1))
        points = [struct.pack("<II4sIII", n, cue.start, b"data", 0, 0, cue.start) for n, cue in numbered]
        parts.append(_chunk(b"cue ", struct.pack("<I", len(points)) + b"".join(points)))
        named = [(n, cue.label) for n, cue in numbered if cue.label]
        labels = [_chunk(b"labl", struct.pack("<I", n) + label.encode() + b"\0") for n, label in named]
        parts += [_chunk(b"LIST", b"adtl" + b"".join(labels))] if labels else []
    tag = id3.tag(sleeve)
    return b"".join([*parts, _chunk(b"id3 ", tag) if tag else b""])


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def head(*, sample_rate_hz: int, channels: int, bits: int) -> bytes:
    """Write everything before the samples, with room for sizes that are known when all is written."""
    frame_bytes = channels * bits // 8
    kind = _FLOAT if bits == 32 else _PCM
    form = struct.pack("<HHIIHH", kind, channels, sample_rate_hz, sample_rate_hz * frame_bytes, frame_bytes, bits)
    fact = _chunk(b"fact", bytes(4)) if kind == _FLOAT else b""
    start = b"RIFF" + bytes(4) + b"WAVE" + _chunk(b"JUNK", bytes(_JUNK_BYTES))
    return start + _chunk(b"fmt ", form + (b"\0\0" if kind == _FLOAT else b"")) + fact + b"data" + bytes(4)


def sizes(*, head_bytes: int, data_bytes: int, file_bytes: int, n_samples: int, bits: int) -> list[tuple[int, bytes]]:
    """Give the sizes as (place in the file, bytes): RIFF up to 4 GiB, RF64 beyond."""
    if file_bytes - 8 < _4GIB:
        fixed = [(4, struct.pack("<I", file_bytes - 8)), (head_bytes - 4, struct.pack("<I", data_bytes))]
    else:
        whole = b"ds64" + struct.pack("<IQQQI", _JUNK_BYTES, file_bytes - 8, data_bytes, n_samples, 0)
        fixed = [(0, b"RF64" + struct.pack("<I", _4GIB)), (12, whole), (head_bytes - 4, struct.pack("<I", _4GIB))]
    return [*fixed, (head_bytes - 12, struct.pack("<I", min(n_samples, _4GIB)))] if bits == 32 else fixed
