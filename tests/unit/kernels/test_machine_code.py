import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from linernotes.kernels import machine_code
from linernotes.kernels.compiled import compiled, count_ones, float_of_bits, inner, readable, types, writable


@inner
def _twice(x: float) -> float:
    return 2.0 * x


def _doubled(numbers: np.ndarray, out: np.ndarray) -> int:
    for i in range(len(numbers)):
        out[i] = _twice(numbers[i])
    return len(numbers)


def _made() -> Callable[..., int]:
    made: Callable[..., int] = compiled(types.int64, readable(types.float64, 1), writable(types.float64, 1))(_doubled)
    return made


def test_what_is_kept_is_used_and_what_is_damaged_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(machine_code, "_folders", lambda: [tmp_path / "file" / "none", tmp_path / "kept"])
    out = np.zeros(3)
    assert _made()(np.arange(3.0), out) == 3
    assert out.tolist() == [0.0, 2.0, 4.0]
    (kept,) = (tmp_path / "kept").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100])
    assert _made()(np.arange(3.0), out) == 3
    assert kept.read_bytes()[:64] == whole[:64]
    monkeypatch.setitem(sys.modules, "linernotes.kernels.building", None)  # no compiler from now on
    out[:] = 0.0
    assert _made()(np.arange(3.0), out) == 3
    assert out.tolist() == [0.0, 2.0, 4.0]


def test_arrays_that_would_be_misread_are_refused() -> None:
    from linernotes.kernels.rounding import round_dithered  # noqa: PLC0415

    samples, steps = np.zeros(4, np.float32), np.zeros(4, np.int32)
    still = np.zeros(4, np.int32)
    still.flags.writeable = False
    for bad in (np.zeros(4), np.zeros(8, np.float32)[::2], samples[None]):
        with pytest.raises(TypeError, match=r"argument 0 is float.*not float32 of 1 dimensions"):
            round_dithered(cast("np.ndarray", bad), np.uint64(0), 1.0, steps)
    with pytest.raises(TypeError, match="and writable"):
        round_dithered(samples, np.uint64(0), 1.0, still)


def test_instructions_do_the_same_in_plain_python() -> None:
    assert count_ones(np.uint64(0b1011)) == 3
    assert float_of_bits(np.int32(0x3F800000)) == 1.0


def test_kernels_that_are_kept_need_no_compiler_and_do_not_disturb_it() -> None:
    code = (
        "import sys, linernotes.kernels.rounding\nprint('numba' in sys.modules)\n"
        "import numba\nprint(numba.njit(lambda x: x + 1)(1))"
    )
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert told[1].stdout.split() == ["False", "2"]
