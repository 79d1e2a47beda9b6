"""From cells to the checked templates of a statistical model."""

__all__: list[str] = []
