"""Pictures of templates and of results."""

__all__: list[str] = []
