"""A terminal that names and titles cannot steer: they come from strangers."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from linernotes.formats.wording import printable

__all__ = ["SafeConsole"]


class SafeConsole(Console):
    """A console that prints what a terminal would obey as a replacement character; its own colours stay."""

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments, without control characters in their text."""
        for text, style, control in super().render(renderable, options):
            safe = text if control or text.isprintable() else "\n".join(map(_line, text.split("\n")))
            yield Segment(safe, style, control)


def _line(text: str) -> str:
    return text if text.isprintable() else printable(text.replace("\N{NO-BREAK SPACE}", " "))
