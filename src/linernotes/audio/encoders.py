"""What writes the bytes of each format but WAV; PyAV is loaded with it, which takes a tenth of a second."""

import hashlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import IO, Any

import av
import numpy as np

from linernotes.audio import flac
from linernotes.audio.around import Sleeve
from linernotes.audio.wav import Samples, whole

__all__ = ["Coded", "Flac"]


class Flac:
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
        """Append samples of shape (n, channels)."""
        steps = whole(block, self.bits)
        width = self.bits // 8
        self.md5.update(steps.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
        samples = steps.astype(np.int16) if self.bits == 16 else steps << 8
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
        """Write what comes last."""
        self._keep(self.codec.encode(None))
        self.handle.seek(0)
        self.handle.write(self._head())


class Coded:
    """Any container that libavformat writes."""

    def __init__(  # noqa: PLR0917  (called in one place)
        self,
        out: IO[bytes],
        container: str,
        codec: str,
        sample_rate_hz: int,
        channels: int,
        bitrate_kbps: int | None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.layout, self.rate_hz, self.n_samples = "mono" if channels == 1 else "stereo", sample_rate_hz, 0
        self.container = av.open(out, "w", format=container)
        stream = self.container.add_stream(codec, rate=sample_rate_hz, options=dict(options or {}), layout=self.layout)
        assert isinstance(stream, av.AudioStream)
        self.stream = stream
        if bitrate_kbps is not None:
            stream.bit_rate = bitrate_kbps * 1000

    def write(self, block: Samples) -> None:
        """Append samples of shape (n, channels)."""
        packed = np.ascontiguousarray(block.reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(packed, "flt", self.layout)
        frame.sample_rate, frame.pts = self.rate_hz, self.n_samples
        self.n_samples += len(block)
        self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        """Write what comes last."""
        self.container.mux(self.stream.encode(None))
        self.container.close()
