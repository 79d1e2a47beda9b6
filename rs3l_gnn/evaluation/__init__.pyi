from .config import ClassConfig as ClassConfig
from .config import CurveConfig as CurveConfig
from .config import EvaluateConfig as EvaluateConfig
from .config import TableConfig as TableConfig
from .robustness import score_shift as score_shift
from .roc import Roc as Roc
from .roc import roc_curve as roc_curve
from .run import evaluate as evaluate
