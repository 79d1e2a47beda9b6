from __future__ import annotations

import os

import pytest

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.conventions import ConfigError


def _sum(a: int, *, b: int) -> tuple[int, int]:
    return a + b, os.getpid()


def _refuse() -> None:
    raise ConfigError("no such number", got=3)


def test_each_call_has_a_process_of_its_own() -> None:
    (first, one), (second, two) = alone(_sum, 1, b=2), alone(_sum, 3, b=4)
    assert (first, second) == (3, 7)
    assert len({one, two, os.getpid()}) == 3
    with pytest.raises(ConfigError, match="no such number; got 3"):
        alone(_refuse)
