"""A file of results, one JSON line an upload, that a killed batch can go on with."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linernotes.errors import FormatError, StorageError
from linernotes.formats.liner_notes import from_trace
from linernotes.journeys.files import write_whole
from linernotes.journeys.listening import file_sha256
from linernotes.model import Claim, Trace

__all__ = ["ResultsFile"]


class ResultsFile:
    """JSON Lines of liner notes; a line stands as long as its upload and the index are what they were."""

    def __init__(self, path: Path, *, index_revision: str) -> None:
        """Open ``path``, new or not; a line that a kill tore and lines that no longer stand are dropped.

        Raises FormatError if it holds anything but liner notes; StorageError if it cannot be written.
        """
        self.path = path
        self.kept: dict[str, dict[str, Any]] = {}
        for number, line in self._lines():
            try:
                notes = json.loads(line)
                standing = notes["index_revision"] == index_revision and notes["query"]["sha256"] is not None
                self.kept[notes["query"]["path"]] = notes if standing else {}
            except (ValueError, KeyError, TypeError):
                raise FormatError(f"{path}:{number}: not liner notes; give --out another file") from None
        self.kept = {name: notes for name, notes in self.kept.items() if notes}
        self._rewrite()

    def _lines(self) -> Iterator[tuple[int, str]]:
        if not self.path.exists():
            return
        text = self.path.read_text(encoding="utf-8")
        whole, _, _torn = text.rpartition("\n")
        yield from ((number, line) for number, line in enumerate(whole.split("\n"), 1) if line)

    def _rewrite(self) -> None:
        write_whole(self.path, "".join(self._line(notes) for notes in self.kept.values()))
        self._handle = self.path.open("a", encoding="utf-8")

    @staticmethod
    def _line(notes: dict[str, Any]) -> str:
        return json.dumps(notes, ensure_ascii=False) + "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def has(self, path: Path) -> bool:
        """Tell whether the notes of this very file are here."""
        notes = self.kept.get(str(path))
        return notes is not None and notes["query"]["sha256"] == file_sha256(path)

    @property
    def problem_codes(self) -> set[str]:
        """The codes of all problems in the lines that were kept."""
        return {problem["code"] for notes in self.kept.values() for problem in notes["problems"]}

    def append(
        self, trace: Trace, *, claims: Sequence[Claim] | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        """Add one upload's notes; on the disk when this returns, but for a crash of the machine itself.

        ``claims``, ``names``: as :func:`linernotes.formats.liner_notes.from_trace` takes them.
        """
        try:
            self._handle.write(self._line(from_trace(trace, claims=claims, names=names)))
            self._handle.flush()
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written ({error.strerror})") from error
