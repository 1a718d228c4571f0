from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

pytest.importorskip("torch", reason="needs the extra 'models'")
pytestmark = pytest.mark.extras

TRAIN = ("--size", "tiny", "--epochs", "30")


@pytest.fixture
def run(run_cli: Run) -> Run:
    return run_cli
