"""Formats of event files, one file each; :data:`rs3l_gnn.data.FORMATS` finds what is here."""

__all__: list[str] = []
