"""Executors, one file each; :data:`rs3l_gnn.running.executor_registry.EXECUTORS` finds what is here."""

__all__: list[str] = []
