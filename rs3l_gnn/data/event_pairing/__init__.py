"""Views of hard events from event files of any format: which events and jets go together, and their particles."""

from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.input_files import EventFiles
from rs3l_gnn.data.event_pairing.pairing import pair_event_files
from rs3l_gnn.data.event_pairing.report import EventSampleReport
from rs3l_gnn.data.event_pairing.sample_views import DataSets

__all__ = ["DataSets", "EventFiles", "EventPairConfig", "EventSampleReport", "pair_event_files"]
