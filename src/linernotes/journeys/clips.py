"""Clips: stretches of an upload and of what was heard in it, cut to be played side by side."""

from enum import StrEnum
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import LinernotesError, NotFoundError
from linernotes.formats import wording
from linernotes.kernels.stretch import stretch
from linernotes.model import Evidence, Transform
from linernotes.workspace import Workspace

__all__ = ["CLIP_RATE_HZ", "CLIP_S_MAX", "Side", "cut", "encoded", "evidence_clip", "undo"]

CLIP_S_MAX = 15.0
CLIP_RATE_HZ = 32_000
_CLIP_KBPS = 64


class Side(StrEnum):
    """Which of the two sounds; ``restored`` is the upload with its change of pitch and speed undone."""

    UPLOAD = "upload"
    RESTORED = "restored"
    REFERENCE = "reference"


def evidence_clip(workspace: Workspace, evidence: Evidence, side: Side, *, upload: Path) -> bytes:
    """Return the first seconds of a piece of evidence as MP3.

    Raises NotFoundError if that sound is not here, or not any more.
    """
    transform = evidence.transform or Transform()
    length_s = min(evidence.query_stop_s - evidence.query_start_s, CLIP_S_MAX)
    if side is Side.REFERENCE:
        start_s = evidence.reference_start_s
        path = workspace.catalogue.entry(evidence.reference.id).recording.path
        samples = cut(path, start_s, start_s + length_s * transform.tempo_ratio)
    else:
        samples = cut(str(upload), evidence.query_start_s, evidence.query_start_s + length_s)
        if side is Side.RESTORED and samples is not None and wording.change(transform) is not None:
            samples = undo(samples, transform)
    sound = encoded(samples)
    if sound is None:
        raise NotFoundError(f"the sound of the {side} is not here (any more)")
    return sound


def undo(samples: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
    """Bring an upload's samples, shape (n,), back to its reference's pitch and speed."""
    pitch_ratio = 2 ** (transform.pitch_semitones / 12)
    lowered = soxr.resample(samples, CLIP_RATE_HZ, CLIP_RATE_HZ * pitch_ratio, quality="HQ")
    rate = pitch_ratio / transform.tempo_ratio
    # Within a thousandth it was a turntable: resampling alone has undone it, without a vocoder's smear.
    return stretch(lowered, rate=rate if abs(rate - 1) > 1e-3 else 1.0)


def cut(path: str, start_s: float, stop_s: float) -> NDArray[np.float32] | None:
    """Decode a stretch in mono, shape (n,); None where the file has moved or changed."""
    try:
        samples, _ = audio.read(path, sample_rate_hz=CLIP_RATE_HZ, channels=1, start_s=start_s, stop_s=stop_s)
    except LinernotesError:
        return None
    return samples[:, 0]


def encoded(samples: NDArray[np.float32] | None) -> bytes | None:
    """Return samples as MP3; None where there are none."""
    if samples is None or not len(samples):
        return None
    return audio.encode(samples, sample_rate_hz=CLIP_RATE_HZ, suffix="mp3", bitrate_kbps=_CLIP_KBPS)
