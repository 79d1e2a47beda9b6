from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.data import PairConfig
from rs3l_gnn.workflows.outdated import dependents, is_outdated, mark_outdated, mark_repeated
from rs3l_gnn.workflows.steps import Step


def _pair(name: str, *directories: str) -> Step:
    return Step("pair", name, PairConfig(directories=tuple(map(Path, directories))))


STEPS = [_pair("a", "simulate/x"), _pair("b", "pair/a"), _pair("c", "pair/b"), _pair("d", "simulate/y")]


@pytest.mark.parametrize(
    ("repeated", "later"), [({"pair/a"}, "bc"), ({"pair/b"}, "c"), ({"pair/c"}, ""), ({"pair/d"}, ""), (set(), "")]
)
def test_who_read_what_is_repeated(repeated: set[str], later: str) -> None:
    assert [step.name for step in dependents(STEPS, repeated)] == list(later)


def test_a_mark_stays_until_the_step_is_repeated(tmp_path: Path) -> None:
    step = STEPS[0]
    mark_outdated(step, tmp_path)  # without an output nothing is outdated
    assert not is_outdated(step, tmp_path)
    (tmp_path / "pair").mkdir()
    (tmp_path / step.output).touch()
    mark_outdated(step, tmp_path)
    assert is_outdated(step, tmp_path)
    assert not is_outdated(STEPS[1], tmp_path)
    mark_repeated(step, tmp_path)
    mark_repeated(step, tmp_path)
    assert not is_outdated(step, tmp_path)
