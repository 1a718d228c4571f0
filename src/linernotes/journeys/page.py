"""Make the page of liner notes: cut and encode what can be played, hand it to the report."""

from collections.abc import Sequence
from pathlib import Path

import linernotes
from linernotes import audio
from linernotes.errors import LinernotesError
from linernotes.formats.report import Clips, html
from linernotes.journeys.files import write_whole
from linernotes.model import Evidence, Trace
from linernotes.workspace import Workspace

__all__ = ["page", "write_page"]

CLIP_S_MAX = 15.0
_CLIP_RATE_HZ = 32_000
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
    ratio = evidence.transform.tempo_ratio if evidence.transform else 1.0
    reference = workspace.catalogue.entry(evidence.reference.id).recording.path
    start_s = evidence.query_start_s
    return Clips(
        query=_clip(trace.path, start_s, start_s + length_s),
        reference=_clip(reference, evidence.reference_start_s, evidence.reference_start_s + length_s * ratio),
        span_s=(start_s, start_s + length_s),
    )


def _clip(path: str, start_s: float, stop_s: float) -> bytes | None:
    """Encode a stretch; None where the file has moved or changed."""
    try:
        samples, _ = audio.read(path, sample_rate_hz=_CLIP_RATE_HZ, channels=1, start_s=start_s, stop_s=stop_s)
    except LinernotesError:
        return None
    return audio.encode(samples, sample_rate_hz=_CLIP_RATE_HZ, suffix="mp3", bitrate_kbps=_CLIP_KBPS)
