"""What a gate holds, and what it says where it cannot be tried."""

import importlib.util
from pathlib import Path

import pytest

from evaluations import gates


def test_a_bound_is_kept_or_broken_and_no_figure_keeps_none() -> None:
    least, most = gates.Gate("m", "f", least=0.9), gates.Gate("m", "f", most=1.0)
    assert (least.holds(0.9), least.holds(0.8), least.promise) == (True, False, "≥ 0.9")
    assert (most.holds(1.0), most.holds(1.1), most.promise) == (True, False, "≤ 1")
    assert not least.holds(float("nan"))
    assert not most.holds(float("nan"))


def test_what_needs_pytorch_or_scores_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert gates.missing("benchmarks.attribution", tmp_path) == "PyTorch"
    assert gates.missing("benchmarks.startup", tmp_path) == ""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: "found")
    assert gates.missing("evaluations.generation", tmp_path) == "scores/manifest.csv"
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "manifest.csv").touch()
    assert gates.missing("evaluations.generation", tmp_path) == ""
