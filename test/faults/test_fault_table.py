"""docs/faults.md and this suite say the same."""

import re
from itertools import chain
from pathlib import Path

from helpers.fault_table import FAULTS, ITSELF, ODDITIES
from helpers.server_fault_table import (
    NETWORK_FAULTS,
    NETWORK_ODDITIES,
    SERVER_FAULTS,
    SERVER_FLOODS,
    SERVER_ODDITIES,
    WORDS,
)

HERE = Path(__file__).resolve().parent
TEXT = (HERE.parents[1] / 'docs' / 'faults.md').read_text()
IN_MOTION = 'test_faults_in_motion.py'


def rows():
    """What the page has to say about the faults of the table."""
    for fault in FAULTS:
        goes_on = 'by itself' if fault.rearms == ITSELF else 'after `~/enable`'
        yield f'| {fault.name} | `{fault.says}` | {fault.within_s:.2f} s | {goes_on} |'
    for oddity in ODDITIES:
        yield f'| {oddity.name} | goes on |'
    for fault in (*chain(*SERVER_FAULTS.values()), *NETWORK_FAULTS):
        yield fault.row
    for protocol, what, _ in SERVER_ODDITIES:
        yield f'| {WORDS[protocol]}: {what} | goes on |'
    for what, _ in SERVER_FLOODS:
        yield f'| server: {what} | goes on; holds where predictions are late by it |'
    for what, _ in NETWORK_ODDITIES:
        yield f'| network: {what} | goes on |'


def test_every_fault_of_the_table_is_on_the_page_and_the_other_way_round():
    wanted = list(rows())
    page = [line for line in TEXT.splitlines() if re.match(r'\| \w+: ', line)]
    assert page == wanted, 'docs/faults.md should have these rows:\n' + '\n'.join(wanted)


def test_every_other_test_of_faults_is_on_the_page_and_is_there():
    others = (path for path in HERE.glob('test_*.py') if path.name != Path(__file__).name)
    ours = {
        f'faults/{path.name}::{name}'
        for path in others
        for name in re.findall(r'^def (test_\w+)', path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r'`(\w+/test_\w+\.py::test_\w+)`', TEXT))
    assert {name for name in named if name.startswith('faults/')} == ours
    for name in named:
        file, test = name.split('::')
        assert f'def {test}(' in (HERE.parent / file).read_text(), name
