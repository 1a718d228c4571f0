"""Every error Linernotes raises, and what a program may do about it.

::

    LinernotesError
    ├── InputError              what was given cannot be used
    │   ├── DecodeError         … as sound
    │   ├── IdentifierError     … as an ISRC, ISWC, IPI or ISNI
    │   ├── FormatError         … as a CSV, a report, a message
    │   └── ParameterError      … as an option or a place
    ├── NotFoundError           there is no such thing here
    ├── ConflictError           it contradicts what is already here
    ├── UnavailableError        something it needs is missing; says how to get it
    │   └── StorageError        … room or permission on the disk
    └── InvariantError          our own promise broke: a bug, never caught inside

A message says what, where, the value received and what to do. Faulty data in a batch is not raised:
it is collected as :class:`linernotes.model.Problem`, with the error's ``code``.
"""

from typing import ClassVar

__all__ = [
    "ConflictError",
    "DecodeError",
    "FormatError",
    "IdentifierError",
    "InputError",
    "InvariantError",
    "LinernotesError",
    "NotFoundError",
    "ParameterError",
    "StorageError",
    "UnavailableError",
]


class LinernotesError(Exception):
    """Root of the tree; ``code`` is stable and meant for programs, the text for people."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code


class InputError(LinernotesError):
    """What was given cannot be used."""

    default_code = "input"


class DecodeError(InputError):
    """A file cannot be read as sound within the limits."""

    default_code = "decode"


class IdentifierError(InputError):
    """An identifier is malformed or its check digit is wrong."""

    default_code = "identifier"


class FormatError(InputError):
    """A file of the outside world does not follow its format."""

    default_code = "format"


class ParameterError(InputError):
    """An option or a place cannot be used as given."""

    default_code = "parameter"


class NotFoundError(LinernotesError):
    """There is no such thing here."""

    default_code = "not_found"


class ConflictError(LinernotesError):
    """It contradicts what is already here, for example fingerprints made with other parameters."""

    default_code = "conflict"


class UnavailableError(LinernotesError):
    """Something it needs is missing; the message says how to get it."""

    default_code = "unavailable"


class StorageError(UnavailableError):
    """The disk has no room left or may not be written."""

    default_code = "storage"


class InvariantError(LinernotesError):
    """A promise of our own broke. A bug: never caught inside the package."""

    default_code = "invariant"
