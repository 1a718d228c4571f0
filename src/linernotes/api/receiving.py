"""Receiving files: the parts of a form as they come in, straight to the disk, never whole in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from linernotes.api.problems import HttpProblem
from linernotes.journeys.uploads import Incoming, Kept
from linernotes.workspace import Workspace

__all__ = ["Form", "receive_form"]

_FIELD_BYTES_MAX = 10_000
_HEADER_BYTES_MAX = 4_000
_PARTS_MAX = 1_100
_BATCH_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class Form:
    """What came in: fields by name, and the files, in order, each with the name of its field."""

    fields: Mapping[str, str]
    parts: list[tuple[str, Kept]]

    @property
    def files(self) -> list[Kept]:
        """All files, whatever field they are of."""
        return [kept for _, kept in self.parts]

    def named(self, name: str) -> list[Kept]:
        """Return the files of one field."""
        return [kept for field_name, kept in self.parts if field_name == name]


async def receive_form(request: Request, workspace: Workspace, *, folder: Path | None = None) -> Form:
    """Read a ``multipart/form-data`` request; its files are kept: by content, or each in a part of ``folder``.

    A field that comes several times has its values with commas between.

    Raises HttpProblem where it is no such form, or has too many parts.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HttpProblem(415, "form", "send multipart/form-data")
    parts = _Parts(workspace, folder)
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())  # type: ignore[arg-type]
        batch = bytearray()
        async for chunk in request.stream():
            batch += chunk
            if len(batch) >= _BATCH_BYTES:
                await run_in_threadpool(parser.write, bytes(batch))
                batch.clear()
        await run_in_threadpool(parser.write, bytes(batch))
        parser.finalize()
    except FormParserError as error:
        raise HttpProblem(400, "form", f"not a form: {error}") from None
    finally:
        parts.discard()
    if not parts.ended:
        raise HttpProblem(400, "form", "the form breaks off")
    return Form(parts.fields, parts.files)


@dataclass(slots=True)
class _Parts:
    """Takes the parts that the parser finds."""

    workspace: Workspace
    folder: Path | None
    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, Kept]] = field(default_factory=list)
    ended: bool = False
    _number: int = 0
    _header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    _name: str = ""
    _file_name: str | None = None
    _text: bytearray = field(default_factory=bytearray)
    _incoming: Incoming | None = None

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, stop: self._add(self._header[0], data[start:stop]),
            "on_header_value": lambda data, start, stop: self._add(self._header[1], data[start:stop]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take,
            "on_part_end": self._end,
            "on_end": self._end_all,
        }

    def discard(self) -> None:
        """Let go of a part that did not come in whole."""
        if self._incoming is not None:
            self._incoming.__exit__(None, None, None)

    def _begin(self) -> None:
        self._number += 1
        if self._number > _PARTS_MAX:
            raise HttpProblem(400, "form", f"more than {_PARTS_MAX} parts")
        self._name, self._file_name, self._text = "", None, bytearray()

    def _add(self, to: bytearray, data: bytes) -> None:
        to += data
        if len(to) > _HEADER_BYTES_MAX:
            raise HttpProblem(400, "form", f"a header of more than {_HEADER_BYTES_MAX} bytes")

    def _end_header(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            if b"filename" in options:
                self._file_name = options[b"filename"].decode("utf-8", "replace")
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        if self._file_name:
            self._incoming = Incoming(self.workspace)

    def _take(self, data: bytes, start: int, stop: int) -> None:
        if self._incoming is not None:
            self._incoming.write(data[start:stop])
            return
        self._text += data[start:stop]
        if len(self._text) > _FIELD_BYTES_MAX:
            raise HttpProblem(400, "form", f"the field {self._name[:40]!r} has more than {_FIELD_BYTES_MAX} bytes")

    def _end(self) -> None:
        if self._incoming is not None:
            self.files.append((self._name, self._kept(self._incoming)))
            self.discard()
            self._incoming = None
        else:
            before = f"{self.fields[self._name]}," if self._name in self.fields else ""
            self.fields[self._name] = before + self._text.decode("utf-8", "replace")

    def _kept(self, incoming: Incoming) -> Kept:
        name = _readable(self._file_name or "")
        if self.folder is None:
            return incoming.keep(name)
        place = f"{len(self.files) + 1:04d}"
        kept = incoming.keep(name, folder=self.folder / place)
        return replace(kept, file=f"{place}/{kept.file}")

    def _end_all(self) -> None:
        self.ended = True


def _readable(name: str) -> str:
    """Return the last part of a name that a browser gave, without what would disturb a line of text."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:200] or "upload"
