from .inference import load_encoder as load_encoder
from .inference import load_tagger as load_tagger

__version__: str
