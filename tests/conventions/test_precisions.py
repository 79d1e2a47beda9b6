"""Names of precisions."""

import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.precisions import require_precision


def test_only_what_there_is() -> None:
    for known in ("float32", "int16"):
        require_precision(known)
    for unknown in ("bf16", "INT16", None, 16):
        with pytest.raises(ConfigError, match="unknown precision; got .*; allowed: float32, int16"):
            require_precision(unknown)
