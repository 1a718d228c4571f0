"""Make the page of liner notes: cut what can be played, undo what was done to it, hand it to the report."""

from collections.abc import Sequence
from pathlib import Path

import linernotes
from linernotes.formats import wording
from linernotes.formats.report import Clips, html
from linernotes.journeys.clips import CLIP_S_MAX, cut, encoded, undo
from linernotes.journeys.files import write_whole
from linernotes.model import Evidence, Trace, Transform
from linernotes.workspace import Workspace

__all__ = ["page", "write_page"]

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
    query = cut(trace.path, start_s, start_s + length_s)
    reference = cut(path, reference_s, reference_s + length_s * transform.tempo_ratio)
    restored = wording.change(transform) is not None
    if restored and query is not None:
        query = undo(query, transform)
    return Clips(
        query=encoded(query),
        reference=encoded(reference),
        span_s=(start_s, start_s + length_s),
        restored=restored,
    )
