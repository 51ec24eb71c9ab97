"""The documentation's own code is on the path; what of it was not run is said at the end."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'docs'))


def pytest_terminal_summary(terminalreporter):
    if commands := sys.modules.get('test_doc_commands'):
        for line in commands.census():
            terminalreporter.write_line(line)
