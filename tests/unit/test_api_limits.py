"""Buckets of requests."""

import pytest

from linernotes.api.limits import Buckets


def test_a_bucket_empties_and_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    buckets = Buckets(2.0, 3)
    assert [buckets.wait_s("ada") for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.wait_s("bea") == 0
    now[0] = 0.5
    assert [buckets.wait_s("ada") for _ in range(2)] == [0, 1]
    now[0] = 1000.0
    assert [buckets.wait_s("ada") for _ in range(4)] == [0, 0, 0, 1]
