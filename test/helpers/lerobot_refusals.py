"""Runs under an interpreter that has lerobot 0.6: what is said of checkpoints that are wrong.

Usage: python lerobot_refusals.py '[{"folder": ..., "options": {...}}, ...]'; prints JSON, an error
each, '' where there is none.
"""

import json
import sys
from pathlib import Path

from neuracore_ros.errors import UserError
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.inference import LerobotPolicy
from neuracore_ros.serving.lerobot.loading import LerobotOptions


def said(folder, options, message=None):
    try:
        policy = LerobotPolicy(read_lerobot_checkpoint(Path(folder)), LerobotOptions(**options))
        policy.horizon()
        if message is not None:
            policy.ask(message)
    except UserError as error:
        return str(error)
    return ''


if __name__ == '__main__':
    print(json.dumps([said(**each) for each in json.loads(sys.argv[1])]))
