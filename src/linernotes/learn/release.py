"""A release on disk: manifest, signature, weights, checkpoints, and the tokens it learned from.

Conventions
-----------
``manifest.json`` names the SHA-256 of every other file; ``signature.json`` has the public key and the signature of
``manifest.json``. So one signature vouches for all of it. A release is written into a folder of its own beside, and
then renamed.
"""

import base64
import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from linernotes.errors import ConflictError, FormatError, NotFoundError
from linernotes.learn import signing
from linernotes.learn.manifest import Manifest, content_sha256, read_manifest, write_manifest
from linernotes.learn.tokens import Vocabulary

__all__ = ["Audited", "audit", "open_manifest", "read_file", "read_tokens", "write_release", "write_tokens"]

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
_FILE_BYTES_MAX = 1 << 30


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: the manifest, the key that vouches for it, in hexadecimal, and every fault."""

    manifest: Manifest
    public_key: str
    faults: Sequence[str]


def write_release(folder: Path, manifest: Manifest, files: Mapping[str, bytes], *, private_key: bytes) -> Manifest:
    """Write a signed release; returns the manifest with its files' hashes. ConflictError if the folder is there."""
    if folder.exists():
        raise ConflictError(
            f"{folder}: this release is trained already; a new training is a new release", code="release"
        )
    manifest = replace(manifest, files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    content = write_manifest(manifest)
    signature = {
        "public_key": signing.public_key(private_key).hex(),
        "signature": base64.b64encode(signing.sign(content, private_key)).decode(),
    }
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name, data in (*files.items(), (MANIFEST, content), (SIGNATURE, json.dumps(signature).encode())):
        (beside / name).write_bytes(data)
    beside.rename(folder)
    return manifest


def open_manifest(folder: Path) -> Manifest:
    """Read the manifest of a release; NotFoundError where there is none."""
    return read_manifest(_read(folder / MANIFEST), where=str(folder / MANIFEST))


def read_file(folder: Path, manifest: Manifest, name: str) -> bytes:
    """Read one file of a release; ConflictError if it is not what the manifest says."""
    data = _read(folder / name)
    if hashlib.sha256(data).hexdigest() != manifest.files.get(name):
        raise ConflictError(f"{folder / name}: not what was signed; fetch the release again", code="tampered")
    return data


def audit(folder: Path, *, public_key: str | None = None) -> Audited:
    """Check a release, its signature, its files, its works' content; ``public_key`` is whose signature it must be.

    Nothing of the catalogue is needed. Raises NotFoundError if there is no release.
    """
    content = _read(folder / MANIFEST)
    manifest = read_manifest(content, where=str(folder / MANIFEST))
    faults = []
    told: dict[str, str] = {}
    try:
        told = json.loads(_read(folder / SIGNATURE))
        signature, key = base64.b64decode(told["signature"]), bytes.fromhex(told["public_key"])
        if not signing.is_signed(content, signature, key):
            faults.append(f"{MANIFEST}: the signature is not of this content")
    except (ValueError, KeyError, TypeError, NotFoundError):
        faults.append(f"{SIGNATURE}: no signature can be read")
    known = str(told.get("public_key", "")) if isinstance(told, dict) else ""
    if public_key is not None and known.lower() != public_key.strip().lower():
        faults.append(f"{SIGNATURE}: signed by {known[:16] or 'nobody'}…, not by {public_key.strip()[:16]}…")
    for name, sha256 in sorted(manifest.files.items()):
        path = folder / name
        if Path(name).name != name or not path.is_file():
            faults.append(f"{name}: is missing")
        elif hashlib.sha256(_read(path)).hexdigest() != sha256:
            faults.append(f"{name}: not what was signed")
    if not faults:
        faults += _of_content(folder, manifest)
    faults += [
        f"{work.title} ({work.reference_id}): nobody's consent is recorded"
        for work in manifest.works
        if not work.consents
    ]
    return Audited(manifest, known, faults)


def _of_content(folder: Path, manifest: Manifest) -> list[str]:
    """Compare what was learned from with what the manifest says of it."""
    vocabulary = Vocabulary(tuple(manifest.styles))
    pieces = read_tokens(_read(folder / "tokens.npz"), where=str(folder / "tokens.npz"))
    if len(pieces) != len(manifest.works):
        return [f"tokens.npz: {len(pieces)} pieces, the manifest has {len(manifest.works)} works"]
    return [
        f"{work.title} ({work.reference_id}): what was learned from is not its content"
        for work, piece in zip(manifest.works, pieces, strict=True)
        if content_sha256(piece, vocabulary) != work.content_sha256
    ]


def write_tokens(pieces: Sequence[Sequence[int]]) -> bytes:
    """Write pieces of tokens, one after the other, with where each ends."""
    file = io.BytesIO()
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    values = np.array([token for piece in pieces for token in piece], dtype=np.uint16)
    np.savez(file, allow_pickle=False, ends=ends, values=values)
    return file.getvalue()


def read_tokens(data: bytes, *, where: str) -> list[list[int]]:
    """Read pieces of tokens; FormatError if ``where`` has none."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return [part.tolist() for part in np.split(file["values"], file["ends"][:-1])] if len(file["ends"]) else []
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise FormatError(f"{where}: not pieces of tokens: {error}", code="tokens") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError:
        raise NotFoundError(
            f"{path}: there is no such file; is this the folder of a release?", code="release"
        ) from None
