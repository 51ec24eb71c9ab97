"""`make test-fast` starts no node, trains nothing, and needs no recordings from elsewhere."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
MAKEFILE = (HERE.parent / 'Makefile').read_text()
(FOLDERS,) = re.findall(r'^FAST := (.+)$', MAKEFILE, re.MULTILINE)
# What trains, and what starts a robot, a node or a scheduler, is nothing that one waits for.
SLOW = ("'train'", 'training.loop', 'live_robot', 'fault_rig', 'spinning', 'distributed')


@pytest.mark.parametrize('folder', FOLDERS.split())
def test_a_folder_of_the_fast_part_neither_trains_nor_starts_a_node(folder):
    paths = sorted((HERE / folder).glob('*.py'))
    assert paths
    for path in paths:
        text = path.read_text()
        assert [word for word in SLOW if word in text] == [], path


def test_the_fast_part_leaves_out_what_is_marked_as_slow(request):
    assert "-m 'not realtime and not real_data'" in MAKEFILE
    for item in request.session.items:
        marks = {mark.name for mark in item.iter_markers()}
        assert ('realtime' in marks) == bool({'domain', 'ros_domain'} & set(item.fixturenames))
        assert ('real_data' in marks) == bool({'bags', 'urdfs'} & set(item.fixturenames))
