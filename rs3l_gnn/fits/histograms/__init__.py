"""Histograms of runs and of other tools, cut into cells, with their covariances and replicas."""

__all__: list[str] = []
