"""Launchers of Dask clusters; :data:`rs3l_gnn.running.launcher_registry.LAUNCHERS` finds what is here."""

__all__: list[str] = []
