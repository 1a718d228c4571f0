"""Uploads: files that came in, each in a folder named by the SHA-256 of its content, until nobody needs them."""

import hashlib
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from linernotes.errors import NotFoundError, StorageError
from linernotes.workspace import Workspace

__all__ = ["Incoming", "Kept", "path_by_content", "path_of", "safe_name", "sweep"]

_NAME_CHARACTERS_MAX = 100
_FORGOTTEN_S = 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that came in. ``name`` is what its sender calls it, for people; ``file`` is what it is called here."""

    name: str
    sha256: str
    file: str
    size_bytes: int


def _folder(workspace: Workspace) -> Path:
    return workspace.folder / "uploads"


def path_of(workspace: Workspace, sha256: str, file: str) -> Path:
    """Return where an upload is, or was."""
    return _folder(workspace) / sha256 / file


def path_by_content(workspace: Workspace, sha256: str) -> Path:
    """Return where the sound of an upload is, whatever it is called; NotFoundError if it is not here any more."""
    for path in sorted((_folder(workspace) / sha256).glob("*")):
        return path
    raise NotFoundError("the sound of this upload is not here any more")


def safe_name(name: str) -> str:
    """Return a name for a file that can do nothing in a path: its letters, digits, dots and dashes."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")[-_NAME_CHARACTERS_MAX:] or "upload"


class Incoming:
    """A file that is coming in; unless it is kept, nothing stays of it."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin a file; StorageError if it cannot be written."""
        self._workspace = workspace
        self._path = _folder(workspace) / "incoming" / secrets.token_hex(8)
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle: BinaryIO = self._path.open("xb")
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Add what came in."""
        try:
            self._handle.write(data)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._hash.update(data)
        self.size_bytes += len(data)

    def keep(self, name: str, *, folder: Path | None = None) -> Kept:
        """Put the whole file where it stays: by its content, of which there is one, or in a ``folder`` of its own."""
        self._handle.close()
        kept = Kept(name, self._hash.hexdigest(), safe_name(name), self.size_bytes)
        path = path_of(self._workspace, kept.sha256, kept.file) if folder is None else folder / kept.file
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        return kept


def sweep(workspace: Workspace, *, before: datetime) -> int:
    """Remove the sound of uploads whose work was over before a moment, and what never came in whole; return how many.

    What was heard in them stays.
    """
    removed = 0
    for sha256 in workspace.jobs.spent_uploads(before=before):
        folder = _folder(workspace) / sha256
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    for partial in (_folder(workspace) / "incoming").glob("*"):
        if partial.stat().st_mtime < time.time() - _FORGOTTEN_S:
            partial.unlink(missing_ok=True)
    return removed


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path.name}: an upload cannot be written ({error.strerror})")
