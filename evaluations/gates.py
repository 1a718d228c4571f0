"""What the README promises, held against real recordings; fails if one promise is broken.

Conventions
-----------
Each evaluation or benchmark runs once, as a person would run it, and prints JSON; a gate bounds one of its figures.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["GATES", "Gate", "main"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound on one figure; ``least`` or ``most``."""

    module: str
    figure: str
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether the figure keeps the promise."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def promise(self) -> str:
        """The bound in signs."""
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"


_OPTIONS = {
    "evaluations.fingerprint": ["--conditions", "clean", "mp3_64", "white_5", "speed_1.25", "reverb", "--per", "40"],
}
"""What a gate needs of an evaluation that can do more: the conditions that are promised, with enough queries."""

GATES = (
    Gate("evaluations.fingerprint", "recall_clean", least=0.95),
    Gate("evaluations.fingerprint", "recall_mp3_64", least=0.95),
    Gate("evaluations.fingerprint", "recall_white_5", least=0.92),
    Gate("evaluations.fingerprint", "recall_speed_1.25_10s", least=0.92),
    Gate("evaluations.fingerprint", "recall_reverb_10s", least=0.92),
    Gate("evaluations.fingerprint", "false_alarms_per_1000", most=30.0),
    Gate("evaluations.synthetic", "accused_people", most=0.02),
    Gate("evaluations.synthetic", "auc", least=0.78),
    Gate("evaluations.mastering", "error_lu_max", most=0.11),
    Gate("evaluations.mastering", "true_peak_dbtp", most=-1.0),
    Gate("evaluations.mastering", "coded_peak_dbtp", most=-1.0),
    Gate("evaluations.mastering", "null_is_exact", least=1.0),
    Gate("evaluations.mastering", "repeats_exactly", least=1.0),
    Gate("evaluations.mastering", "thd_n_db", most=-110.0),
    Gate("benchmarks.startup", "import_s", most=0.3),
    Gate("benchmarks.startup", "help_s", most=0.5),
    Gate("benchmarks.decode", "ratio_to_ffmpeg_worst", most=1.3),
)


def figures(module: str, data: Path) -> Mapping[str, Any]:
    """Run a module on the data and return its figures."""
    command = [sys.executable, "-m", module, "--data", str(data), "--quick", "--json", *_OPTIONS.get(module, [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Mapping[str, Any] = json.loads(done.stdout)["figures"]
    return found


def main() -> None:
    """Run what the gates name, print how each stands, and fail if one is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    data = parser.parse_args().data
    measured = {module: figures(module, data) for module in dict.fromkeys(gate.module for gate in GATES)}
    table, n_broken = Table("module", "figure", "promised", "measured", ""), 0
    for gate in GATES:
        value = measured[gate.module].get(gate.figure, float("nan"))
        n_broken += not gate.holds(value)
        table.add_row(gate.module, gate.figure, gate.promise, f"{value:.4g}", "✓" if gate.holds(value) else "✗ BROKEN")
    Console().print(table)
    sys.exit(1 if n_broken else 0)


if __name__ == "__main__":
    main()
