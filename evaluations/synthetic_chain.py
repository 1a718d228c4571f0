"""What happens to a recording on its way into a collection: the same for people's music and for machines'.

A detector that hears the codec or the band edge of one class knows nothing. Every clip of both classes is drawn
through one chain: crop, sometimes mono, sometimes another speed, a rate, a bandwidth, a tilt, a level, a codec,
sometimes noise.

Conventions
-----------
Samples are float32, shape ``(n, 2)``, full scale ±1, at 44,100 Hz in and out.
"""

import io
from dataclasses import dataclass

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

__all__ = ["CODECS", "RATE_HZ", "Chain", "draw", "pass_codec", "send"]

Samples = NDArray[np.float32]

RATE_HZ = 44_100
CODECS = {
    "mp3": (64, 96, 128, 160, 192, 256, 320),
    "aac": (64, 96, 128, 192, 256),
    "opus": (48, 64, 96, 128, 160),
    "vorbis": (64, 96, 128, 192, 256),
    "none": (0,),
}
_CODEC_ODDS = {"mp3": 0.4, "aac": 0.2, "opus": 0.15, "vorbis": 0.15, "none": 0.1}
_RATE_ODDS = {16_000: 0.08, 22_050: 0.1, 24_000: 0.07, 32_000: 0.12, 44_100: 0.4, 48_000: 0.23}
_OPUS_HZ = 48_000
_CONTAINERS = {"mp3": ("mp3", "libmp3lame"), "aac": ("adts", "aac"), "opus": ("ogg", "libopus")}


@dataclass(frozen=True, slots=True)
class Chain:
    """One draw of the chain. ``edge_hz`` 0: no low-pass; ``noise_db``: signal over noise, 0 for none."""

    mono: bool
    speed: float
    rate_hz: int
    edge_hz: float
    tilt_db: float
    level_db: float
    codec: str
    bitrate_kbps: int
    noise_db: float
    seed: int


def draw(rng: np.random.Generator) -> Chain:
    """Draw one chain."""
    codec = str(rng.choice(list(_CODEC_ODDS), p=list(_CODEC_ODDS.values())))
    return Chain(
        mono=bool(rng.random() < 0.3),
        speed=float(rng.uniform(0.95, 1.05)) if rng.random() < 0.15 else 1.0,
        rate_hz=int(rng.choice(list(_RATE_ODDS), p=list(_RATE_ODDS.values()))),
        edge_hz=float(rng.uniform(5000, 18000)) if rng.random() < 0.25 else 0.0,
        tilt_db=float(rng.normal(0, 4)) if rng.random() < 0.3 else 0.0,
        level_db=float(rng.uniform(-20, 0)),
        codec=codec,
        bitrate_kbps=int(rng.choice(CODECS[codec])),
        noise_db=float(rng.uniform(20, 55)) if rng.random() < 0.15 else 0.0,
        seed=int(rng.integers(1 << 31)),
    )


def send(samples: Samples, chain: Chain) -> Samples:
    """Send samples through a chain."""
    rng = np.random.default_rng(chain.seed)
    sent = samples
    if chain.mono:
        sent = np.repeat(sent.mean(axis=1, keepdims=True), 2, axis=1)
    if chain.speed != 1.0:
        sent = soxr.resample(sent, RATE_HZ * chain.speed, RATE_HZ)
    rate_hz = _OPUS_HZ if chain.codec == "opus" else chain.rate_hz
    if chain.rate_hz != RATE_HZ:
        sent = soxr.resample(sent, RATE_HZ, chain.rate_hz)
    if rate_hz != chain.rate_hz:
        sent = soxr.resample(sent, chain.rate_hz, rate_hz)
    sent = _shape(sent, rate_hz, chain)
    peak = float(np.abs(sent).max())
    if peak > 0:
        sent = sent * (10 ** (chain.level_db / 20) / peak)
    sent = pass_codec(sent.astype(np.float32), rate_hz, chain.codec, chain.bitrate_kbps)
    if rate_hz != RATE_HZ:
        sent = soxr.resample(sent, rate_hz, RATE_HZ)
    if chain.noise_db:
        power = float(np.mean(sent**2)) * 10 ** (-chain.noise_db / 10)
        sent = sent + rng.normal(0, np.sqrt(power), sent.shape).astype(np.float32)
    return np.ascontiguousarray(sent, np.float32)


def _shape(samples: Samples, rate_hz: int, chain: Chain) -> Samples:
    """Apply the low-pass and the tilt (dB from low to high on a logarithmic axis), with zero phase."""
    if not (chain.edge_hz or chain.tilt_db):
        return samples
    spectrum = np.fft.rfft(samples, axis=0)
    hz = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    gain = 10 ** (chain.tilt_db * (np.log2(np.maximum(hz, 30) / 1000) / 4) / 20)
    if chain.edge_hz:
        gain *= np.clip((chain.edge_hz + 150 - hz) / 300, 0, 1)
    return np.fft.irfft(spectrum * gain[:, None], len(samples), axis=0).astype(np.float32)


def pass_codec(samples: Samples, rate_hz: int, codec: str, bitrate_kbps: int) -> Samples:
    """Encode and decode; what comes back has the same length, to a frame of the codec."""
    if codec == "none":
        return samples
    if codec == "vorbis":
        out = io.BytesIO()
        level = float(np.clip(1 - (bitrate_kbps - 32) / 320, 0, 1))  # libsndfile: 0 best, 1 smallest
        with soundfile.SoundFile(out, "w", rate_hz, 2, format="OGG", subtype="VORBIS", compression_level=level) as file:
            for start in range(0, len(samples), 65_536):  # longer writes overflow its stack
                file.write(np.clip(samples[start : start + 65_536], -1, 1))
        decoded, _ = soundfile.read(io.BytesIO(out.getvalue()), dtype="float32", always_2d=True)
        return np.asarray(decoded, np.float32)
    return _decoded(_encoded(samples, rate_hz, codec, bitrate_kbps))


def _encoded(samples: Samples, rate_hz: int, codec: str, bitrate_kbps: int) -> bytes:
    container_name, encoder = _CONTAINERS[codec]
    out = io.BytesIO()
    with av.open(out, "w", format=container_name) as container:
        stream = container.add_stream(encoder, rate=rate_hz, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bitrate_kbps * 1000
        for start in range(0, len(samples), rate_hz):
            block = np.clip(samples[start : start + rate_hz], -1, 1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.reshape(1, -1)), "flt", "stereo")
            frame.sample_rate, frame.pts = rate_hz, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _decoded(data: bytes) -> Samples:
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler("flt", "stereo", None)
        blocks = [
            converted.to_ndarray().reshape(-1, 2)
            for frame in container.decode(audio=0)
            for converted in resampler.resample(frame)
        ]
    return np.concatenate(blocks).astype(np.float32)
