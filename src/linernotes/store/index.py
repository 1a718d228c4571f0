"""Fingerprints of a catalogue on disk: immutable segments, mapped into memory, and a manifest that names them.

A segment is written to a temporary name, forced to the disk and renamed; then the manifest is replaced in one step. A
crash at any moment leaves the old or the new state, and what it left lying about is swept by the next writer.

Conventions
-----------
A segment file is: 8 bytes of magic, 8 bytes header length (little-endian), the header (JSON: parameter id, recording
ids, name, type, shape and place of each array, length of the file), then the arrays, each on a multiple of 64 bytes.
"""

import contextlib
import fcntl
import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ConflictError, InvariantError, ParameterError, StorageError
from linernotes.model import Fingerprint, FingerprintSegment, LandmarkTable, cell_starts

__all__ = ["Index"]

_MAGIC = b"LNSEG\x00\x02\n"
_ALIGNMENT = 64
_FAN_IN = 4  # segments of about one size that become one
_SMALL_FRAMES = 1 << 19  # nine hours: all smaller segments become one, for each costs every search its rounds
_MANIFEST, _LOCK, _SUFFIX, _UNFINISHED = "manifest.json", "lock", ".segment", ".unfinished"
_TYPES = {"starts": "<i8", "frames": "<u8", "loud_frames": "<u8", "postings": "<u4", "tallies": "|u1"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A segment of the manifest, mapped."""

    name: str
    removed: frozenset[str]
    segment: FingerprintSegment


class Index:
    """The fingerprints of a catalogue, in one folder; satisfies :class:`linernotes.model.FingerprintIndex`.

    Many threads may read one index. One process at a time may write it; readers that opened it before keep seeing
    what they opened.

    Raises
    ------
    ConflictError : another process writes here, or what is inside was made with other parameters
    InvariantError : a file is not what was written
    StorageError : no room, or no permission
    """

    def __init__(self, folder: Path, *, parameter_id: str, writable: bool = False) -> None:
        self._folder, self._parameter_id, self._lock = Path(folder), parameter_id, -1
        self._stored: tuple[_Stored, ...] = ()
        self._where: dict[str, int] = {}
        self._revision = _revision(b"")
        if writable:
            self._acquire()
        try:
            self._open()
            if writable:
                self._sweep()
        except BaseException:
            self.close()
            raise

    # ── reading ──────────────────────────────────────────────────────────────

    @property
    def parameter_id(self) -> str:
        """The parameters of every fingerprint inside."""
        return self._parameter_id

    @property
    def revision(self) -> str:
        """Changes whenever the content does."""
        return self._revision

    @property
    def recording_ids(self) -> Sequence[str]:
        """Everything inside, in the order it was added."""
        return tuple(self._where)

    @property
    def segments(self) -> Sequence[FingerprintSegment]:
        """Everything inside, for a search."""
        return tuple(stored.segment for stored in self._stored)

    def __contains__(self, recording_id: object) -> bool:
        return recording_id in self._where

    def __len__(self) -> int:
        return len(self._where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files; a search that still holds a segment may finish."""
        self._stored, self._where = (), {}
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # ── writing ──────────────────────────────────────────────────────────────

    def add(self, entries: Mapping[str, Fingerprint]) -> None:
        """Keep ``entries`` (recording id → fingerprint) as one new segment; ids already inside are skipped."""
        self._require_writable()
        for recording_id, fingerprint in entries.items():
            if fingerprint.parameter_id != self._parameter_id:
                raise ConflictError(
                    f"fingerprint of {recording_id} was made with {fingerprint.parameter_id},"
                    f" the index {self._folder} holds {self._parameter_id}: extract it again"
                )
        new = {key: value for key, value in entries.items() if key not in self._where}
        if not new:
            return
        name = self._write_segment(
            list(new),
            [f.frames for f in new.values()],
            [f.loud_frames for f in new.values()],
            [f.landmarks for f in new.values()],
        )
        self._replace_manifest([*self._listing(), {"name": name, "removed": []}])

    def remove(self, recording_ids: Iterable[str]) -> None:
        """Forget recordings; ids not inside are skipped. Their room is given back by :meth:`merge`."""
        self._require_writable()
        gone: dict[int, set[str]] = {}
        for recording_id in recording_ids:
            if recording_id in self._where:
                gone.setdefault(self._where[recording_id], set()).add(recording_id)
        if gone:
            self._replace_manifest(
                [
                    {"name": stored.name, "removed": sorted(stored.removed | gone.get(i, set()))}
                    for i, stored in enumerate(self._stored)
                ]
            )

    def merge(self) -> None:
        """Join segments of about one size, and rewrite those half of whose frames were removed."""
        self._require_writable()
        while group := self._next_group():
            kept = [(stored.segment, _alive(stored)) for stored in group]
            listing = [entry for entry in self._listing() if entry["name"] not in {s.name for s in group}]
            if any(alive for _, alive in kept):
                name = self._write_segment(
                    [s.recording_ids[i] for s, alive in kept for i in alive],
                    [s.frames[s.starts[i] : s.starts[i + 1]] for s, alive in kept for i in alive],
                    [s.loud_frames[s.loud_starts[i] : s.loud_starts[i + 1]] for s, alive in kept for i in alive],
                    [part for s, alive in kept for part in s.landmarks.unpack(s.cell_starts, alive)],
                )
                listing.append({"name": name, "removed": []})
            self._replace_manifest(listing)
            self._sweep()

    def _next_group(self) -> list[_Stored]:
        tiers: dict[int, list[_Stored]] = {}
        for stored in self._stored:
            lengths = np.diff(stored.segment.starts)
            alive = int(lengths[~stored.segment.removed].sum())
            if stored.removed and 2 * alive <= len(stored.segment.frames):
                return [stored]
            tier = 0 if alive < _SMALL_FRAMES else int(np.log(alive) / np.log(_FAN_IN))
            tiers.setdefault(tier, []).append(stored)
        return next((group for tier, group in sorted(tiers.items()) if len(group) >= (_FAN_IN if tier else 2)), [])

    # ── files ────────────────────────────────────────────────────────────────

    def _acquire(self) -> None:
        with _storage_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = -1
            raise ConflictError(f"another process writes {self._folder}: wait until it has finished") from None

    def _require_writable(self) -> None:
        if self._lock < 0:
            raise ParameterError(f"the index {self._folder} is open for reading: open it with writable=True")

    def _open(self) -> None:
        """Read the manifest and map its segments, again if a writer replaced both in between."""
        for last in (False, False, True):
            try:
                content = (self._folder / _MANIFEST).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return
            try:
                self._load(content)
            except FileNotFoundError as error:
                if last:
                    raise InvariantError(f"{self._folder} lacks {error.filename}, which it names") from error
            else:
                return

    def _load(self, content: bytes) -> None:
        path = self._folder / _MANIFEST
        try:
            manifest = json.loads(content)
            parameter_id, listing = manifest["parameter_id"], manifest["segments"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvariantError(f"{path} is not a manifest: {error}") from error
        if parameter_id != self._parameter_id:
            raise ConflictError(
                f"{self._folder} holds fingerprints made with {parameter_id}, this program makes"
                f" {self._parameter_id}: register the catalogue again in a new workspace"
            )
        known = {(stored.name, stored.removed): stored for stored in self._stored}
        opened = []
        for entry in listing:
            name, removed = entry["name"], frozenset(entry["removed"])
            opened.append(known.get((name, removed)) or self._map(name, removed))
        where: dict[str, int] = {}
        for i, stored in enumerate(opened):
            where.update((stored.segment.recording_ids[j], i) for j in _alive(stored))
        self._stored, self._where, self._revision = tuple(opened), where, _revision(content)

    def _map(self, name: str, removed: frozenset[str]) -> _Stored:
        path = self._folder / name
        ids, arrays = _read_segment(path, self._parameter_id)
        starts, frames, loud_frames = arrays["starts"], arrays["frames"], arrays["loud_frames"]
        lengths = np.diff(starts)
        loud_starts = np.concatenate([np.zeros(1, np.int64), np.cumsum((lengths + 1) // 2)])
        sound = starts.shape == (len(ids) + 1,) and starts[0] == 0 and bool(np.all(lengths >= 0))
        if not sound or frames.shape != (starts[-1], 2) or loud_frames.shape != (loud_starts[-1], 2):
            raise InvariantError(f"{path} is damaged: its recordings and its frames do not agree")
        landmarks = LandmarkTable(arrays["postings"], arrays["tallies"])
        cells = cell_starts(starts)
        if landmarks.tallies.shape != (landmarks.packed_size(int(cells[-1])),):
            raise InvariantError(f"{path} is damaged: its landmarks do not agree with its frames")
        gone = np.array([recording_id in removed for recording_id in ids], np.bool_)
        segment = FingerprintSegment(ids, starts, loud_starts, frames, loud_frames, cells, landmarks, gone)
        return _Stored(name, removed, segment)

    def _listing(self) -> list[dict[str, Any]]:
        return [{"name": stored.name, "removed": sorted(stored.removed)} for stored in self._stored]

    def _write_segment(
        self,
        ids: Sequence[str],
        frames: Sequence[NDArray[np.uint64]],
        loud_frames: Sequence[NDArray[np.uint64]],
        landmarks: Sequence[NDArray[np.uint32]],
    ) -> str:
        """Write what is kept of each recording; returns the name of the file."""
        starts = np.cumsum([0, *map(len, frames)], dtype=np.int64)
        table = LandmarkTable.pack(landmarks, cell_starts(starts))
        arrays: dict[str, NDArray[Any]] = {
            "starts": starts,
            "frames": np.concatenate(frames),
            "loud_frames": np.concatenate(loud_frames),
            "postings": table.postings,
            "tallies": table.tallies,
        }
        chunks = list(_segment_chunks(self._parameter_id, ids, arrays))
        digest = hashlib.sha256(b"".join([*chunks[:1], os.urandom(8)])).hexdigest()
        name = digest[:20] + _SUFFIX
        self._write(name, chunks)
        return name

    def _replace_manifest(self, listing: list[dict[str, Any]]) -> None:
        content = json.dumps({"parameter_id": self._parameter_id, "segments": listing}, indent=1).encode()
        self._write(_MANIFEST, [content])
        self._load(content)

    def _write(self, name: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Write a whole file or nothing: temporary name, flush to the disk, rename, flush the folder."""
        path, unfinished = self._folder / name, self._folder / (name + _UNFINISHED)
        with _storage_errors(path):
            try:
                with unfinished.open("wb") as stream:
                    for chunk in chunks:
                        stream.write(chunk)
                    stream.flush()
                    os.fsync(stream.fileno())
                unfinished.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    unfinished.unlink(missing_ok=True)
                raise
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _sweep(self) -> None:
        """Delete what a crash or a merge left behind."""
        named = {stored.name for stored in self._stored}
        with _storage_errors(self._folder):
            for path in self._folder.iterdir():
                if path.name.endswith((_UNFINISHED, _SUFFIX)) and path.name not in named:
                    path.unlink(missing_ok=True)


def _alive(stored: _Stored) -> list[int]:
    return [i for i, gone in enumerate(stored.segment.removed) if not gone]


def _revision(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@contextlib.contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def _segment_chunks(
    parameter_id: str, ids: Sequence[str], arrays: Mapping[str, NDArray[Any]]
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a segment file, header first."""
    places, position = {}, 0
    for name, array in arrays.items():
        places[name] = {"type": _TYPES[name], "shape": array.shape, "place": position}
        position += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    header = json.dumps(
        {"parameter_id": parameter_id, "recordings": list(ids), "arrays": places, "length": position}
    ).encode()
    header += b" " * (-(len(_MAGIC) + 8 + len(header)) % _ALIGNMENT)
    yield _MAGIC + len(header).to_bytes(8, "little") + header
    for name, array in arrays.items():
        yield np.ascontiguousarray(array, dtype=_TYPES[name]).reshape(-1).view(np.uint8).data
        yield b"\0" * (-array.nbytes % _ALIGNMENT)


def _read_segment(path: Path, parameter_id: str) -> tuple[tuple[str, ...], dict[str, NDArray[Any]]]:
    """Map a segment file; its length and every array's place are checked, its cells are not read."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(16)
        length = int.from_bytes(start[8:], "little")
        if start[:8] != _MAGIC or 16 + length > size:
            raise InvariantError(f"{path} is damaged: it does not begin like a segment")
        try:
            header = json.loads(stream.read(length))
            ids, places, inside = tuple(header["recordings"]), header["arrays"], header["parameter_id"]
            expected = 16 + length + header["length"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvariantError(f"{path} is damaged: its header cannot be read ({error})") from error
        if size != expected or inside != parameter_id or set(places) != set(_TYPES):
            raise InvariantError(
                f"{path} is damaged: {size} bytes of {inside} where {expected} of {parameter_id} were written"
            )
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    arrays: dict[str, NDArray[Any]] = {}
    for name, place in places.items():
        shape, kind = tuple(place["shape"]), np.dtype(_TYPES[name])
        count = int(np.prod(shape))
        if place["type"] != _TYPES[name] or place["place"] + count * kind.itemsize > header["length"]:
            raise InvariantError(f"{path} is damaged: array {name} does not fit")
        arrays[name] = np.frombuffer(mapped, kind, count, 16 + length + place["place"]).reshape(shape)
    return ids, arrays
