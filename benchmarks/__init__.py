"""Repeatable measurements of speed, each against a named reference in the same run."""

__all__: list[str] = []
