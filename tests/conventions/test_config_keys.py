from __future__ import annotations

import pytest
from pydantic import Field

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.conventions.config_keys import describe_keys


class Inner(BaseConfig):
    rate: float = Field(0.5, description="how fast")
    names: tuple[str, ...] = ("a", "b")


class Outer(BaseConfig):
    path: str = Field(description="where")
    inner: Inner = Inner(rate=0.25)
    most: int | None = Field(None, description="how many; all if null")
    long: tuple[int, ...] = tuple(range(100))


def test_every_key_has_its_line() -> None:
    lines = describe_keys(Outer).splitlines()
    assert lines[:4] == [
        "path         [needed] where",
        "inner.rate   [0.5] how fast",
        "inner.names  [[a, b]]",
        "most         [null] how many; all if null",
    ]
    assert lines[4].startswith("long         [[0, 1, 2, 3,")
    assert lines[4].endswith(" ...]")


@pytest.mark.parametrize("name", ["PretrainConfig", "FinetuneConfig"])
def test_keys_of_the_trainings_all_have_a_description(name: str) -> None:
    from rs3l_gnn import training

    lines = describe_keys(getattr(training, name)).splitlines()
    without = [line for line in lines if line.endswith("]")]
    assert not without
    assert any(line.startswith("trainer.buffer_events ") for line in lines)
