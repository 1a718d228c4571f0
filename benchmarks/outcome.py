"""The one shape of every benchmark and evaluation: arguments in, figures out, for people or for machines."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Outcome", "arguments", "tell"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured. ``peers``: the same figures of other programs in the same run; ``skipped``: what is absent."""

    name: str
    data: str
    figures: Mapping[str, float]
    peers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[str] = ()


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all share; a module may add its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="folder of real recordings, laid out with music/manifest.csv")
    parser.add_argument("--quick", action="store_true", help="fewer inputs, wider error bars")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def tell(outcome: Outcome, *, as_json: bool) -> None:
    """Print the outcome."""
    if as_json:
        print(json.dumps(asdict(outcome)))
        return
    console = Console()
    peers = list(outcome.peers)
    table = Table("figure", "linernotes", *peers, title=f"{outcome.name} on {outcome.data}", title_justify="left")
    for name in dict.fromkeys([*outcome.figures, *(name for peer in outcome.peers.values() for name in peer)]):
        cells = [outcome.figures.get(name), *(outcome.peers[peer].get(name) for peer in peers)]
        table.add_row(name, *("–" if cell is None else f"{cell:.4g}" for cell in cells))
    console.print(table)
    if outcome.rows:
        columns = list(outcome.rows[0])
        rows = Table(*columns)
        for row in outcome.rows:
            rows.add_row(*(f"{row[c]:.4g}" if isinstance(row[c], float) else str(row[c]) for c in columns))
        console.print(rows)
    for line in outcome.skipped:
        console.print(f"skipped: {line}")
