"""``rs3l VERB [CONFIG.yaml] [--options]``: one module a verb, each one library call."""

import os
from importlib import import_module

from rs3l_gnn.cli.app import CONFIGS, VERBS, app
from rs3l_gnn.cli.stopping import STATUSES, end_surely

__all__ = ["CONFIGS", "VERBS", "app", "load_verbs", "main"]


def main() -> None:
    """Entry point of the ``rs3l`` command."""
    # Idle OpenMP threads of torch sleep instead of spinning, here and in every process started from here: spinning
    # takes the cores from the encoder's own threads. libgomp reads it when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    load_verbs()
    try:
        app()
    except SystemExit as end:
        if end.code in STATUSES:
            end_surely(int(end.code))
        raise


def load_verbs() -> None:
    """Register all verbs with ``app``, and their configurations in ``CONFIGS``; importing a verb does both."""
    for name in VERBS:
        import_module(f"rs3l_gnn.cli.{name}")
