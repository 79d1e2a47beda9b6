"""Packages beyond the light part: which extra of this package brings what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rs3l_gnn.conventions.errors import MissingDependencyError

__all__ = ["missing_extra", "needs_extra"]


def missing_extra(what: str, extra: str) -> MissingDependencyError:
    """The error that says how to install what ``what`` needs."""
    return MissingDependencyError(f"{what} needs: pip install 'rs3l_gnn[{extra}]'")


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Around imports of packages that an extra brings.

    Args:
        what: wants them, for the message: ``rs3l fit``.
        extra: the extra by name.

    Raises:
        MissingDependencyError: one of them is not installed. A module of this package that is absent passes as it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "rs3l_gnn":
            raise
        raise missing_extra(what, extra) from error
