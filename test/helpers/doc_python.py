"""`python`, in a process that has imported torch already."""

import runpy
import sys


def main() -> int:
    sys.argv = sys.argv[1:]
    if sys.argv[0] == '-c':
        exec(sys.argv.pop(1), {'__name__': '__main__'})
    else:
        runpy.run_path(sys.argv[0], run_name='__main__')
    return 0
