"""Secrets of a workspace: one file each, readable by its owner alone, made on first use."""

import contextlib
import os
import secrets
from pathlib import Path

from linernotes.errors import ConflictError, FormatError, NotFoundError, StorageError
from linernotes.workspace import Workspace

__all__ = ["key", "key_path", "make_key", "put_key"]

_KEY_BYTES = 32


def key_path(workspace: Workspace, name: str) -> Path:
    """Return where the key of this name is."""
    return workspace.folder / "keys" / f"{name}.key"


def key(workspace: Workspace, name: str) -> bytes:
    """Return a key.

    Raises NotFoundError if it is not there; FormatError if the file is no key.
    """
    path = key_path(workspace, name)
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: the key is not there; copy it from where the workspace was made") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read ({error})") from error
    return _parsed(text, path)


def make_key(workspace: Workspace, name: str) -> bytes:
    """Return the key of this name, made at random if there is none; two processes get the same."""
    if not key_path(workspace, name).exists():
        with contextlib.suppress(ConflictError):  # another process was faster: its key is the key
            put_key(workspace, name, secrets.token_hex(_KEY_BYTES))
    return key(workspace, name)


def put_key(workspace: Workspace, name: str, text: str) -> None:
    """Keep a key that somebody gave, hexadecimal.

    Raises ConflictError if another of this name is there; FormatError if the text is no key.
    """
    path = key_path(workspace, name)
    _parsed(text.strip(), path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(text.strip() + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(partial, path)  # never over one that another process made meanwhile
        except FileExistsError:
            if key(workspace, name) != _parsed(text.strip(), path):
                raise ConflictError(f"{path}: another key is there; delete the file to use a new one") from None
        finally:
            partial.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error


def _parsed(text: str, path: Path) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise FormatError(f"{path}: not a key: {2 * _KEY_BYTES} hexadecimal digits or more") from None
    if len(raw) < _KEY_BYTES:
        raise FormatError(f"{path}: a key of {len(raw)} bytes is too short: {_KEY_BYTES} or more")
    return raw
