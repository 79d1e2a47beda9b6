"""``rs3l VERB [CONFIG.yaml] [--options]``: one module a verb, each one library call."""

from importlib import import_module

from rs3l_gnn.cli.app import app

__all__ = ["VERBS", "app", "main"]

VERBS = (
    "simulate",
    "pair",
    "pretrain",
    "finetune",
    "evaluate",
    "export",
    "analyze",
    "fit",
    "demo",
    "benchmark",
    "inspect",
)
"""The verbs in the order of the help text, which is the order of the chain."""


def main() -> None:
    """Entry point of the ``rs3l`` command."""
    for name in VERBS:
        import_module(f"rs3l_gnn.cli.{name}")  # importing a verb registers it
    app()
