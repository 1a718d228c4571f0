"""The bounded child in which untrusted files are decoded: ``python -m linernotes.decoder FD``.

One process is started once and forks for each file (about a millisecond), so that a file that crashes, hangs or
eats memory takes only its own fork along. It imports nothing of ours.

Conventions
-----------
The parent sends a request (JSON) and the writing end of a pipe over the socket FD; the fork writes messages to the
pipe, each a kind (one byte), a length (four bytes, little endian) and a payload: ``P`` its process id, ``I`` what the
file is (JSON), ``A`` samples (interleaved float32), ``E`` how it ended (JSON). A pipe that ends without ``E`` means
that the fork was killed.
"""

import base64
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import av.audio
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["main"]

REQUEST_BYTES_MAX = 1 << 16
CHANNELS_MAX = 6
PICTURES_BYTES_MAX = 16 << 20  # of all covers together; FLAC can hold no larger one
CHAPTERS_MAX = 1000
SEEK_FROM_S = 120.0
SEEK_LEAD_S = 5.0  # decoders need a few frames to settle
# Only plain containers: playlists, concatenations and device formats would let a file open other files.
DEMUXERS = (
    "aac,aiff,ape,asf,au,avi,caf,dsf,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,opus,rf64,tta,w64,"
    "wav,wv"
)

LOSSLESS = frozenset(["alac", "ape", "flac", "tta", "wavpack"])
MEDIA_TYPES = {"mjpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp"}

# How much of each speaker the left channel takes; the right one takes its mirror image.
_LEFT = {"FL": 1.0, "FC": 2**-0.5, "BL": 2**-0.5, "SL": 2**-0.5, "BC": 0.5}
_MIRROR = {"FL": "FR", "FR": "FL", "BL": "BR", "BR": "BL", "SL": "SR", "SR": "SL"}
# FFmpeg's sample formats: dtype, zero level, scale to ±1.
_SAMPLES = {
    "u8": (np.uint8, 128.0, 2.0**-7),
    "s16": (np.int16, 0.0, 2.0**-15),
    "s32": (np.int32, 0.0, 2.0**-31),
    "s64": (np.int64, 0.0, 2.0**-63),
    "flt": (np.float32, 0.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0),
}


class RefusedError(Exception):
    """The file cannot be decoded; ``code`` and text go to the parent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Pipe:
    """Writes messages to the parent."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, kind: bytes, payload: bytes | bytearray) -> None:
        """Write one message whole."""
        view = memoryview(kind + struct.pack("<I", len(payload)) + payload)
        while view:
            view = view[os.write(self.fd, view) :]

    def send_json(self, kind: bytes, value: dict[str, Any]) -> None:
        """Write one message of JSON."""
        self.send(kind, json.dumps(value).encode())


