"""Problems as a person sees them: beside the results, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from linernotes.cli.safe_console import SafeConsole
from linernotes.model import Problem

__all__ = ["print_problems"]

_errors = SafeConsole(stderr=True, highlight=False)
_PROBLEMS_MAX = 40


def print_problems(problems: Sequence[Problem]) -> None:
    """Print problems, each with its place; of very many the first, and how many more there are."""
    for problem in problems[:_PROBLEMS_MAX]:
        place = "" if problem.where in problem.message else f"{problem.where}: "
        _errors.print(Text.assemble(("  ✗ ", "red"), (place, "dim"), problem.message), soft_wrap=True)
    if more := Counter(problem.code for problem in problems[_PROBLEMS_MAX:]):
        kinds = ", ".join(f"{n} {code}" for code, n in more.most_common())
        _errors.print(Text(f"  … and {more.total()} more ({kinds}); --json tells all", "dim"), soft_wrap=True)
