"""A chunk of a file as the events of coffea: described once for all files of one layout.

For each chunk, coffea's Runner opens the file, asks every branch for its type, makes a form of all of them and gives it
to the schema. Here the file is the one that the worker keeps open, and what the schema made of the branches is kept for
the next chunk, and for the next file with the same branches.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.processors.running.chunk_columns import ChunkColumns
from rs3l_gnn.processors.running.open_files import KeptFile
from rs3l_gnn.processors.schema import JetSchema

__all__ = ["chunk_events"]

_log = logging.getLogger(__name__)
_usable = True
"""False once coffea had other names than the ones known here."""


def chunk_events(kept: KeptFile, item: Any, metadata: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """The events of a chunk, and coffea's list of the columns that are read of them, which fills up with time.

    Args:
        kept: the open file.
        item: coffea's work item.
        metadata: for the events.

    Raises:
        OSError: the branches cannot be described.
        Exception: whatever else coffea and uproot raise.
    """
    global _usable  # noqa: PLW0603  # one coffea a process
    log: list[Any] = []
    if _usable:
        try:
            return _factory(kept, item, metadata, log).events(), log
        except (AttributeError, ImportError, TypeError) as error:
            events = _by_coffea(kept, item, metadata, log)  # or coffea's own error, which says nothing of names
            _usable = False
            _log.warning("coffea has other names than the ones known here (%r): it describes every chunk anew", error)
            return events, log
    return _by_coffea(kept, item, metadata, log), log


def _factory(kept: KeptFile, item: Any, metadata: Mapping[str, Any], log: list[Any]) -> Any:
    """As ``NanoEventsFactory.from_root`` makes one, but for what was described already."""
    from coffea.nanoevents.factory import UprootSourceMapping
    from coffea.nanoevents.util import tuple_to_key

    tree = kept.tree
    place = str(tree.file.uuid), tree.object_path, f"{item.entrystart}-{item.entrystop}"
    mapping = UprootSourceMapping(
        None,  # nothing else is opened
        item.entrystart,
        item.entrystop,
        cache={},
        access_log=log,
        virtual=True,
        buffer_cache=ChunkColumns(lambda: tree),
    )
    mapping.preload_column_source(place[0], place[1], tree)
    schema = kept.shared.get("schema")
    if schema is None:
        form = mapping._extract_base_form(tree)
        form["typenames"] = tree.typenames()
        form["parameters"]["metadata"] = {}
        schema = kept.shared["schema"] = JetSchema(form)
    return NanoEventsFactory(schema.with_metadata(metadata), mapping, tuple_to_key(place), mode="virtual")


def _by_coffea(kept: KeptFile, item: Any, metadata: Mapping[str, Any], log: list[Any]) -> Any:
    tree = kept.tree
    log.clear()
    try:
        return NanoEventsFactory.from_root(
            kept.directory,
            treepath=item.treename,
            schemaclass=JetSchema,
            metadata=dict(metadata),
            access_log=log,
            mode="virtual",
            entry_start=item.entrystart,
            entry_stop=item.entrystop,
            buffer_cache=ChunkColumns(lambda: tree),
        ).events()
    except (AttributeError, TypeError) as error:  # of damaged descriptions, in which something is missing
        raise OSError(f"coffea cannot describe its branches: {error!r}") from error
