"""One file a backbone; :data:`rs3l_gnn.models.BACKBONES` finds what is here."""

__all__: list[str] = []
