"""Safe reading of large XML: one item at a time, within limits, without document types or entities of its own.

Conventions
-----------
A message is a root, lists below it, items in them (``NewReleaseMessage/ResourceList/SoundRecording``): an item is built
whole, handed out and forgotten. Whatever text or attribute of it nobody asked for stays unused, and can be told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from linernotes.errors import FormatError

__all__ = ["Element", "items"]

_FILE_BYTES_MAX = 2 << 30
_ITEM_CHARACTERS_MAX = 16 << 20
_ITEM_ELEMENTS_MAX = 200_000
_DEPTH_MAX = 64
_NAMES_MAX = 10_000
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
        element = self
        for name in path.split("/"):
            for child in element.children:
                if child.name == name:
                    element = child
                    break
            else:
                return None
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
            if child.children or child.attributes or not child.used:  # most have nothing to tell
                yield from child.unused(here)

    def count(self) -> int:
        """Count the texts and attributes in it."""
        n_statements, waiting = 0, [self]
        while waiting:
            element = waiting.pop()
            n_statements += bool(element.text.strip()) + len(element.attributes)
            waiting += element.children
        return n_statements


class _Builder:
    """Builds the items, but for those to be passed over; those that are whole wait in ``done``."""

    def __init__(self, path: Path, parser: expat.XMLParserType, is_wanted: Callable[[str], bool]) -> None:
        self.done: list[Element] = []
        self._path, self._parser, self._is_wanted = path, parser, is_wanted
        self._open: list[Element] = []
        self._n_passed = 0  # elements open in an item that is passed over
        self._n_elements = self._n_characters = 0
        self._names: dict[str, tuple[str, str]] = {}
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
        self._n_elements += 1
        if self._n_elements > _ITEM_ELEMENTS_MAX:
            self._refuse(f"one item of more than {_ITEM_ELEMENTS_MAX} elements")
        opened = self._open
        if len(opened) + self._n_passed >= _DEPTH_MAX:
            self._refuse(f"elements nested more than {_DEPTH_MAX} deep")
        if self._n_passed:
            self._n_passed += 1
            return
        namespace, local = self._names.get(name) or self._split(name)
        if self._is_item(len(opened)) and not (local.endswith("List") or self._is_wanted(local)):
            self._n_passed = 1
            return
        element = Element(local, namespace, self._parser.CurrentLineNumber, attributes)
        if opened:
            opened[-1].children.append(element)
        else:
            self.done.append(element)
        opened.append(element)

    def _split(self, name: str) -> tuple[str, str]:
        namespace, _, local = name.rpartition(" ")
        if len(self._names) < _NAMES_MAX:
            self._names[name] = namespace, local
        return namespace, local

    def _is_item(self, depth: int) -> bool:
        return depth == 1 or (depth == 2 and self._open[1].name.endswith("List"))

    def _data(self, text: str) -> None:
        self._n_characters += len(text)
        if self._n_characters > _ITEM_CHARACTERS_MAX:
            self._refuse(f"one item of more than {_ITEM_CHARACTERS_MAX} characters")
        if not self._n_passed and ((element := self._open[-1]).text or not text.isspace()):
            element.text += text

    def _end(self, _name: str) -> None:
        if self._n_passed:
            self._n_passed -= 1
            ended = self._n_passed == 0
        else:
            element = self._open.pop()
            if ended := self._is_item(len(self._open)):
                self._open[-1].children.pop()
                self.done.append(element)
        if ended:
            self._n_elements = self._n_characters = 0


def items(path: Path, *, is_wanted: Callable[[str], bool] = bool) -> Iterator[Element]:
    """Yield the root, as yet without children, then each item of a message as it ends, and each list without its items.

    Items whose name is not wanted are passed over, within the same limits.

    Raises FormatError naming line and limit where this is no XML, or more than we are willing to read.
    """
    size = path.stat().st_size
    if size > _FILE_BYTES_MAX:
        raise FormatError(f"{path}: {size} bytes of XML, more than {_FILE_BYTES_MAX}; split the message", code="xml")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    builder = _Builder(path, parser, is_wanted)
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
