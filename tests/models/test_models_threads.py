"""Threads: as many as the environment says, else every core this process may use."""

from __future__ import annotations

import os

import pytest

from journeyman.models.threads import default_threads


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("", None), ("0", None), ("2,1", None)])
def test_the_environment_says_how_many(given, expected, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert default_threads() == (expected or len(os.sched_getaffinity(0)))


def test_without_it_every_core_computes(monkeypatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert default_threads() == len(os.sched_getaffinity(0))
