"""What is installed is what is in the repository, and what is imported is what is declared."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rs3l_gnn", "processors", "benchmarks", "configs")
GENERATED = ("PKG-INFO", "setup.cfg", "rs3l_gnn.egg-info/")
IMPORTED_BY_NAME = {
    # Loaded by another package where they are installed, without an import of ours.
    "fsspec-xrootd",
    "torch-scatter",
    "onnxscript",
    "tensorboard",
    # Its package has another name, and it is in no environment of the tests.
    "weaver-core",
    # The user makes the cluster and hands us its address.
    "dask-jobqueue",
}


def _run(*command: str | Path, cwd: Path) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603  # our own interpreter, and git
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Files of the repository, as git knows them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    found = _run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    return [name for name in found if name and (ROOT / name).exists()]


@pytest.fixture(scope="module")
def clone(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files alone, in a folder without links and without anything that was built before."""
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path) -> Path:
    """A wheel, built from the clone."""
    call = "import sys; from setuptools import build_meta; build_meta.build_{}(sys.argv[1])"
    _run(sys.executable, "-c", call.format("sdist"), "dist", cwd=clone)
    _run(sys.executable, "-c", call.format("wheel"), "dist", cwd=clone)
    return next((clone / "dist").glob("*.whl"))


def test_no_tracked_file_is_a_link(tracked: list[str]) -> None:
    """A zip, or a checkout on a system without links, would lose what they point to."""
    assert [name for name in tracked if (ROOT / name).is_symlink()] == []


def test_wheel_holds_every_file_of_the_packages(wheel: Path, tracked: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        name if name.startswith("rs3l_gnn/") else f"rs3l_gnn/{name}"
        for name in tracked
        if name.split("/")[0] in PACKAGES and "/" in name
    }
    assert inside == wanted


def test_source_distribution_holds_every_file(wheel: Path, tracked: list[str]) -> None:
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as archive:
        inside = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    generated = {name for name in inside if name.startswith(GENERATED)}
    assert inside - generated == set(tracked) - generated


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that has the wheel, and what it needs, but not this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # A path alone: the hooks of an editable install there are not followed.
    packages = next(Path(path) for path in sys.path if (Path(path) / "numpy").is_dir())
    (site / "dependencies.pth").write_text(f"{packages}\n", encoding="utf-8")
    _run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    return python


def test_installed_wheel_runs(installed: Path, tmp_path: Path) -> None:
    places = _run(
        installed,
        "-c",
        "import rs3l_gnn.processors as p, rs3l_gnn.benchmarks as b; from rs3l_gnn.configs import config_path\n"
        "print(p.__file__, b.__file__, config_path('simulate/demo.yaml'), sep='\\n')",
        cwd=tmp_path,
    ).splitlines()
    assert all(Path(place).is_relative_to(installed.parents[1]) and Path(place).is_file() for place in places)
    assert "simulate" in _run(installed.parent / "rs3l", "--help", cwd=tmp_path)


def _imports(*folders: str) -> set[str]:
    """Packages that any module imports, also inside functions; those of Python itself and our own are left out."""
    found: set[str] = set()
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"rs3l_gnn"}


def _declared() -> tuple[set[str], set[str]]:
    """Distributions of the package with its extras for users, and those of the extras for developers."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = dict(config["options.extras_require"])

    def names(text: str) -> set[str]:
        lines = [line.split("#")[0].strip() for line in text.splitlines()]
        parts = [re.match(r"[A-Za-z0-9_.-]+", line) for line in lines if not line.startswith("%")]
        return {_normal(part.group()) for part in parts if part}

    developers = {"docs", "lint", "test"}
    users = names(config["options"]["install_requires"])
    for extra, text in extras.items():
        if extra not in developers:
            users |= names(text)
    return users, set().union(*(names(extras[extra]) for extra in developers))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_imported_is_declared_and_declared_is_imported() -> None:
    distributions = {name: {_normal(d) for d in found} for name, found in packages_distributions().items()}
    users, developers = _declared()
    imported = _imports(*PACKAGES)
    undeclared = {name for name in imported if not distributions.get(name, {_normal(name)}) & users}
    assert undeclared == set()
    used = set().union(*(distributions.get(name, {_normal(name)}) for name in imported))
    assert users - used - IMPORTED_BY_NAME == set()
    in_tests = {name for name in _imports("tests") if not distributions.get(name, set()) & (users | developers)}
    assert in_tests - {"rs3l_gnn", "tests"} == set()
