"""Safe reading of large XML: one item at a time, within limits, without document types or entities of its own.

Conventions
-----------
A message is a root, lists below it, items in them (``NewReleaseMessage/ResourceList/SoundRecording``): an item is built
whole, handed out and forgotten. Whatever text or attribute of it nobody asked for stays unused, and can be told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from linernotes.errors import FormatError

__all__ = ["Element", "items"]

_FILE_BYTES_MAX = 2 << 30
_ITEM_CHARACTERS_MAX = 16 << 20
_ITEM_ELEMENTS_MAX = 200_000
_DEPTH_MAX = 64
_CHUNK_BYTES = 1 << 16


@dataclass(slots=True)
class Element:
    """An element by its local name; ``line`` is where it begins. What is read of it is noted in ``used``."""

    name: str
    namespace: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    used: bool = False

    def all(self, name: str) -> list["Element"]:
        """Return the children of a name."""
        return [child for child in self.children if child.name == name]

    def find(self, path: str) -> "Element | None":
        """Return the first element down a path such as ``PLine/Year``, or None."""
        element: Element | None = self
        for name in path.split("/"):
            element = next(iter(element.all(name)), None) if element is not None else None
        return element

    def read(self, path: str = "") -> str:
        """Return the text down a path, and note that it was used; empty where there is none."""
        element = self.find(path) if path else self
        if element is None:
            return ""
        element.used = True
        return element.text.strip()

    def take(self) -> None:
        """Note all of it as used."""
        self.used = True
        self.attributes.clear()
        for child in self.children:
            child.take()

    def unused(self, path: str = "") -> Iterator[tuple[str, int]]:
        """Yield path and line of each text and attribute that was not used."""
        here = f"{path}/{self.name}" if path else self.name
        if self.text.strip() and not self.used:
            yield here, self.line
        for name in self.attributes:
            yield f"{here}/@{name}", self.line
        for child in self.children:
            yield from child.unused(here)

    def count(self) -> int:
        """Count the texts and attributes in it."""
        return bool(self.text.strip()) + len(self.attributes) + sum(child.count() for child in self.children)


class _Builder:
    """Builds the items; those that are whole wait in ``done``."""

    def __init__(self, path: Path, parser: expat.XMLParserType) -> None:
        self.done: list[Element] = []
        self._path, self._parser = path, parser
        self._open: list[Element] = []
        self._n_elements = self._n_characters = 0
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._refuse_doctype

    def _refuse(self, what: str) -> None:
        raise FormatError(f"{self._path}:{self._parser.CurrentLineNumber}: {what}", code="xml")

    def _refuse_doctype(self, *_: object) -> None:
        self._refuse("an XML message has no document type; entities are refused, they can be bombs")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        element = Element(local, namespace, self._parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.done.append(element)
        self._open.append(element)
        self._n_elements += 1
        if len(self._open) > _DEPTH_MAX:
            self._refuse(f"elements nested more than {_DEPTH_MAX} deep")
        if self._n_elements > _ITEM_ELEMENTS_MAX:
            self._refuse(f"one item of more than {_ITEM_ELEMENTS_MAX} elements")

    def _data(self, text: str) -> None:
        self._n_characters += len(text)
        if self._n_characters > _ITEM_CHARACTERS_MAX:
            self._refuse(f"one item of more than {_ITEM_CHARACTERS_MAX} characters")
        self._open[-1].text += text

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        depth = len(self._open)
        if depth == 1 or (depth == 2 and self._open[1].name.endswith("List")):
            self._open[-1].children.pop()
            self.done.append(element)
            self._n_elements = self._n_characters = 0


def items(path: Path) -> Iterator[Element]:
    """Yield the root, as yet without children, then each item of a message as it ends, and each list without its items.

    Raises FormatError naming line and limit where this is no XML, or more than we are willing to read.
    """
    size = path.stat().st_size
    if size > _FILE_BYTES_MAX:
        raise FormatError(f"{path}: {size} bytes of XML, more than {_FILE_BYTES_MAX}; split the message", code="xml")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    builder = _Builder(path, parser)
    n_read = 0
    try:
        with path.open("rb") as handle:
            while chunk := handle.read(_CHUNK_BYTES):
                n_read += len(chunk)
                if n_read > _FILE_BYTES_MAX:
                    raise FormatError(f"{path}: more than {_FILE_BYTES_MAX} bytes of XML; split it", code="xml")
                parser.Parse(chunk)
                yield from builder.done
                builder.done.clear()
        parser.Parse(b"", True)  # noqa: FBT003  (expat takes it by place)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise FormatError(f"{path}:{error.lineno}: not well-formed XML ({what})", code="xml") from None
    yield from builder.done
