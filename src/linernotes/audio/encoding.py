"""Encoding: a whole array, or block by block into a file that appears when all of it is there."""

import fcntl
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import av
import numpy as np
from numpy.typing import NDArray

from linernotes.audio import flac, riff
from linernotes.audio.around import Sleeve
from linernotes.errors import ConflictError, ParameterError, StorageError

__all__ = ["Writer", "encode", "write"]

Samples = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int32]

_ENCODERS = {"wav": ("wav", "pcm_s16le"), "flac": ("flac", "flac"), "mp3": ("mp3", "libmp3lame"),
             "m4a": ("mp4", "aac"), "opus": ("ogg", "libopus")}  # fmt: skip
_LOSSY = frozenset(["mp3", "m4a", "opus"])
_BITS = {"wav": (16, 24, 32), "flac": (16, 24)}


def encode(
    samples: NDArray[np.float32],
    *,
    sample_rate_hz: int,
    suffix: str = "wav",
    bitrate_kbps: int = 128,
) -> bytes:
    """Encode samples of shape ``(n,)`` or ``(n, channels)``: ``wav`` (16 bit), ``flac``, ``mp3``, ``m4a``, ``opus``."""
    samples = samples.reshape(len(samples), -1)
    out = io.BytesIO()
    encoder = _Coded(out, suffix, sample_rate_hz, samples.shape[1], bitrate_kbps)
    for start in range(0, len(samples), sample_rate_hz):
        encoder.write(np.clip(samples[start : start + sample_rate_hz], -1.0, 1.0))
    encoder.close()
    return out.getvalue()


def write(path: Path, samples: NDArray[np.float32], *, sample_rate_hz: int, bitrate_kbps: int = 128) -> None:
    """Encode samples into a file, in the format its suffix names."""
    data = encode(samples, sample_rate_hz=sample_rate_hz, suffix=path.suffix[1:].lower(), bitrate_kbps=bitrate_kbps)
    path.write_bytes(data)


class _Encoder(Protocol):
    def write(self, block: Samples) -> None: ...

    def close(self) -> None: ...


