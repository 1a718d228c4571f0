import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import linernotes


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_kernels_work_where_nothing_can_be_written(tmp_path: Path) -> None:
    package = tmp_path / "linernotes"
    shutil.copytree(Path(linernotes.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kernels" / "__pycache__").write_text("in the way of a cache folder, even for root")
    (tmp_path / "home").write_text("so is this")
    code = (
        "import numpy as np\nfrom linernotes.kernels.compiled import compiled, readable, types\n"
        "import linernotes\nfrom linernotes.kernels import align\n"
        "out = np.zeros(1, np.uint16)\none = np.ones(1, np.uint64)\nalign.sweep(0 * one, one, one, out)\n"
        "print(linernotes.__file__, out[0])"
    )
    home = str(tmp_path / "home" / "none")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "HOME": home, "XDG_CACHE_HOME": home}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(package / "__init__.py"), "1"]


def test_kernels_load_nothing_that_they_do_not_use() -> None:
    code = (
        "import sys, linernotes.kernels.loudness\n"
        "print(*{'scipy.linalg', 'scipy.linalg.cython_blas', 'cffi'} & set(sys.modules))\n"
        "import cffi"  # it is there for others
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
