"""Make the page of liner notes: cut what can be played, undo what was done to it, hand it to the report."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

import linernotes
from linernotes import audio
from linernotes.errors import LinernotesError
from linernotes.formats import wording
from linernotes.formats.report import Clips, html
from linernotes.journeys.files import write_whole
from linernotes.kernels.stretch import stretch
from linernotes.model import Evidence, Trace, Transform
from linernotes.workspace import Workspace

__all__ = ["page", "undo", "write_page"]

CLIP_S_MAX = 15.0
CLIP_RATE_HZ = 32_000
_CLIP_KBPS = 64
_CLIPS_MAX = 200  # a page of some 50 MB; beyond that the page says what it leaves out


def page(workspace: Workspace, traces: Sequence[Trace]) -> str:
    """Return one self-contained HTML page for these traces, with the sounds of the first evidence of each."""
    clips: dict[tuple[int, int], Clips] = {}
    for i, trace in enumerate(traces):
        for j, evidence in enumerate(trace.evidence):
            if len(clips) < _CLIPS_MAX:
                clips[i, j] = _clips(workspace, trace, evidence)
    return html(traces, clips, generator=f"Linernotes {linernotes.__version__}")


def write_page(workspace: Workspace, traces: Sequence[Trace], path: Path) -> None:
    """Write the page to a file, whole or not at all; StorageError if it cannot be."""
    write_whole(path, page(workspace, traces))


def _clips(workspace: Workspace, trace: Trace, evidence: Evidence) -> Clips:
    length_s = min(evidence.query_stop_s - evidence.query_start_s, CLIP_S_MAX)
    transform = evidence.transform or Transform()
    start_s, reference_s = evidence.query_start_s, evidence.reference_start_s
    path = workspace.catalogue.entry(evidence.reference.id).recording.path
    query = _cut(trace.path, start_s, start_s + length_s)
    reference = _cut(path, reference_s, reference_s + length_s * transform.tempo_ratio)
    restored = wording.change(transform) is not None
    if restored and query is not None:
        query = undo(query, transform)
    return Clips(
        query=_encoded(query),
        reference=_encoded(reference),
        span_s=(start_s, start_s + length_s),
        restored=restored,
    )


def undo(samples: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
    """Bring an upload's samples, shape (n,), back to its reference's pitch and speed."""
    pitch_ratio = 2 ** (transform.pitch_semitones / 12)
    lowered = soxr.resample(samples, CLIP_RATE_HZ, CLIP_RATE_HZ * pitch_ratio, quality="HQ")
    rate = pitch_ratio / transform.tempo_ratio
    # Within a thousandth it was a turntable: resampling alone has undone it, without a vocoder's smear.
    return stretch(lowered, rate=rate if abs(rate - 1) > 1e-3 else 1.0)


def _cut(path: str, start_s: float, stop_s: float) -> NDArray[np.float32] | None:
    """Decode a stretch in mono; None where the file has moved or changed."""
    try:
        samples, _ = audio.read(path, sample_rate_hz=CLIP_RATE_HZ, channels=1, start_s=start_s, stop_s=stop_s)
    except LinernotesError:
        return None
    return samples[:, 0]


def _encoded(samples: NDArray[np.float32] | None) -> bytes | None:
    if samples is None or not len(samples):
        return None
    return audio.encode(samples, sample_rate_hz=CLIP_RATE_HZ, suffix="mp3", bitrate_kbps=_CLIP_KBPS)
