"""What pass rates answer to the shower: responses to its scales, and their changes under another generator."""

__all__: list[str] = []
