"""Small recordings are made by the helpers of test/dataset."""

import sys
from pathlib import Path

# Behind the libraries, whose names must win.
sys.path.append(str(Path(__file__).parents[1] / 'dataset'))
