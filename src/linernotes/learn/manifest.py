"""The manifest of a release: every work it learned from, whose it is, who said yes, and what its content is.

Conventions
-----------
A manifest is JSON with sorted keys and no spaces, so that equal manifests have equal bytes. ``content_sha256`` is of a
melody's tokens without style, key, chords and bar lines: it is the same for a transposed piece in another format.
Times are days in UTC.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from linernotes.errors import FormatError
from linernotes.learn.tokens import Vocabulary

__all__ = ["Given", "Manifest", "ManifestWork", "content_sha256", "duplicates", "read_manifest", "write_manifest"]


@dataclass(frozen=True, slots=True)
class Given:
    """One party's consent: by which rule, and what it asks for. ``part`` is its exact part of the right, if stated."""

    party_id: str
    party: str
    subject_id: str
    part: str | None
    action: str
    share: str | None
    policy_id: str


@dataclass(frozen=True, slots=True)
class ManifestWork:
    """One work of a training set: the recording or work it is in the catalogue, its score, and the consents."""

    reference_id: str
    isrc: str | None
    title: str
    file: str
    style: str
    sha256: str
    content_sha256: str
    n_notes: int
    consents: Sequence[Given]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of. ``left_out``: reference and reason; ``files``: the SHA-256 of each by its name."""

    release_id: str
    release: str
    party_id: str
    trained_on: str
    styles: Sequence[str]
    works: Sequence[ManifestWork]
    left_out: Sequence[tuple[str, str]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def content_sha256(tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    """Return the hash of a melody: its pitches and lengths alone."""
    heard = [vocabulary.names[token] for token in tokens if vocabulary.kind(token) in ("pitch", "length")]
    return hashlib.sha256(" ".join(heard).encode()).hexdigest()


def duplicates(works: Iterable[ManifestWork]) -> list[list[ManifestWork]]:
    """Group works of the same content, each group in the order they came."""
    groups: dict[str, list[ManifestWork]] = defaultdict(list)
    for work in works:
        groups[work.content_sha256].append(work)
    return [group for group in groups.values() if len(group) > 1]


def write_manifest(manifest: Manifest) -> bytes:
    """Write a manifest, the same bytes for the same content."""
    return json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_manifest(data: bytes, *, where: str) -> Manifest:
    """Read a manifest; FormatError if ``where`` is none."""
    try:
        told = json.loads(data)
        works = [
            ManifestWork(**{**work, "consents": tuple(Given(**given) for given in work["consents"])})
            for work in told.pop("works")
        ]
        left_out = [(str(reference), str(reason)) for reference, reason in told.pop("left_out")]
        styles = tuple(told.pop("styles"))
        return Manifest(**told, styles=styles, works=tuple(works), left_out=tuple(left_out))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError(f"{where}: not a manifest: {error}", code="manifest") from None
