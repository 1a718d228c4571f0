"""Decoding, in a bounded child process (:mod:`linernotes.decoder`): one fork per file, streamed in blocks.

A ten-hour file needs no more memory than a short one, and a hostile file takes nobody down. Reads whatever
FFmpeg's plain containers hold: WAV, FLAC, MP3, Ogg Vorbis, Opus, M4A/AAC, AIFF, the sound of MP4, MOV and WebM.
"""

import atexit
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from linernotes.audio import riff
from linernotes.errors import DecodeError, NotFoundError, ParameterError

__all__ = ["SUFFIXES", "AudioInfo", "Damage", "Limits", "Sound", "decode", "prepare", "read", "surroundings"]

SUFFIXES = frozenset(
    [
        ".3gp",
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".au",
        ".avi",
        ".caf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpg",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".w64",
        ".wav",
        ".weba",
        ".webm",
        ".wma",
        ".wv",
    ]
)
"""What a folder is searched for; a file that is named is tried whatever it is called."""

_PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one file may cost.

    ``memory_mib`` is address space, ``time_s`` processor time, ``length_s`` sound, ``stall_s`` waiting for the next
    block. The environment can change each: ``LINERNOTES_DECODE_MEMORY_MIB``, ``…_TIME_S`` and so on.
    """

    memory_mib: int = 1024
    time_s: float = 600.0
    length_s: float = 12 * 3600.0
    stall_s: float = 60.0

    @classmethod
    def from_environment(cls) -> "Limits":
        """Read the limits; ParameterError if one is not a positive number."""
        given: dict[str, Any] = {}
        for name in cls.__slots__:
            variable = f"LINERNOTES_DECODE_{name.upper()}"
            if (text := os.environ.get(variable)) is None:
                continue
            try:
                given[name] = int(text) if name == "memory_mib" else float(text)
            except ValueError:
                given[name] = 0
            if not given[name] > 0:
                raise ParameterError(f"{variable} is {text!r}: give a positive number")
        return cls(**given)


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says of itself; ``announced_s`` is 0 where it does not say its length, tags have lower-case keys.

    ``bits``: of a sample, where the codec keeps each of them (32 is floating point); 0 for lossy ones.
    """

    sample_rate_hz: int
    channels: int
    codec: str
    announced_s: float
    tags: Mapping[str, str] = field(default_factory=dict)
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Damage:
    """A fault in a file that could be decoded all the same."""

    code: str
    message: str


