"""``rs3l VERB [CONFIG.yaml] [--options]``: one module a verb, each one library call."""

from importlib import import_module

from rs3l_gnn.cli.app import VERBS, app

__all__ = ["VERBS", "app", "main"]


def main() -> None:
    """Entry point of the ``rs3l`` command."""
    for name in VERBS:
        import_module(f"rs3l_gnn.cli.{name}")  # importing a verb registers it
    app()
