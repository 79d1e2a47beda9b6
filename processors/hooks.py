"""Code of the user's own inside an analysis: functions and processors by name, called so that mistakes say where."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import awkward as ak
import cloudpickle
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError

__all__ = ["call", "event_mask", "load_object", "module_file", "values_of_jets"]


def load_object(name: str, *, where: str) -> Any:
    """A function or class, ``module:name``.

    Modules of the working directory are found, too, and travel to workers with what uses them; any other module has to
    be installed where the workers run.

    Args:
        name: of the module and in it.
        where: key of the configuration, for messages.

    Raises:
        ConfigError: there is no such module or name, or the module cannot be imported.
    """
    module_name, _, attribute = name.partition(":")
    module = _import(module_name, name, where)
    if not hasattr(module, attribute):
        found = [one for one in vars(module) if not one.startswith("_")]
        raise ConfigError(f"{where}: the module {module_name} has no {attribute}", allowed=found)
    return getattr(module, attribute)


def _import(module_name: str, name: str, where: str) -> ModuleType:
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)  # last, so that it hides nothing that is installed
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the code of a user raises
        raise ConfigError(f"{where}: cannot import {name}: {_last_line(error)}") from error
    finally:
        if added:
            sys.path.remove(here)
    file = module_file(module)
    if file is not None and file.is_relative_to(here) and module.__name__.partition(".")[0] != "rs3l_gnn":
        cloudpickle.register_pickle_by_value(module)
    return module


def module_file(module: ModuleType) -> Path | None:
    """The source of a module; None for those without one."""
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).resolve()


def _last_line(error: Exception) -> str:
    """An error with the last place in a file that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def call(function: Callable[..., Any], *arguments: Any, where: str) -> Any:
    """What a user's function gives.

    Raises:
        ConfigError: it failed; names the error and its place.
    """
    try:
        return function(*arguments)
    except Exception as error:  # whatever the code of a user raises
        raise ConfigError(f"{where} failed: {_last_line(error)}") from error


def event_mask(found: Any, n_events: int, *, where: str) -> NDArray[np.bool_]:
    """The answer of a selection as True for the events that are kept, False for None [n_events].

    Raises:
        ConfigError: it is something else.
    """
    mask: Any = None
    if not isinstance(found, ak.Array):
        mask = np.asarray(found)
    elif found.ndim == 1 and not ak.fields(found):
        mask = ak.to_numpy(ak.fill_none(found, value=False))
    if mask is None or mask.dtype != np.bool_ or mask.shape != (n_events,):
        raise ConfigError(f"{where} must give True or False for each event", got=_described(found), allowed=n_events)
    return np.asarray(mask)


def values_of_jets(found: Any, counts: NDArray[np.int64], *, where: str) -> NDArray[np.float64]:
    """Numbers of each event, or of each jet, as one for each jet [n_jets]; None is no number.

    Args:
        found: numbers [event] or [event][jet].
        counts: jets of each event [n_events].
        where: key of the configuration, for messages.

    Raises:
        ConfigError: it is something else.
    """
    values = found if isinstance(found, ak.Array) else ak.Array(np.asarray(found))
    fits = len(values) == len(counts) and not ak.fields(values)
    if fits and values.ndim == 1:
        return np.repeat(np.asarray(ak.to_numpy(ak.fill_none(values, np.nan)), dtype=np.float64), counts)
    if not fits or values.ndim != 2 or not np.array_equal(ak.to_numpy(ak.num(values, axis=1)), counts):
        raise ConfigError(
            f"{where} must give a number for each event, or for each jet of each event",
            got=_described(found),
            allowed=f"{len(counts)} events with {int(counts.sum())} jets",
        )
    return np.asarray(ak.to_numpy(ak.fill_none(ak.flatten(values, axis=1), np.nan)), dtype=np.float64)


def _described(found: Any) -> str:
    if isinstance(found, ak.Array):
        return str(found.type)
    return f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
