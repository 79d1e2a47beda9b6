"""What happens to an error that no user made: a log with everything that a report needs, and one sentence."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

from rs3l_gnn.conventions import provenance

__all__ = ["describe_defect"]


def describe_defect(verb: str, error: Exception, output: Path | None) -> str:
    """Write the log and give the sentence that names it.

    Args:
        verb: which was running.
        error: what escaped it.
        output: of the verb, beside which the log stands (``<output>.defect.log``); without one, and where that place
            cannot be written, the log is in the working directory, else in the folder for temporary files.
    """
    text = "\n".join(
        [
            shlex.join(["rs3l", *sys.argv[1:]]),
            json.dumps(provenance(), indent=2),
            "".join(traceback.format_exception(error)),
        ]
    )
    log = _write(f"rs3l-{verb}" if output is None else output.name, [] if output is None else [output.parent], text)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"rs3l {verb}: this is a defect, please report it with {log or 'the output of --debug'}; {what}"


def _write(name: str, folders: list[Path], text: str) -> Path | None:
    for folder in (*folders, Path(), Path(tempfile.gettempdir())):
        log = folder / f"{name}.defect.log"
        try:
            log.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return log
    return None
