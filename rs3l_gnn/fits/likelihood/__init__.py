"""Best fit, errors, limits, significances, ranking, scans and toys."""

__all__: list[str] = []