class _Zygote:
    """The process that forks decoders; started on first use, again if it died."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None

    def start(self) -> None:
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own module)
            [sys.executable, "-I", Path(__file__).parent.with_name("decoder.py"), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a process with threads must not fork
        )
        theirs.close()
        self.control = ours

    def stop(self) -> None:
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = self.control = None

    def request(self, request: Mapping[str, Any]) -> int:
        """Start a decode; return the reading end of its pipe."""
        message = json.dumps(request).encode()
        reader, writer = os.pipe()
        with suppress(AttributeError, OSError):  # Linux alone, and not beyond what a user may have
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        try:
            with self.lock:
                if self.process is None or self.process.poll() is not None:
                    self.start()
                assert self.control is not None
                socket.send_fds(self.control, [message], [writer])
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        return reader


_zygote = _Zygote()
atexit.register(_zygote.stop)
# A forked copy of this process shares the socket: it must start a zygote of its own.
os.register_at_fork(after_in_child=_zygote.__init__)  # type: ignore[misc]


class Sound:
    """A file being decoded: ``info`` at once, blocks of shape ``(n, channels)`` by iteration, then ``damage``.

    Use it as a context manager, or iterate to the end; leaving early stops the child.
    """

    def __init__(self, path: Path, fd: int, *, channels: int | None, limits: Limits) -> None:
        self.path = path
        self.damage: tuple[Damage, ...] = ()
        self.decoded_s = 0.0
        self._fd: int | None = fd
        self._limits = limits
        self._pid = 0
        self.info = self._open()
        self.channels = channels or min(self.info.channels, 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop decoding; harmless when it has ended."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        try:
            while (message := self.next_message())[0] == b"A":
                block = np.frombuffer(message[1], np.float32).reshape(-1, self.channels)
                if not np.isfinite(block.sum()):
                    raise self._refused("not_finite", "holds samples that are not numbers (NaN or infinite)")
                if len(block):
                    yield block
            self._judge(self._ended(message[1]))
        finally:
            self.close()

    def end(self) -> Mapping[str, Any]:
        """Read how it ended; DecodeError if it was refused."""
        return self._ended(self.next_message()[1])

    def _open(self) -> AudioInfo:
        try:
            self._pid = struct.unpack("<I", self.next_message()[1])[0]
            kind, payload = self.next_message()
            fields = json.loads(payload)
            if kind == b"E":
                raise self._refused(fields["code"], fields["message"])
            return AudioInfo(**fields)
        except BaseException:
            self.close()
            raise

    def _refused(self, code: str, message: str) -> DecodeError:
        return DecodeError(f"{self.path}: {message}", code=code)

    def _ended(self, payload: bytearray) -> Mapping[str, Any]:
        ended: Mapping[str, Any] = json.loads(payload)
        if "code" in ended:
            raise self._refused(ended["code"], ended["message"])
        return ended

    def _judge(self, ended: Mapping[str, Any]) -> None:
        self.decoded_s = ended["decoded_s"]
        announced_s, damage = self.info.announced_s, []
        if self.decoded_s < 0.95 * announced_s - 0.5 and not ended["stopped"]:
            text = f"cut short: the file announces {announced_s:.1f} s but holds {self.decoded_s:.1f} s"
            damage.append(Damage("truncated", text))
        elif (missing_bytes := riff.missing_bytes(self.path)) and not ended["stopped"]:
            # FFmpeg takes the length of such a file from its end.
            damage.append(Damage("truncated", f"cut short: {missing_bytes} bytes of its sound are missing"))
        elif ended["skipped_packets"]:
            damage.append(Damage("damaged", f"{ended['skipped_packets']} broken packets were skipped"))
        self.damage = tuple(damage)

    def next_message(self) -> tuple[bytes, bytearray]:
        """Read what the decoder says next: its kind and payload."""
        head = self._read(5)
        return bytes(head[:1]), self._read(struct.unpack("<I", head[1:])[0])

    def _read(self, size_bytes: int) -> bytearray:
        assert self._fd is not None
        buffer = bytearray(size_bytes)
        view, deadline_s = memoryview(buffer), time.monotonic() + self._limits.stall_s
        while view:
            if not select.select([self._fd], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
                os.kill(self._pid, signal.SIGKILL)
                raise self._refused("time", f"decoding stood still for {self._limits.stall_s:g} s")
            n = os.readv(self._fd, [view[:_PIPE_BYTES]])
            if n == 0:
                raise self._refused("crashed", "the decoder was stopped by this file (crash, memory or time)")
            view = view[n:]
        return buffer


def prepare() -> None:
    """Start the process that decodes, if it does not run yet: it is ready a third of a second later."""
    with _zygote.lock:
        if _zygote.process is None:
            _zygote.start()


def decode(
    path: Path | str,
    *,
    sample_rate_hz: int | None = None,
    channels: int | None = None,
    start_s: float = 0.0,
    stop_s: float | None = None,
    limits: Limits | None = None,
) -> Sound:
    """Open a file and decode its first audio stream in blocks.

    Parameters
    ----------
    path : any file; it is read as data only, whatever its name
    sample_rate_hz, channels : wanted rate, and 1 or 2 channels; the file's own where None (at most 2)
    start_s, stop_s : the stretch ``[start_s, stop_s)`` to deliver
    limits : what it may cost; from the environment where None

    Raises
    ------
    NotFoundError if there is no such file; DecodeError, now or while iterating, if it cannot be read within the limits
    """
    limits = limits or Limits.from_environment()
    return _opened(
        Path(path),
        limits,
        channels=channels,
        sample_rate_hz=sample_rate_hz,
        start_s=start_s,
        stop_s=limits.length_s * 2 if stop_s is None else stop_s,
    )


def _opened(path: Path, limits: Limits, *, channels: int | None = None, **asked: Any) -> Sound:
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    request = asdict(limits) | asked | {"path": str(path.resolve()), "channels": channels}
    return Sound(path, _zygote.request(request), channels=channels, limits=limits)


def surroundings(path: Path | str) -> tuple[AudioInfo, Mapping[str, Any]]:
    """Return what a file says of itself, and its ``pictures`` and ``chapters`` as the decoder finds them; no sound.

    Raises
    ------
    NotFoundError if there is no such file; DecodeError if it cannot be read within the limits
    """
    with _opened(Path(path), Limits.from_environment(), only_surroundings=True) as sound:
        return sound.info, sound.end()


def read(
    path: Path | str,
    *,
    sample_rate_hz: int | None = None,
    channels: int | None = None,
    start_s: float = 0.0,
    stop_s: float | None = None,
) -> tuple[NDArray[np.float32], AudioInfo]:
    """Decode a stretch into one array of shape ``(n, channels)``; see :func:`decode`."""
    sound = decode(path, sample_rate_hz=sample_rate_hz, channels=channels, start_s=start_s, stop_s=stop_s)
    blocks = list(sound)
    return np.concatenate(blocks) if blocks else np.zeros((0, sound.channels), np.float32), sound.info
