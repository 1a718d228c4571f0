"""Encoding: a whole array, or block by block into a file that appears when all of it is there."""

import fcntl
import io
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from linernotes.audio.around import Sleeve
from linernotes.audio.wav import Samples, Wav
from linernotes.errors import ConflictError, ParameterError, StorageError

__all__ = ["Writer", "encode", "write"]

if TYPE_CHECKING:
    from linernotes.audio.encoders import Coded, Flac

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
    if suffix not in _ENCODERS:
        raise ParameterError(f"cannot encode {suffix!r}: one of {', '.join(_ENCODERS)}")
    samples = samples.reshape(len(samples), -1)
    out = io.BytesIO()
    encoder = _coded(out, suffix, sample_rate_hz, samples.shape[1], bitrate_kbps, None)
    for start in range(0, len(samples), sample_rate_hz):
        encoder.write(np.clip(samples[start : start + sample_rate_hz], -1.0, 1.0))
    encoder.close()
    return out.getvalue()


def write(path: Path, samples: NDArray[np.float32], *, sample_rate_hz: int, bitrate_kbps: int = 128) -> None:
    """Encode samples into a file, in the format its suffix names."""
    data = encode(samples, sample_rate_hz=sample_rate_hz, suffix=path.suffix[1:].lower(), bitrate_kbps=bitrate_kbps)
    path.write_bytes(data)


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
        self._encoder: Wav | Flac | Coded
        if suffix == "wav":
            self._encoder = Wav(self._handle, *form, around)
        elif suffix == "flac":
            from linernotes.audio import encoders  # noqa: PLC0415  (slow to load, and not all who hear write)

            self._encoder = encoders.Flac(self._handle, *form, around)
        else:
            self._encoder = _coded(self._handle, suffix, sample_rate_hz, channels, bitrate_kbps, options)

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


def _coded(  # noqa: PLR0917  (called in two places, with all of them)
    out: IO[bytes],
    suffix: str,
    sample_rate_hz: int,
    channels: int,
    bitrate_kbps: int,
    options: Mapping[str, str] | None,
) -> "Coded":
    from linernotes.audio.encoders import Coded  # noqa: PLC0415  (as above)

    lossy_kbps = bitrate_kbps if suffix in _LOSSY else None
    return Coded(out, *_ENCODERS[suffix], sample_rate_hz, channels, lossy_kbps, options)


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
