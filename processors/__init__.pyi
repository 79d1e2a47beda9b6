from .config import AnalysisConfig as AnalysisConfig
from .config import ProcessorConfig as ProcessorConfig
from .running.analysis import analyze as analyze
from .running.summary import summarise as summarise
from .schema import JetSchema as JetSchema
from .tag import tag_files as tag_files
from .tagging import TaggingProcessor as TaggingProcessor
