"""`make test-fast` starts no node, trains nothing, and needs no recordings from elsewhere."""

import re
from pathlib import Path

import pytest

from helpers.workers import GROUPS, group_of

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


def test_what_is_slow_is_marked_and_has_a_worker_that_comes_first(request):
    assert "-m 'not realtime and not real_data'" in MAKEFILE
    for item in request.session.items:
        marks = {mark.name for mark in item.iter_markers()}
        assert ('realtime' in marks) == bool({'domain', 'ros_domain'} & set(item.fixturenames))
        assert 'realtime' not in marks or group_of(item.nodeid) in GROUPS, item.nodeid
        served = re.search(r'^from helpers\.served ', item.path.read_text(), re.MULTILINE)
        assert 'sockets' in marks or not served, item.nodeid
        assert ('real_data' in marks) == bool({'bags', 'urdfs'} & set(item.fixturenames))
