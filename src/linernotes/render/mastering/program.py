"""The ffmpeg program, where there is one: its encoders are of another version than those that come with us."""

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["ProgramWriter", "program", "program_version"]

_FULL = 2.0**31


def program() -> str | None:
    """Find the program."""
    return shutil.which("ffmpeg")


def program_version() -> str:
    """Tell which program it is; empty where there is none."""
    if (found := program()) is None:
        return ""
    told = subprocess.run([found, "-version"], check=False, capture_output=True, text=True)  # noqa: S603  (as below)
    return told.stdout.partition("\n")[0]


class ProgramWriter:
    """A file that the program encodes, written block by block; it resamples as it does for everybody.

    ``failed``, after leaving: it could not, for want of an encoder or of room.
    """

    def __init__(  # noqa: PLR0917  (called in one place)
        self, path: Path, program: str, sample_rate_hz: int, channels: int, encoder: str, bitrate_kbps: int
    ) -> None:
        form = ["-f", "s32le", "-ar", str(sample_rate_hz), "-ac", str(channels), "-i", "pipe:0"]
        coding = ["-c:a", encoder, "-b:a", f"{bitrate_kbps}k", "-y", str(path)]
        self.failed = False
        self._process = subprocess.Popen(  # noqa: S603  (our own arguments, our own samples)
            [program, "-v", "error", *form, *coding],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            self.failed = True
        self.failed |= self._process.wait() != 0

    def write(self, block: NDArray[np.float32]) -> None:
        """Append samples of shape (n, channels)."""
        if self.failed:
            return
        steps = np.clip(np.rint(block.astype(np.float64) * _FULL), -_FULL, _FULL - 1.0).astype("<i4")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(steps.tobytes())
        except BrokenPipeError:
            self.failed = True
