"""How long a person waits before anything happens: import, help, and the first look into a workspace.

Conventions
-----------
Wall seconds of a whole process, the shortest of several runs after one that warms the disk: what else a machine does
can only add. ``bare`` is an interpreter that does nothing.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.outcome import Outcome, arguments, tell

__all__ = ["main", "measure"]


def seconds(command: Sequence[str], *, n_runs: int) -> float:
    """Return the shortest wall time of a command."""
    times = []
    for _ in range(n_runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def measure(*, quick: bool) -> Outcome:
    """Time the commands that everybody waits for."""
    python, n_runs = sys.executable, 7 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "bare_s": seconds([python, "-c", "pass"], n_runs=n_runs),
            "import_s": seconds([python, "-c", "import linernotes"], n_runs=n_runs),
            "import_all_s": seconds([python, "-c", "from linernotes import register, trace, Workspace"], n_runs=n_runs),
            "help_s": seconds([python, "-m", "linernotes", "--help"], n_runs=n_runs),
            "list_s": seconds([python, "-m", "linernotes", "catalogue", "list", "--workspace", folder], n_runs=n_runs),
        }
    return Outcome("startup", "no data", figures)


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0]).parse_args()
    tell(measure(quick=given.quick), as_json=given.json)


if __name__ == "__main__":
    main()
