"""The arrows between the rooms: imports point left, and the bare import stays cheap."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rs3l_gnn

PACKAGE = Path(rs3l_gnn.__file__).parent
ROOT = PACKAGE.parent
AT_THE_TOP = ("benchmarks", "configs", "processors")
"""Folders beside the package, imported as ``rs3l_gnn.<name>``."""
EVERYTHING_BUT_CLI = {
    "benchmarks",
    "configs",
    "conventions",
    "data",
    "evaluation",
    "fits",
    "inference",
    "models",
    "processors",
    "running",
    "simulation",
    "training",
    "workflows",
}
ALLOWED: dict[str, set[str]] = {
    "configs": set(),
    "conventions": set(),
    "simulation": {"conventions"},
    "running": {"conventions"},
    "data": {"conventions", "running"},
    "models": {"conventions"},
    "training": {"conventions", "data", "models"},
    "evaluation": {"conventions", "data", "models", "training"},
    "inference": {"conventions", "data", "models"},
    "processors": {"conventions", "data", "inference", "running"},
    "fits": {"conventions"},
    "benchmarks": EVERYTHING_BUT_CLI,
    "workflows": EVERYTHING_BUT_CLI,
    "cli": EVERYTHING_BUT_CLI,
}


def _imported_rooms(source: str, package: str) -> Iterator[str]:
    """Rooms named by any import statement of a module, also inside functions and type checking blocks."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: -node.level + 1 or None], base]).rstrip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] in AT_THE_TOP:
                yield f"top-level {parts[0]} (import it as rs3l_gnn.{parts[0]})"
            if parts[0] == "rs3l_gnn" and len(parts) > 1 and parts[1] in ALLOWED:
                yield parts[1]


def _folder(room: str) -> Path:
    return (ROOT if room in AT_THE_TOP else PACKAGE) / room


def test_every_room_has_its_arrows() -> None:
    inside = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert inside | set(AT_THE_TOP) == set(ALLOWED)
    assert all((ROOT / room / "__init__.py").exists() for room in AT_THE_TOP)


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_point_left(room: str) -> None:
    for module in sorted(_folder(room).rglob("*.py")):
        package = ".".join(["rs3l_gnn", *module.parent.relative_to(_folder(room).parent).parts])
        imported = set(_imported_rooms(module.read_text(encoding="utf-8"), package)) - {room}
        assert imported <= ALLOWED[room], f"{module} imports {sorted(imported - ALLOWED[room])}"


def test_the_scan_sees_imports_inside_functions_and_relative_ones() -> None:
    source = "def f():\n    from rs3l_gnn.training import losses\n    from ..fits import fit\n    import processors.x\n"
    found = set(_imported_rooms(source, "rs3l_gnn.models"))
    assert found == {"training", "fits", "top-level processors (import it as rs3l_gnn.processors)"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import rs3l_gnn", ("torch", "coffea", "awkward", "numba", "matplotlib")),
        ("import rs3l_gnn.conventions", ("torch", "coffea", "matplotlib")),
        ("import rs3l_gnn.cli", ("torch", "coffea", "pythia8mc", "matplotlib", "pyhf")),
        ("import rs3l_gnn.inference, rs3l_gnn.processors", ("lightning", "pythia8mc", "pyhf", "sklearn")),
    ],
)
def test_imports_stay_light(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter and code
    assert result.stdout.strip() == "[]"


def test_public_names_resolve() -> None:
    for room in ALLOWED:
        package = importlib.import_module(f"rs3l_gnn.{room}")
        found = [(package.__name__, True)]
        found += [(info.name, info.ispkg) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
        for name, is_package in found:
            module = importlib.import_module(name)
            for public in getattr(module, "__all__", ()):
                assert hasattr(module, public), f"{name}.__all__ names {public}, which is not there"
            if is_package:
                assert hasattr(module, "__all__"), f"{name} does not say what is public"


def test_configs_hold_relative_paths_only() -> None:
    configs = sorted((ROOT / "configs").rglob("*.yaml"))
    assert configs
    for path in configs:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not any(word.startswith(("/", "~")) for word in line.split("#")[0].replace('"', " ").split()), (
                f"{path}:{number} holds an absolute path: {line}"
            )
