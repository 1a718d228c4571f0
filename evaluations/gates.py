"""What the README promises, held against real recordings; fails if one promise is broken.

Conventions
-----------
Each evaluation or benchmark runs once, as a person would run it, and prints JSON; a gate bounds one of its figures.
What needs PyTorch or scores that are not here is skipped, and said. No model of music is trained long enough for its
gain, or retrained for its attribution, here: those are figures of ``make evals``.
"""

import argparse
import importlib.util
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
    "evaluations.generation": ["--size", "tiny"],
    "evaluations.fingerprint": ["--conditions", "clean", "mp3_64", "white_5", "speed_1.25", "reverb", "--per", "40"],
}
"""What a gate needs of an evaluation that can do more: the conditions that are promised, with enough queries."""

_NEEDS_TORCH = frozenset({"evaluations.generation", "benchmarks.attribution"})

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
    Gate("evaluations.generation", "valid", least=1.0),
    Gate("evaluations.generation", "in_metre", least=1.0),
    Gate("evaluations.generation", "copied_to_limit", most=1.0),
    Gate("benchmarks.attribution", "output_s", most=2.0),  # of CPU: one second on two cores
    Gate("benchmarks.attribution", "pass_to_training", most=1.0),
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


def missing(module: str, data: Path) -> str:
    """Say what a module needs that is not here; nothing where all is."""
    if module in _NEEDS_TORCH and importlib.util.find_spec("torch") is None:
        return "PyTorch"
    if module == "evaluations.generation" and not (data / "scores" / "manifest.csv").is_file():
        return "scores/manifest.csv"
    return ""


def main() -> None:
    """Run what the gates name, print how each stands, and fail if one is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    data = parser.parse_args().data
    modules = dict.fromkeys(gate.module for gate in GATES)
    absent = {module: lacking for module in modules if (lacking := missing(module, data))}
    measured = {module: figures(module, data) for module in modules if module not in absent}
    table, n_broken = Table("module", "figure", "promised", "measured", ""), 0
    for gate in GATES:
        if gate.module in absent:
            table.add_row(gate.module, gate.figure, gate.promise, "–", f"skipped: needs {absent[gate.module]}")
            continue
        value = measured[gate.module].get(gate.figure, float("nan"))
        n_broken += not gate.holds(value)
        table.add_row(gate.module, gate.figure, gate.promise, f"{value:.4g}", "✓" if gate.holds(value) else "✗ BROKEN")
    Console().print(table)
    sys.exit(1 if n_broken else 0)


if __name__ == "__main__":
    main()