class Writer:
    """A file written block by block: WAV (16, 24, 32 bit floating point), FLAC (16, 24), MP3, M4A, Opus.

    What is written stands under a hidden name and gets its own when all is there and on the disk, so that a crash
    leaves no half file; a second writer of the same file is refused. Samples beyond ±1 are clipped where the format
    is of whole numbers, and rounded, not dithered: that is the caller's art. Use it as a context manager; leaving by an
    error leaves nothing.

    Parameters
    ----------
    path : where it will be; the suffix names the format
    bits : of a sample, for WAV and FLAC
    sleeve : tags, pictures and cue points, for WAV and FLAC
    options : of the encoder, as libavcodec names them, for what is coded

    Raises
    ------
    ParameterError if the format cannot hold this; ConflictError if another process writes it; StorageError if the disk
    refuses
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate_hz: int,
        channels: int,
        bits: int = 16,
        bitrate_kbps: int = 128,
        sleeve: Sleeve | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.n_samples = path, 0
        suffix = path.suffix[1:].lower()
        if suffix not in _ENCODERS:
            raise ParameterError(f"{path}: cannot encode {suffix!r}: one of {', '.join(_ENCODERS)}")
        if suffix in _BITS and bits not in _BITS[suffix]:
            raise ParameterError(f"{path}: {suffix} holds {', '.join(map(str, _BITS[suffix]))} bits, not {bits}")
        self._partial = path.with_name(f".{path.name}.partial")
        self._handle = _locked(self._partial, path)
        form, around = (sample_rate_hz, channels, bits), sleeve or Sleeve()
        self._encoder: _Encoder
        if suffix == "wav":
            self._encoder = _Wav(self._handle, *form, around)
        elif suffix == "flac":
            self._encoder = _Flac(self._handle, *form, around)
        else:
            self._encoder = _Coded(self._handle, suffix, sample_rate_hz, channels, bitrate_kbps, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._handle.close()
            self._partial.unlink(missing_ok=True)

    def write(self, block: Samples) -> None:
        """Append samples of shape (n, channels); to WAV and FLAC also whole steps of their bits, as int32."""
        if not len(block):
            return
        try:
            self._encoder.write(block)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written ({error.strerror})") from None
        self.n_samples += len(block)

    def _finish(self) -> None:
        try:
            self._encoder.close()
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._partial.replace(self.path)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written ({error.strerror})") from None


def _locked(partial: Path, path: Path) -> IO[bytes]:
    """Open the hidden file for this process alone; what a killed run left in it is overwritten."""
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        handle = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise ConflictError(f"{path}: another process is writing this file") from None
    handle.truncate(0)
    return handle


def _whole(block: Samples, bits: int) -> NDArray[np.int32]:
    """Round samples to whole numbers of so many bits; what is whole already stays."""
    if block.dtype == np.int32:
        return block.astype(np.int32, copy=False)
    top = 2 ** (bits - 1)
    scaled: NDArray[np.float64] = np.rint(np.multiply(block, top, dtype=np.float64))
    return np.clip(scaled, -top, top - 1).astype(np.int32)


class _Wav:
    def __init__(self, handle: IO[bytes], sample_rate_hz: int, channels: int, bits: int, sleeve: Sleeve) -> None:
        self.handle, self.bits, self.frame_bytes = handle, bits, channels * bits // 8
        self.chunks = riff.chunks(sleeve)
        self.head_bytes = handle.write(riff.head(sample_rate_hz=sample_rate_hz, channels=channels, bits=bits))
        self.data_bytes = 0

    def write(self, block: Samples) -> None:
        if self.bits == 32:
            data = np.ascontiguousarray(block, "<f4").tobytes()
        elif self.bits == 16:
            data = _whole(block, 16).astype("<i2").tobytes()
        else:
            data = _whole(block, 24).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        self.data_bytes += self.handle.write(data)

    def close(self) -> None:
        self.handle.write(b"\0" * (self.data_bytes % 2) + self.chunks)
        fixed = riff.sizes(
            head_bytes=self.head_bytes,
            data_bytes=self.data_bytes,
            file_bytes=self.handle.tell(),
            n_samples=self.data_bytes // self.frame_bytes,
            bits=self.bits,
        )
        for at, size in fixed:
            self.handle.seek(at)
            self.handle.write(size)


class _Flac:
    """libavcodec makes the frames; the blocks before them, which it would make without pictures, are ours."""

    def __init__(self, handle: IO[bytes], sample_rate_hz: int, channels: int, bits: int, sleeve: Sleeve) -> None:
        self.handle, self.sleeve, self.bits = handle, sleeve, bits
        self.codec = av.CodecContext.create("flac", "w")
        self.codec.sample_rate, self.codec.layout = sample_rate_hz, "mono" if channels == 1 else "stereo"
        self.codec.format = "s16" if bits == 16 else "s32"
        self.codec.time_base = Fraction(1, sample_rate_hz)
        self.sizes: list[tuple[int, int]] = []
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.n_samples = 0
        handle.write(self._head())

    def _head(self) -> bytes:
        rate_hz = self.codec.sample_rate
        info = flac.stream_info(
            sizes=self.sizes,
            sample_rate_hz=rate_hz,
            channels=self.codec.channels,
            bits=self.bits,
            n_samples=self.n_samples,
            md5=self.md5.digest(),
        )
        blocks = flac.blocks(self.sleeve, sample_rate_hz=rate_hz, n_samples=self.n_samples)
        return b"fLaC" + bytes(1) + len(info).to_bytes(3, "big") + info + blocks

    def write(self, block: Samples) -> None:
        whole = _whole(block, self.bits)
        width = self.bits // 8
        self.md5.update(whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
        samples = whole.astype(np.int16) if self.bits == 16 else whole << 8
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), self.codec.format.name, self.codec.layout.name)
        frame.sample_rate, frame.pts = self.codec.sample_rate, self.n_samples
        frame.time_base = self.codec.time_base
        self.n_samples += len(block)
        self._keep(self.codec.encode(frame))

    def _keep(self, packets: Iterable["av.Packet[Any]"]) -> None:
        for packet in packets:
            if packet.size:
                self.sizes.append((packet.duration or 0, packet.size))
                self.handle.write(bytes(packet))

    def close(self) -> None:
        self._keep(self.codec.encode(None))
        self.handle.seek(0)
        self.handle.write(self._head())


class _Coded:
    """Any container that libavformat writes."""

    def __init__(  # noqa: PLR0917  (called in one place)
        self,
        out: IO[bytes],
        suffix: str,
        sample_rate_hz: int,
        channels: int,
        bitrate_kbps: int,
        options: Mapping[str, str] | None = None,
    ) -> None:
        if suffix not in _ENCODERS:
            raise ParameterError(f"cannot encode {suffix!r}: one of {', '.join(_ENCODERS)}")
        container_name, codec = _ENCODERS[suffix]
        self.layout, self.rate_hz, self.n_samples = "mono" if channels == 1 else "stereo", sample_rate_hz, 0
        self.container = av.open(out, "w", format=container_name)
        stream = self.container.add_stream(codec, rate=sample_rate_hz, options=dict(options or {}), layout=self.layout)
        assert isinstance(stream, av.AudioStream)
        self.stream = stream
        if suffix in _LOSSY:
            stream.bit_rate = bitrate_kbps * 1000

    def write(self, block: Samples) -> None:
        packed = np.ascontiguousarray(block.reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(packed, "flt", self.layout)
        frame.sample_rate, frame.pts = self.rate_hz, self.n_samples
        self.n_samples += len(block)
        self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()
