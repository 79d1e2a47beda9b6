from .models import load_encoder as load_encoder
from .models import load_tagger as load_tagger

__version__: str
