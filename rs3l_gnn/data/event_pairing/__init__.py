"""Views of hard events from event files of any format: which events and jets go together, and their particles."""

from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.pairing import EventFiles, pair_event_files
from rs3l_gnn.data.event_pairing.report import EventSampleReport

__all__ = ["EventFiles", "EventPairConfig", "EventSampleReport", "pair_event_files"]
