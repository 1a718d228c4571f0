"""Sound for a browser: parts of it on request, for a browser can jump and loop only in what it may ask for in parts."""

import re
from functools import lru_cache
from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse, Response

from linernotes.api.problems import HttpProblem
from linernotes.formats import wording
from linernotes.formats.report import Clips
from linernotes.journeys.clips import CLIP_S_MAX, Side, evidence_clip
from linernotes.model import Evidence
from linernotes.workspace import Workspace

__all__ = ["addresses", "clip", "ranged", "whole"]

_TYPES = {
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "audio/webm",
}
_CLIPS_KEPT = 64  # some 8 MB


def addresses(evidence: Evidence, place: str, *, upload: bool) -> Clips:
    """Say where a piece of evidence can be listened to: both sides below ``place``; without the upload, only one."""
    changed = wording.change(evidence.transform) is not None
    length_s = min(evidence.query_stop_s - evidence.query_start_s, CLIP_S_MAX)
    return Clips(
        query=f"{place}/{Side.RESTORED if changed else Side.UPLOAD}.mp3" if upload else None,
        reference=f"{place}/{Side.REFERENCE}.mp3",
        span_s=(evidence.query_start_s, evidence.query_start_s + length_s),
        restored=changed,
    )


def clip(request: Request, workspace: Workspace, evidence: Evidence, side: Side, *, upload: Path) -> Response:
    """Answer with the first seconds of a piece of evidence, or the part that is asked for."""
    return ranged(_cut(workspace, evidence, side, upload), "audio/mpeg", request.headers.get("range"))


@lru_cache(maxsize=_CLIPS_KEPT)
def _cut(workspace: Workspace, evidence: Evidence, side: Side, upload: Path) -> bytes:
    return evidence_clip(workspace, evidence, side, upload=upload)


def whole(path: Path, *, name: str) -> Response:
    """Answer with a whole upload, or parts of it; never as anything that a browser would run."""
    media_type = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    if not path.is_file():
        raise HttpProblem(404, "not_found", "the sound of this upload is not kept any more")
    return FileResponse(path, media_type=media_type, filename=name, content_disposition_type="inline")


def ranged(content: bytes, media_type: str, asked: str | None) -> Response:
    """Answer with content, or with the one part that ``asked``, the header ``Range``, names.

    Source: RFC 9110, section 14; a range that is not understood is left aside, as it says.
    """
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    parsed = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked or "", re.ASCII)
    if parsed is None or parsed[0] == "bytes=-":
        return Response(content, headers=headers, media_type=media_type)
    first, last = parsed.groups()
    start = int(first) if first else max(0, len(content) - int(last))
    stop = min(int(last) + 1, len(content)) if first and last else len(content)
    if start >= stop:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return Response(content[start:stop], 206, headers, media_type)
