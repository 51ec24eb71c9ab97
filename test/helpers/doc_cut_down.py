"""`neuracore_ros`, with less work than the documentation asks for: here it must only run."""

import sys
from pathlib import Path

from neuracore_ros.cli import main as command_line

# What is right for a robot, and what is enough to see that a command does what it says.
FEW = {
    '--steps': '4',
    '--seconds': '2',
    '--episodes': '2',
    '--trials': '1',
    '--minutes': '0.02',
    '--batch': '4',
    '--image-size': '64',
}


def cut_down(words: list[str]) -> list[str]:
    """The same command line, with smaller numbers."""
    verb, found = words[0] if words else '', list(words)
    for option, few in FEW.items():
        if option in found and found[found.index(option) + 1].isdecimal():
            found[found.index(option) + 1] = few
    if verb == 'train' and {'--resume', '--steps'} <= set(found):
        found[found.index('--steps') + 1] = '6'
    if verb == 'record' and not {'--seconds', '--services'} & set(found):
        # There is no terminal to press keys in.
        found += ['--seconds', '2', '--episodes', '1']
    elif verb == 'record' and '--seconds' in found and '--episodes' not in found:
        found += ['--episodes', '1']
    if verb == 'train' and not {'--batch', '--resume', '--config'} & set(found):
        found += ['--batch', '8']
        if '--policy' in found:
            found += ['--width', '32', '--layers', '1']
    if verb == 'convert' and not (Path(found[1]).exists() or '--image-size' in found):
        found += ['--image-size', '64']
    if '--live' in found and '--seconds' not in found:
        found += ['--seconds', '1.5']
    return found


def main() -> int:
    return command_line.main(cut_down(sys.argv[1:]))
