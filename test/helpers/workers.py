"""How tests are shared out over the workers of pytest-xdist: ``make test``.

Tests in real time run on two workers, those of faults and all others, one after the other; those
of the documentation, which also start a robot but judge no times, on a third one. The last one has
the tests that only compute, a file at a time. Real time comes first, then the documentation: a
robot, a node and a controller get a processor whenever they need it, as on a quiet machine.

Without workers (``pytest`` alone) all tests run in their order, at their usual priority.
"""

import os
from inspect import ismodule

import pytest

# What runs on one worker, in the order in which it is handed out, and how much it gives way.
GROUPS = {
    'realtime': (
        'test/node/',
        'test/demo/',
        'test/docs/test_node_reference.py',
        'test/physics/test_mujoco_robot.py',
        'test/scaffold/test_live_draft.py',
        'test/sim/test_robot_node.py',
        'test/watch/test_graph_search.py',
        'test/watch/test_link.py',
        'test/watch/test_watch_nodes.py',
        'test/watch/test_watch_terminal.py',
    ),
    'faults': ('test/faults/',),
    'documentation': ('test/docs/test_doc_commands.py',),
}
NICENESS = {'realtime': 0, 'faults': 0, 'documentation': 5}
OF_OTHERS = 10

ON_SOCKETS = (
    'helpers.doc_server',
    'helpers.faulty_server',
    'helpers.gr00t_servers',
    'helpers.raw_socket',
    'helpers.scripted_server',
    'helpers.served',
    'socket',
    'websockets',
    'zmq',
)


def is_realtime(item):
    """Whether a test has a ROS domain: it starts nodes, which live in real time."""
    return not {'domain', 'ros_domain'}.isdisjoint(item.fixturenames)


def is_on_sockets(item):
    """Whether a test talks to servers, whose answers have deadlines, too: by what it imports."""
    names = (getattr(each, '__module__', None) for each in vars(item.module).values())
    modules = (each.__name__ for each in vars(item.module).values() if ismodule(each))
    return any(str(name).startswith(ON_SOCKETS) for name in (*names, *modules))


def group_of(nodeid):
    """The group of a test: the one that names its path, or its file."""
    path = nodeid.partition('::')[0]
    return next((group for group, paths in GROUPS.items() if path.startswith(paths)), path)


class Workers:
    """A plug-in for the process that hands the tests out, and for each worker."""

    def __init__(self, config):
        self._is_worker = hasattr(config, 'workerinput')
        self._niceness = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config, log):
        from xdist.scheduler import LoadScopeScheduling

        class ByGroup(LoadScopeScheduling):
            def _split_scope(self, nodeid):
                return group_of(nodeid)

        return ByGroup(config, log)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        for item in items:
            if is_realtime(item):
                item.add_marker('realtime')
            if is_on_sockets(item):
                item.add_marker('sockets')
            if not {'bags', 'urdfs'}.isdisjoint(item.fixturenames):
                item.add_marker('real_data')
        if self._is_worker:
            order = {group: number for number, group in enumerate(GROUPS)}
            items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        more = NICENESS.get(group_of(item.nodeid), OF_OTHERS) - self._niceness
        if self._is_worker and more > 0:
            os.nice(more)
            self._niceness += more
