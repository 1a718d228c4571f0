"""FLAC: the metadata blocks around the frames, read and written.

**Source**: RFC 9639, Free Lossless Audio Codec, section 8.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from linernotes.audio.around import Cue, Picture, Sleeve, stale

__all__ = ["STREAM_INFO_BYTES", "blocks", "comments", "cues", "pictures", "read_blocks", "stream_info"]

STREAM_INFO_BYTES = 34
_INFO, _COMMENT, _CUESHEET, _PICTURE = b"\0", b"\4", b"\5", b"\6"
_BLOCK_BYTES_MAX = (1 << 24) - 1
_BLOCKS_MAX = 1000
_LEAD_OUT = 255  # of a cue sheet that is no compact disc's
_TRACKS_MAX = 254
_VENDOR = b"Linernotes"


def read_blocks(path: Path) -> tuple[tuple[bytes, bytes], ...]:
    """Read comments, pictures and the cue sheet as (kind, body); none where it is no FLAC."""
    return tuple((kind, body) for kind, body in _walk(path) if kind in (_COMMENT, _CUESHEET, _PICTURE))


def _walk(path: Path) -> Iterator[tuple[bytes, bytes]]:
    with path.open("rb") as handle:
        if handle.read(4) != b"fLaC":
            return
        for _ in range(_BLOCKS_MAX):
            frame = handle.read(4)
            if len(frame) < 4:
                return
            yield bytes([frame[0] & 0x7F]), handle.read(int.from_bytes(frame[1:], "big"))
            if frame[0] & 0x80:
                return


def comments(found: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Read the tags out of blocks, without those that are not true of a new file."""
    body = next((body for kind, body in found if kind == _COMMENT), b"")
    texts = list(_texts(body))
    pairs = (text.partition("=")[::2] for text in texts)
    return tuple((name.upper(), value) for name, value in pairs if value and not stale(name))


def _texts(body: bytes) -> Iterator[str]:
    """Yield the comments behind the vendor; a body that is cut short ends them."""
    if len(body) < 4:
        return
    at = 4 + struct.unpack_from("<I", body)[0] + 4  # the vendor, and the number of comments
    while at + 4 <= len(body):
        length = struct.unpack_from("<I", body, at)[0]
        yield body[at + 4 : at + 4 + length].decode("utf-8", "replace")
        at += 4 + length


def pictures(found: Iterable[tuple[bytes, bytes]]) -> tuple[Picture, ...]:
    """Read the pictures out of blocks."""
    return tuple(filter(None, (_picture(body) for kind, body in found if kind == _PICTURE)))


def _picture(body: bytes) -> Picture | None:
    try:
        kind, length = struct.unpack_from(">II", body)
        at = 8 + length
        (worded,) = struct.unpack_from(">I", body, at)
        (size,) = struct.unpack_from(">I", body, at + 4 + worded + 16)
    except struct.error:
        return None
    description = body[at + 4 : at + 4 + worded].decode("utf-8", "replace")
    start = at + 4 + worded + 20
    return Picture(body[8:at].decode("ascii", "replace"), body[start : start + size], min(kind, 20), description)


def cues(found: Iterable[tuple[bytes, bytes]], tags: Iterable[tuple[str, str]]) -> tuple[Cue, ...]:
    """Read the starts of a cue sheet's tracks, labelled by CHAPTER tags where there are any."""
    body = next((body for kind, body in found if kind == _CUESHEET), b"")
    labels = {name[7:-4]: value for name, value in tags if name.startswith("CHAPTER") and name.endswith("NAME")}
    starts, at = [], 396
    while at + 36 <= len(body):
        offset, number = struct.unpack_from(">QB", body, at)
        n_points = body[at + 35]
        if number not in (_LEAD_OUT, 170):
            first = struct.unpack_from(">Q", body, at + 36)[0] if n_points and at + 44 <= len(body) else 0
            starts.append(Cue(offset + first, labels.get(f"{number:03}", "")))
        at += 36 + 12 * n_points
    return tuple(starts)


def blocks(sleeve: Sleeve, *, sample_rate_hz: int, n_samples: int) -> bytes:
    """Write all blocks behind the stream's; ``n_samples`` is where a cue sheet leads out."""
    if sleeve.container == "flac":
        bodies = [(kind, body) for kind, body in sleeve.verbatim if kind != _COMMENT]
    else:
        bodies = [(_PICTURE, _picture_body(picture)) for picture in sleeve.pictures]
        if sleeve.cues:
            bodies.append((_CUESHEET, _cue_sheet(sleeve.cues[:_TRACKS_MAX], n_samples)))
    # Readers that know both take a chapter's name from the comments, which must come last for that.
    tags = sleeve.tags if sleeve.container == "flac" else sleeve.tags + _chapters(sleeve.cues, sample_rate_hz)
    bodies = [each for each in [*bodies, (_COMMENT, _comment_body(tags))] if len(each[1]) <= _BLOCK_BYTES_MAX]
    return b"".join(
        bytes([kind[0] | (0x80 if n == len(bodies) else 0)]) + len(body).to_bytes(3, "big") + body
        for n, (kind, body) in enumerate(bodies, 1)
    )


def _comment_body(tags: Iterable[tuple[str, str]]) -> bytes:
    texts = [f"{name}={value}".encode() for name, value in tags]
    listed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", len(texts)) + listed


def _picture_body(picture: Picture) -> bytes:
    kind, words = picture.media_type.encode("ascii", "replace"), picture.description.encode()
    sized = struct.pack(">I", len(kind)) + kind + struct.pack(">I", len(words)) + words
    return struct.pack(">I", picture.kind) + sized + bytes(16) + struct.pack(">I", len(picture.data)) + picture.data


def _cue_sheet(points: Iterable[Cue], n_samples: int) -> bytes:
    tracks = [
        struct.pack(">QB", cue.start, number) + bytes(12) + bytes(14) + b"\1" + struct.pack(">QB", 0, 1) + bytes(3)
        for number, cue in enumerate(points, 1)
    ]
    tracks.append(struct.pack(">QB", n_samples, _LEAD_OUT) + bytes(12) + bytes(14) + b"\0")
    return bytes(128) + bytes(8) + bytes(259) + bytes([len(tracks)]) + b"".join(tracks)


def _chapters(points: Iterable[Cue], sample_rate_hz: int) -> tuple[tuple[str, str], ...]:
    told: list[tuple[str, str]] = []
    for number, cue in enumerate(points, 1):
        ms = round(1000 * cue.start / sample_rate_hz)
        clock = f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
        told += [(f"CHAPTER{number:03}", clock), (f"CHAPTER{number:03}NAME", cue.label)] if cue.label else []
    return tuple(told)


def stream_info(
    *, sizes: Iterable[tuple[int, int]], sample_rate_hz: int, channels: int, bits: int, n_samples: int, md5: bytes
) -> bytes:
    """Write the first block's body; ``sizes`` are (samples, bytes) of each frame."""
    frames = list(sizes)
    full = [samples for samples, _ in frames[:-1]] or [samples for samples, _ in frames] or [4096]
    lengths = [length for _, length in frames] or [0]
    packed = sample_rate_hz << 44 | (channels - 1) << 41 | (bits - 1) << 36 | n_samples
    head = struct.pack(">HH", max(16, min(full)), max(16, *full))
    return head + min(lengths).to_bytes(3, "big") + max(lengths).to_bytes(3, "big") + packed.to_bytes(8, "big") + md5
