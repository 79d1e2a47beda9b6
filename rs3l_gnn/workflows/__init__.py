"""Whole chains over the rooms: the demonstration and the inspection of files."""

__all__: list[str] = []
