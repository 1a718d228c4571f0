"""What writes the bytes of a WAV file."""

from typing import IO

import numpy as np
from numpy.typing import NDArray

from linernotes.audio import riff
from linernotes.audio.around import Sleeve

__all__ = ["Samples", "Wav", "whole"]

Samples = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int32]


def whole(block: Samples, bits: int) -> NDArray[np.int32]:
    """Round samples to whole numbers of so many bits; what is whole already stays."""
    if block.dtype == np.int32:
        return block.astype(np.int32, copy=False)
    top = 2 ** (bits - 1)
    scaled: NDArray[np.float64] = np.rint(np.multiply(block, top, dtype=np.float64))
    return np.clip(scaled, -top, top - 1).astype(np.int32)


class Wav:
    """WAV: whole numbers of 16 or 24 bits, or floating point."""

    def __init__(self, handle: IO[bytes], sample_rate_hz: int, channels: int, bits: int, sleeve: Sleeve) -> None:
        self.handle, self.bits, self.frame_bytes = handle, bits, channels * bits // 8
        self.chunks = riff.chunks(sleeve)
        self.head_bytes = handle.write(riff.head(sample_rate_hz=sample_rate_hz, channels=channels, bits=bits))
        self.data_bytes = 0

    def write(self, block: Samples) -> None:
        """Append samples of shape (n, channels)."""
        if self.bits == 32:
            data = np.ascontiguousarray(block, "<f4").tobytes()
        elif self.bits == 16:
            data = whole(block, 16).astype("<i2").tobytes()
        else:
            data = whole(block, 24).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        self.data_bytes += self.handle.write(data)

    def close(self) -> None:
        """Write what comes last."""
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
