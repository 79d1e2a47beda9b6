"""Writes beyond a full device are remembered, not raised."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from rs3l_gnn.data.remembering_file import RememberingFile


def test_a_file_is_written(tmp_path: Path) -> None:
    with RememberingFile(tmp_path / "f", "w+") as file:
        assert file.write(b"abc") == 3
        file.truncate(2)
        file.require_written()
    assert (tmp_path / "f").read_bytes() == b"ab"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_first_failure_is_kept_until_somebody_asks() -> None:
    file = RememberingFile("/dev/full", "w")
    assert file.write(b"abc") == 3  # as if it had been written
    assert file.write(b"def") == 3
    with pytest.raises(OSError, match="No space left") as caught:
        file.require_written()
    assert caught.value.errno == errno.ENOSPC
    file.close()
