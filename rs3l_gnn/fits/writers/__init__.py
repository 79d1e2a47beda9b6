"""Templates as files for pyhf, cabinetry and Combine."""

__all__: list[str] = []
