"""The ``fit:`` block of a YAML file and its sections."""

__all__: list[str] = []
