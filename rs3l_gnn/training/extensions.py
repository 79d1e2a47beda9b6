"""What a user adds to Lightning's trainer: loggers by name, callbacks by the place of their class."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from rs3l_gnn.conventions import ConfigError, MissingDependencyError

__all__ = ["FOLDERS", "make_callbacks", "make_loggers"]

_LOGGERS: dict[str, tuple[type[Logger], str]] = {
    "csv": (CSVLogger, "lightning"),
    "tensorboard": (TensorBoardLogger, "tensorboard"),
    "mlflow": (MLFlowLogger, "mlflow"),
    "wandb": (WandbLogger, "wandb"),
}
FOLDERS = ("csv", "tensorboard", "wandb", "mlruns")
"""What loggers leave in the folder of a training, unless their options say another place."""


def make_loggers(settings: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Logger]:
    """Loggers of Lightning.

    Args:
        settings: options of each, by name; they go to its class and override the places chosen here.
        folder: where they write.

    Raises:
        ConfigError: an option that the logger does not have.
        MissingDependencyError: the package of a logger is not installed.
    """
    places: dict[str, dict[str, Any]] = {
        "csv": {"save_dir": folder, "name": "csv"},
        "tensorboard": {"save_dir": folder, "name": "tensorboard", "version": ""},
        "mlflow": {"save_dir": str(folder / "mlruns")},
        "wandb": {"save_dir": folder},
    }
    made = []
    for name, options in settings.items():
        kind, package = _LOGGERS[name]
        try:
            made.append(kind(**{**places[name], **options}))
        except ModuleNotFoundError as error:
            raise MissingDependencyError(f"the logger {name!r} needs the package {package}") from error
        except TypeError as error:
            raise ConfigError(f"trainer.loggers.{name}: {error}", got=dict(options)) from error
    return made


def make_callbacks(settings: Mapping[str, Mapping[str, Any]]) -> list[Callback]:
    """Callbacks of Lightning.

    Args:
        settings: options of each, by ``module:class``.

    Raises:
        ConfigError: no such module or class, not a callback, or an option that it does not have.
    """
    made = []
    for place, options in settings.items():
        module, _, name = place.partition(":")
        try:
            kind = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"trainer.callbacks: {place} cannot be imported: {error}") from error
        if not (isinstance(kind, type) and issubclass(kind, Callback)):
            raise ConfigError(f"trainer.callbacks: {place} is no class of callbacks of Lightning", got=repr(kind))
        try:
            made.append(kind(**options))
        except TypeError as error:
            raise ConfigError(f"trainer.callbacks.{place}: {error}", got=dict(options)) from error
    return made
