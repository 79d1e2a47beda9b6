"""Several taggers, fitted alike and put side by side."""

__all__: list[str] = []
