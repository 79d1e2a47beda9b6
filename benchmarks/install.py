"""What an installation brings: packages, megabytes and seconds, for the light part and for everything."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import rs3l_gnn
from rs3l_gnn.benchmarks.start import start_of

__all__ = ["measure_install", "what_is_installed"]

_ROOT = Path(rs3l_gnn.__file__).parents[1]
_TOOLS = {"pip", "setuptools", "wheel"}


def measure_install() -> dict[str, Any]:
    """Install the light part and everything (extra ``all``) into empty environments and count.

    Packages come from where pip takes them; ``PIP_CONSTRAINT`` and the other variables of pip hold.

    Returns:
        For ``light`` and ``full``: packages beside this one, megabytes, seconds of pip, and the start of the light part
        there (:func:`rs3l_gnn.benchmarks.start.measure_start`).
    """
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, extra in (("light", ""), ("full", "[all]")):
            place = Path(folder) / name
            venv.create(place, with_pip=True)
            python = place / "bin" / "python"
            own = f"{_ROOT}{extra}" if (_ROOT / "setup.cfg").is_file() else f"rs3l_gnn{extra}=={rs3l_gnn.__version__}"
            began = time.perf_counter()
            command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", own]
            subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603  # pip of the new environment
            seconds = time.perf_counter() - began
            found[name] = {**what_is_installed(python), "seconds": seconds, "start": start_of("light", python)}
    return found


def what_is_installed(python: Path) -> dict[str, Any]:
    """Packages of an environment beside this one and pip's own, and the size of its folder of packages in MB."""
    code = (
        "import sysconfig, importlib.metadata as m; print(sysconfig.get_path('purelib'));"
        "print(*sorted({d.metadata['Name'] for d in m.distributions()}))"
    )
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)  # noqa: S603  # as above
    place, names = done.stdout.splitlines()
    folder = Path(place)
    packages = set(names.split()) - _TOOLS - {"rs3l_gnn", "rs3l-gnn"}
    tools = {folder / name for name in _TOOLS}
    size = sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and not tools & set(path.parents)
    )
    return {"packages": len(packages), "megabytes": size / 1e6}
