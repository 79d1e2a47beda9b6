"""Files to arrays: formats, readers and writers, matching of views by hard event, ragged batches."""

from rs3l_gnn.data.batches import EventBatches, ViewBatch
from rs3l_gnn.data.event_format import EventFormat, TableFormat
from rs3l_gnn.data.event_pairing import EventPairConfig, EventSampleReport
from rs3l_gnn.data.event_tables import EventTables, event_numbers, event_weights
from rs3l_gnn.data.flat_tree import FlatTree, FlatTreeConfig
from rs3l_gnn.data.format_registry import FORMATS, format_of, get_format
from rs3l_gnn.data.jet_features import jet_features, raw_jets
from rs3l_gnn.data.pairing import PairConfig, PairReport, SampleReport, pair
from rs3l_gnn.data.published import PublishedFile, convert_published, read_published
from rs3l_gnn.data.simulated import SimulatedFile, find_simulated
from rs3l_gnn.data.source import ViewsSource
from rs3l_gnn.data.view_draw import ViewDraw, choose_events, draw_views, events_on
from rs3l_gnn.data.views import Views, concatenate_views, gather_jets
from rs3l_gnn.data.views_dataset import EventViews, ViewsDataset
from rs3l_gnn.data.views_file import ViewsFile, ViewsWriter, read_views, write_views
from rs3l_gnn.data.weights import TrainingWeightConfig, WeightConfig, effective_number, generator_weights
from rs3l_gnn.data.zenodo import FetchConfig, FetchReport, RemoteFile, fetch, list_record

__all__ = [
    "FORMATS",
    "EventBatches",
    "EventFormat",
    "EventPairConfig",
    "EventSampleReport",
    "EventTables",
    "EventViews",
    "FetchConfig",
    "FetchReport",
    "FlatTree",
    "FlatTreeConfig",
    "PairConfig",
    "PairReport",
    "PublishedFile",
    "RemoteFile",
    "SampleReport",
    "SimulatedFile",
    "TableFormat",
    "TrainingWeightConfig",
    "ViewBatch",
    "ViewDraw",
    "Views",
    "ViewsDataset",
    "ViewsFile",
    "ViewsSource",
    "ViewsWriter",
    "WeightConfig",
    "choose_events",
    "concatenate_views",
    "convert_published",
    "draw_views",
    "effective_number",
    "event_numbers",
    "event_weights",
    "events_on",
    "fetch",
    "find_simulated",
    "format_of",
    "gather_jets",
    "generator_weights",
    "get_format",
    "jet_features",
    "list_record",
    "pair",
    "raw_jets",
    "read_published",
    "read_views",
    "write_views",
]
