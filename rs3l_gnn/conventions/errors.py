"""Error classes: one base, one constructor that asks for what, got, allowed and the next step."""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "ClusterError",
    "ConfigError",
    "DownloadError",
    "FitError",
    "InputFileError",
    "InvalidDataError",
    "MissingBranchError",
    "MissingDependencyError",
    "OutputError",
    "Rs3lError",
    "ServerError",
    "SettingsError",
    "SimulationError",
    "TrainingError",
    "UnknownVariationError",
    "WorkerError",
]


class Rs3lError(Exception):
    """A mistake that the user can mend; the command line shows the message and exits with status 2.

    Args:
        what: one sentence, naming the file, key, jet or bin.
        got: the offending value, if showing it helps.
        allowed: what would have been accepted.
        hint: the next step.
    """

    def __init__(self, what: str, *, got: object = None, allowed: object = None, hint: str | None = None) -> None:
        parts = [what]
        if got is not None:
            parts.append(f"got {_shortened(str(got), _LONGEST_PART)}")
        if allowed is not None:
            parts.append(f"allowed: {_shortened(_listing(allowed), _LONGEST_PART)}")
        if hint is not None:
            parts.append(hint)
        # The whole message is the only positional argument, so that the error survives
        # pickling on its way back from a worker process.
        super().__init__(_shortened("; ".join(parts), _LONGEST))


_LONGEST, _LONGEST_PART = 4000, 1500
"""Characters of a message and of what it quotes: a name or a list in a file can have any number."""


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 200]} ... {text[-100:]} ({len(text)} characters)"


def _listing(allowed: object) -> str:
    if isinstance(allowed, (list, tuple, set, frozenset, dict)):
        items = sorted(allowed) if isinstance(allowed, (set, frozenset)) else allowed
        return ", ".join(str(item) for item in items)
    return str(allowed)


class ConfigError(Rs3lError):
    """A configuration file, key or value is wrong."""


class SettingsError(ConfigError, ValueError):
    """Settings made in Python are wrong; a ValueError too, so that those inside of others are told with their place."""


class UnknownVariationError(ConfigError):
    """A variation name is not in the registry or not in the file."""


class InputFileError(Rs3lError):
    """An input file is missing, truncated or not what it is said to be."""


class DownloadError(Rs3lError):
    """A server has no such file, fails again and again, or gives other bytes than it announced."""


class ServerError(Rs3lError):
    """A server that runs networks does not answer, or has not the one that is asked for."""


class MissingBranchError(InputFileError):
    """A ROOT or HDF5 file lacks needed branches; the message names them and what was found."""


class InvalidDataError(Rs3lError):
    """Values are not usable: NaN, infinity, wrong width, decreasing offsets."""


class CheckpointError(Rs3lError):
    """A checkpoint cannot be read, or does not match what it is asked to do."""


class ClusterError(Rs3lError):
    """A cluster cannot be reached, or gives no workers."""


class WorkerError(Rs3lError):
    """Processes that do the work die again and again."""


class OutputError(Rs3lError):
    """An output exists already or cannot be written."""


class SimulationError(Rs3lError):
    """The event generator refuses its settings or gives no events."""


class TrainingError(Rs3lError):
    """A training stopped: no usable pairs, or a loss that is not finite."""


class FitError(Rs3lError):
    """Templates or a fit are not usable: empty, negative or missing bins, no convergence."""


class MissingDependencyError(Rs3lError):
    """An optional package is not installed; the message names the extra that brings it."""
