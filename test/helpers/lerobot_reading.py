"""Reading a dataset by the real LeRobot, in an interpreter that has it."""

import os
import subprocess
from pathlib import Path

import numpy as np

READER = Path(__file__).with_name('lerobot_reader.py')


def read_by_lerobot(python, dataset, folder):
    """What LeRobotDataset gives at each row, and the loss of a stock policy."""
    out = folder / 'items.npz'
    subprocess.run(
        # -P: the helpers beside the reader must not stand before its libraries.
        [python, '-P', str(READER), str(dataset), str(out)],
        env={**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(folder / 'hub')},
        check=True,
    )
    return np.load(out)
