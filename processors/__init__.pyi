from .analysis import analyze as analyze
from .config import AnalysisConfig as AnalysisConfig
from .config import ProcessorConfig as ProcessorConfig
from .schema import JetSchema as JetSchema
from .summary import summarise as summarise
from .tagging import TaggingProcessor as TaggingProcessor
