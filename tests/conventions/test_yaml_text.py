from __future__ import annotations

import pytest
import yaml

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.yaml_text import parse_yaml


def _doubling(levels: int, line: str) -> str:
    """A text whose last entry stands for 2 ** levels entries."""
    return "x0: &x0 {k: 1}\n" + "".join(line.format(n=n, before=n - 1) for n in range(1, levels + 1))


@pytest.mark.parametrize(
    "line", ["x{n}: &x{n} {{a: *x{before}, b: *x{before}}}\n", "x{n}: &x{n} [*x{before}, *x{before}]\n"]
)
def test_few_aliases_are_what_yaml_says(line: str) -> None:
    text = _doubling(10, line)
    assert parse_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "line",
    [
        "x{n}: &x{n} {{a: *x{before}, b: *x{before}}}\n",
        "x{n}: &x{n} [*x{before}, *x{before}]\n",
        "x{n}: &x{n} {{<<: [*x{before}, *x{before}]}}\n",
    ],
)
def test_aliases_that_stand_for_more_than_a_memory_holds(line: str) -> None:
    with pytest.raises(ConfigError, match="not valid YAML: its aliases stand for more than 100000 entries"):
        parse_yaml(_doubling(100, line))


def test_what_no_alias_repeats_may_be_long() -> None:
    assert parse_yaml("[" + "1," * 20_000 + "]") == [1] * 20_000
