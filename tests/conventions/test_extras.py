"""What is said where a package is missing."""

from __future__ import annotations

import importlib

import pytest

from rs3l_gnn.conventions import MissingDependencyError
from rs3l_gnn.conventions.extras import needs_extra


def test_a_missing_package_is_said_with_its_extra() -> None:
    with pytest.raises(MissingDependencyError) as caught, needs_extra("rs3l fit", "fits"):
        importlib.import_module("no_such_package.part")
    assert str(caught.value) == "rs3l fit needs: pip install 'rs3l_gnn[fits]'"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_defect_of_this_package_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError), needs_extra("rs3l fit", "fits"):
        importlib.import_module("rs3l_gnn.no_such_module")
