"""What the package does with wrong files, faults and large loads, counted."""

__all__: list[str] = []
