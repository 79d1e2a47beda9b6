"""The ``rs3l`` command, also as ``python -m rs3l_gnn``; without its packages it says how to install them."""

from __future__ import annotations

import sys

from rs3l_gnn.conventions import MissingDependencyError
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.verbs import EXTRA_OF_VERB

__all__ = ["main"]


def main() -> None:
    """Entry point."""
    verb = next((word for word in sys.argv[1:] if word in EXTRA_OF_VERB), None)
    try:
        with needs_extra("rs3l" if verb is None else f"rs3l {verb}", EXTRA_OF_VERB.get(verb or "", "all")):
            from rs3l_gnn import cli
    except MissingDependencyError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    cli.main()


if __name__ == "__main__":
    main()
