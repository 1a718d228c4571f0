"""Signatures: who vouches for a release, checked by anybody who has the public key.

Conventions
-----------
Ed25519. A key is 32 bytes; the private one is kept in a file that only its owner can read. What is signed is a file's
whole content.

Source: RFC 8032, Edwards-curve digital signature algorithm, 2017.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from linernotes.errors import FormatError

__all__ = ["is_signed", "open_key", "public_key", "sign"]


def open_key(path: Path) -> bytes:
    """Read the private key in ``path``; it is made where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    key = path.read_bytes()
    if len(key) != 32:
        raise FormatError(f"{path}: {len(key)} bytes, a signing key has 32; restore it from a copy", code="key")
    return key


def public_key(private: bytes) -> bytes:
    """Return the public half of a key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(content: bytes, private: bytes) -> bytes:
    """Sign content; 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(content)


def is_signed(content: bytes, signature: bytes, public: bytes) -> bool:
    """Tell whether the holder of a key signed this very content."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
