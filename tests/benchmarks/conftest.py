"""Nothing but an import that warns."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # torch calls TorchScript deprecated, which torch_geometric uses while it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch_geometric.nn  # noqa: F401  # only for the import to be over
