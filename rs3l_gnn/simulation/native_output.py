"""What compiled libraries write on standard output, caught: Pythia says only there why it refuses something."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["caught_output", "pythia_complaints"]

_MESSAGE = re.compile(r"^ \|\s+(\d+)\s+((?:Error|Abort)\b.*?)\s*\|\s*$")


@contextmanager
def caught_output() -> Iterator[list[str]]:
    """Keep what is written to file descriptor 1, which ``contextlib.redirect_stdout`` does not see.

    Yields:
        A list that holds the lines once the block has ended.
    """
    lines: list[str] = []
    sys.stdout.flush()
    stdout = os.dup(1)
    with tempfile.TemporaryFile() as file:
        try:
            os.dup2(file.fileno(), 1)
            yield lines
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
            file.seek(0)
            lines.extend(file.read().decode(errors="replace").splitlines())


def pythia_complaints(pythia: Any) -> Counter[str]:
    """Errors that a Pythia instance has counted so far, in its own words; warnings are left out."""
    with caught_output() as lines:
        pythia.stat()
    found = (_MESSAGE.match(line) for line in lines)
    return Counter({match[2]: int(match[1]) for match in found if match})