def limit(request: dict[str, Any]) -> None:
    """Bound this process: memory, processor time, no files written, no core left behind."""
    memory_bytes = request["memory_mib"] << 20
    time_s = max(1, round(request["time_s"]))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (time_s, time_s + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def out_of_time(*_: object) -> None:
        raise RefusedError("time", f"decoding took more than {time_s} s of processor time")

    signal.signal(signal.SIGXCPU, out_of_time)


def describe(container: av.container.InputContainer, stream: av.AudioStream) -> dict[str, Any]:
    """Say what the file is: rate, channels, codec, announced length, tags."""
    tags = {k.lower(): v for k, v in (container.metadata | stream.metadata).items()}
    duration_s = 0.0
    if stream.duration is not None and stream.time_base is not None:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration_s = container.duration / 1_000_000
    return {
        "sample_rate_hz": stream.rate,
        "channels": stream.channels,
        "codec": stream.codec_context.name,
        "announced_s": duration_s,
        "tags": tags,
        "bits": bits(stream.codec_context),
    }


def bits(codec: av.AudioCodecContext) -> int:
    """Tell how many bits a sample has, 32 being floating point; 0 where the codec does not keep every sample."""
    if codec.name.startswith("pcm_"):
        digits = "".join(filter(str.isdigit, codec.name.split("_")[1]))
        return int(digits) if digits else 16  # A-law and µ-law
    if codec.name not in LOSSLESS:
        return 0
    return 16 if codec.format.bits <= 16 else 24


def around(container: av.container.InputContainer) -> dict[str, Any]:
    """Return the covers and the chapters of a file."""
    covers = [stream for stream in container.streams.video if stream.disposition & av.stream.Disposition.attached_pic]
    chapters = [
        {
            "start_s": float(chapter["start"] * (chapter["time_base"] or 0)),
            "title": chapter["metadata"].get("title", ""),
        }
        for chapter in container.chapters()[:CHAPTERS_MAX]
    ]
    pictures, room_bytes = list[dict[str, str]](), PICTURES_BYTES_MAX
    for packet in container.demux(covers) if covers else ():
        if packet.size and len(pictures) < len(covers) and packet.size <= room_bytes:
            room_bytes -= packet.size
            named = packet.stream.metadata
            kind = MEDIA_TYPES.get(packet.stream.codec_context.name, "")
            data = base64.b64encode(bytes(packet)).decode()
            pictures.append({"media_type": kind, "role": named.get("comment", ""), "data": data})
        if not packet.size or len(pictures) == len(covers):
            break
    return {"pictures": pictures, "chapters": chapters}


def decoded(
    container: av.container.InputContainer, stream: av.AudioStream, skipped: list[str]
) -> Iterator[av.AudioFrame]:
    """Decode packet by packet; a broken packet is skipped and noted, as players do."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except av.error.FFmpegError as error:
            skipped.append(str(error))
            return
        try:
            yield from packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            skipped.append(str(error))


def opened(path: str) -> tuple[av.container.InputContainer, av.AudioStream]:
    """Open the file and its first audio stream, or refuse in words."""
    if Path(path).stat().st_size == 0:
        raise RefusedError("empty", "the file is empty")
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise RefusedError("unreadable", f"not a sound file that can be read ({error.strerror})") from None
    if not container.streams.audio:
        raise RefusedError("no_audio", "no audio inside")
    stream = container.streams.audio[0]
    try:
        rate, channels = stream.rate, stream.channels
    except (AttributeError, ValueError):
        rate, channels = 0, 0
    if not rate or not channels:
        raise RefusedError("unreadable", "not a sound file that can be read (no decodable audio inside)")
    if channels > CHANNELS_MAX:
        raise RefusedError(
            "channels",
            f"{channels} channels; at most {CHANNELS_MAX} (5.1) are mixed down: give a mono or stereo mix",
        )
    stream.codec_context.thread_type = "NONE"
    return container, stream


def mixing_matrix(names: list[str], channels: int) -> NDArray[np.float32]:
    """Weights of shape (inputs, channels): ITU-R BS.775 fold-down, low-frequency effects left out, columns sum to 1."""
    if len(names) == channels:
        return np.eye(channels, dtype=np.float32)
    left = np.array([_LEFT.get(name, 0.0) for name in names], np.float32)
    right = np.array([_LEFT.get(_MIRROR.get(name, name), 0.0) for name in names], np.float32)
    if len(names) == 1 or not (left.any() and right.any()):
        left = right = np.ones(len(names), np.float32)
    matrix = np.stack([left / left.sum(), right / right.sum()], axis=1)
    return matrix if channels == 2 else matrix.mean(axis=1, keepdims=True)


class Shaper:
    """Turns decoded frames into interleaved float32 blocks at the wanted rate and number of channels.

    Frames are gathered and converted a second at a time: a frame holds some 20 ms, and per-frame work in Python would
    cost more than the decoding.
    """

    def __init__(self, frame: av.AudioFrame, *, sample_rate_hz: int, channels: int) -> None:
        self.key = self.key_of(frame)
        self.format, self.rate = frame.format, frame.sample_rate
        names = [channel.name for channel in frame.layout.channels]
        self.width = len(names)
        self.matrix = mixing_matrix(names, channels)
        self.dtype, self.offset, self.scale = _SAMPLES[self.format.packed.name]
        self.planes = [bytearray() for _ in range(self.width if self.format.is_planar else 1)]
        self.frame_bytes = self.format.bytes * (1 if self.format.is_planar else self.width)
        self.resampler = None
        if sample_rate_hz != self.rate:
            self.resampler = soxr.ResampleStream(self.rate, sample_rate_hz, channels, np.float32, "MQ")

    @staticmethod
    def key_of(frame: av.AudioFrame) -> tuple[str, str, int]:
        """Tell what may not change within one shaper."""
        return frame.format.name, frame.layout.name, frame.sample_rate

    def add(self, frame: av.AudioFrame) -> bool:
        """Take one frame; True when about a second has gathered."""
        size_bytes = frame.samples * self.frame_bytes
        for plane, source in zip(self.planes, frame.planes, strict=False):
            plane.extend(memoryview(source)[:size_bytes])  # planes are padded
        return len(self.planes[0]) >= self.rate * self.frame_bytes

    def take(self, *, last: bool = False) -> NDArray[np.float32]:
        """Return what has gathered, shape (n, channels)."""
        inputs = [np.frombuffer(plane, self.dtype) for plane in self.planes]
        self.planes = [bytearray() for _ in self.planes]
        if not self.format.is_planar:
            inputs = list(inputs[0].reshape(-1, self.width).T)
        block = np.empty((len(inputs[0]), self.matrix.shape[1]), np.float32)
        for column, weights in enumerate(self.matrix.T * self.scale):
            mixed = None
            for weight, samples in zip(weights, inputs, strict=True):
                if weight:
                    part = np.multiply(samples, weight, dtype=np.float32)
                    mixed = part if mixed is None else np.add(mixed, part, out=mixed)
            block[:, column] = mixed
        if self.offset:
            block -= self.offset * self.scale
        return block if self.resampler is None else self.resampler.resample_chunk(block, last=last)


def blocks(frames: Iterable[av.AudioFrame], *, sample_rate_hz: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of shape (n, channels) at the wanted rate; a stream that changes its format gets a new shaper."""
    shaper: Shaper | None = None
    for frame in frames:
        if shaper is None or shaper.key != Shaper.key_of(frame):
            if shaper is not None:
                yield shaper.take(last=True)
            shaper = Shaper(frame, sample_rate_hz=sample_rate_hz, channels=channels)
        if shaper.add(frame):
            yield shaper.take()
    if shaper is not None:
        yield shaper.take(last=True)


def from_about(
    start_s: float, container: av.container.InputContainer, stream: av.AudioStream, skipped: list[str]
) -> tuple[float, Iterator[av.AudioFrame]]:
    """Return frames from ``start_s`` or earlier on, and when the first one sounds; early starts are decoded exactly."""
    if start_s < SEEK_FROM_S:
        return 0.0, decoded(container, stream, skipped)
    container.seek(round((start_s - SEEK_LEAD_S) * 1_000_000))
    frames = decoded(container, stream, skipped)
    first = next(frames, None)
    if first is None:
        return 0.0, iter(())
    return first.time or 0.0, chain([first], frames)


def deliver(pipe: Pipe, request: dict[str, Any]) -> dict[str, Any]:
    """Send the file's samples inside ``[start_s, stop_s)``; return how it ended."""
    container, stream = opened(request["path"])
    skipped: list[str] = []
    with container:
        pipe.send_json(b"I", describe(container, stream))
        if request.get("only_surroundings"):
            return around(container)
        rate, channels = request["sample_rate_hz"] or stream.rate, request["channels"] or min(stream.channels, 2)
        first, last = round(request["start_s"] * rate), round(min(request["stop_s"], request["length_s"]) * rate)
        begin_s, frames = from_about(request["start_s"], container, stream, skipped)
        position = begin = round(begin_s * rate)
        for block in blocks(frames, sample_rate_hz=rate, channels=channels):
            inside = block[max(0, first - position) : max(0, last - position)]
            position += len(block)
            if len(inside):
                pipe.send(b"A", inside.tobytes())
            if position > last:
                break
        if position > last and request["length_s"] <= request["stop_s"]:
            raise RefusedError("length", f"longer than {request['length_s']:g} s")
    if position == begin:
        reason = f" ({skipped[0]})" if skipped else ""
        raise RefusedError("unreadable", f"not a sound file that can be read: no audio could be decoded{reason}")
    return {"decoded_s": position / rate, "skipped_packets": len(skipped), "stopped": position > last}


def serve_one(fd: int, request: dict[str, Any]) -> None:
    """Decode one file inside its own bounded process."""
    pipe = Pipe(fd)
    pipe.send(b"P", struct.pack("<I", os.getpid()))
    try:
        limit(request)
        ended = deliver(pipe, request)
    except RefusedError as refusal:
        ended = {"code": refusal.code, "message": str(refusal)}
    except (MemoryError, av.error.MemoryError):
        ended = {"code": "memory", "message": f"decoding needs more than {request['memory_mib']} MiB of memory"}
    except (OSError, av.error.FFmpegError, ValueError) as error:
        ended = {"code": "unreadable", "message": f"cannot be decoded ({error})"}
    pipe.send_json(b"E", ended)


def main(control_fd: int) -> None:
    """Fork for each request until the parent closes the socket."""
    av.logging.set_level(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    control = socket.socket(fileno=control_fd)
    while True:
        message, fds, _, _ = socket.recv_fds(control, REQUEST_BYTES_MAX, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            try:
                serve_one(fds[0], json.loads(message))
            except BrokenPipeError:
                pass  # the parent wants no more
            finally:
                os._exit(0)
        os.close(fds[0])


if __name__ == "__main__":
    main(int(sys.argv[1]))
