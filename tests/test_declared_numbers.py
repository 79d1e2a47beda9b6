"""Every number of every configuration has a domain: what lies outside of it is refused at its own key."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import rs3l_gnn
from rs3l_gnn.conventions import BaseConfig, Rs3lError

# Any finite number has a meaning there.
_ANY_NUMBER = {
    "AxisConfig.start",  # of an axis; start < stop is checked
    "AxisConfig.stop",
    "CorrectionInput.value",  # what a correction of an experiment asks for
    "DataConfig.mu",  # a signal strength; below zero is a deficit
    "FlatTreeConfig.impact_sentinel",  # what a tree says where nothing was measured
    "LabelConfig.values",  # of a branch
    "JetConfig.beta",  # the exponent of soft drop; negative is the tagging mode (arXiv:1402.2657)
    "JetSelection.mass_max",
    "JetSelection.mass_min",
    "MomentumShifts.rho",  # a density, by value or branch
}
# Several numbers with rules of their own, and what the rules refuse.
_RULES: dict[str, list[Any]] = {
    "CurveConfig.aims": [{1000.0: 0.0}, {1000.0: -1.0}],
    "EventPairConfig.caps": [{"qcd": 0}],
    "EdgeConvConfig.hidden": [[0], [-4]],
    "EvaluateConfig.efficiencies": [[0.0], [1.0], [0.5, 1.5]],
    "FinetuneConfig.variations": [{"nominal": -1.0}],
    "FitConfig.cross_sections": [{"qcd": 0.0}, {"qcd": -3.0}],
    "HeadConfig.hidden": [[0]],
    "HepmcConfig.first_number": [-1],
    "HistogramConfig.edges": [[1.0], [2.0, 1.0], [1.0, 1.0]],
    "ProjectionConfig.hidden": [[-1]],
    "RateConfig.value": [0.0, -0.1, [0.0, 1.1], [1.1, -1.0]],
    "SampleConfig.bounds": [[1.0, 0.0], [2.0, 2.0]],
    "SculptingConfig.edges": [[40.0, 50.0], [50.0, 40.0, 60.0], [40.0, 40.0, 50.0]],
    "StudyConfig.seeds": [[-1], []],
    "TableConfig.efficiencies": [[1.0]],
    "TransformerConfig.hidden": [[0]],
}


def _classes(base: type[BaseConfig] = BaseConfig) -> Iterator[type[BaseConfig]]:
    for member in base.__subclasses__():
        if member.__module__.startswith("rs3l_gnn."):
            yield member
        yield from _classes(member)


def _fields() -> list[tuple[type[BaseConfig], str]]:
    for module in pkgutil.walk_packages(rs3l_gnn.__path__, "rs3l_gnn."):
        importlib.import_module(module.name)
    found = {
        (config, name)
        for config in _classes()
        for name, field in config.model_fields.items()
        if {int, float} & {field.annotation, *get_args(field.annotation)} and name in config.__annotations__
    }
    return sorted(found, key=lambda pair: (pair[0].__module__, pair[0].__name__, pair[1]))


FIELDS = _fields()


def _refused(config: type[BaseConfig], name: str, value: Any, *, alone: bool = False) -> bool:
    """Whether a value is refused; ``alone``: for its own sake, and not for what stands beside it."""
    try:
        config.model_validate({name: value})
    except Rs3lError:  # a rule about other keys, which are missing here
        return not alone
    except ValidationError as error:
        problems = [problem for problem in error.errors() if problem["type"] != "missing"]
        return any(problem["loc"][:1] in ({(name,)} if alone else {(), (name,)}) for problem in problems)
    return False


def test_numbers_are_found() -> None:
    assert len(FIELDS) > 120


@pytest.mark.parametrize(("config", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_not_finite_too_large_and_of_another_type(config: type[BaseConfig], name: str) -> None:
    for value in (math.nan, math.inf, -math.inf, "a word", [[]], {"a": {}}, object()):
        if isinstance(value, str) and str in get_args(config.model_fields[name].annotation):
            continue
        assert _refused(config, name, value), f"{config.__name__}.{name} took {value!r}"
    if int in {config.model_fields[name].annotation, *get_args(config.model_fields[name].annotation)}:
        assert _refused(config, name, 2**63)
        assert _refused(config, name, -(2**63) - 1)
        assert _refused(config, name, 0.5)


@pytest.mark.parametrize(("config", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_borders(config: type[BaseConfig], name: str) -> None:
    bounds: list[Any] = [
        bound for bound in config.model_fields[name].metadata if type(bound).__name__ in {"Gt", "Ge", "Lt", "Le"}
    ]
    key = f"{config.__name__}.{name}"
    if not bounds and key not in _ANY_NUMBER:
        assert key in _RULES, "no domain is declared"
    for value in _RULES.get(key, []):
        assert _refused(config, name, value), f"{key} took {value!r}"
    for bound in bounds:
        kind, border = next(iter(dataclasses.asdict(bound).items()))
        step = -1 if kind.startswith("g") else 1
        assert _refused(config, name, border if kind in {"gt", "lt"} else border + step)
        assert kind in {"gt", "lt"} or not _refused(config, name, border, alone=True)


@settings(max_examples=200, deadline=None)
@given(
    place=st.sampled_from(FIELDS),
    value=st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.lists(st.floats(), max_size=2), st.none()),
)
def test_whatever_comes_is_taken_or_refused(place: tuple[type[BaseConfig], str], value: Any) -> None:
    config, name = place
    try:
        made = config.model_validate({name: value})
    except (ValidationError, Rs3lError):
        return
    numbers = [number for number in [getattr(made, name)] if isinstance(number, (int, float))]
    assert all(math.isfinite(number) and abs(number) < 2**1023 for number in numbers)
