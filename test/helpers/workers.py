"""How tests are shared out over the workers of pytest-xdist: ``make test``.

Tests in real time run on two workers, those of faults and all others, one after the other; those
of the documentation, which also start a robot but judge no times, on a third one. The last one has
the tests that only compute, a file at a time. Real time comes first, then the documentation: a
robot, a node and a controller get a processor whenever they need it, as on a quiet machine.

Without workers (``pytest`` alone) all tests run in their order, at their usual priority.
"""

import os

import pytest

REALTIME, FAULTS, DOCUMENTATION = 'realtime', 'faults', 'documentation'
NICENESS = {REALTIME: 0, FAULTS: 0, DOCUMENTATION: 5}
OF_OTHERS = 10


def is_realtime(item):
    """Whether a test has a ROS domain: it starts nodes, which live in real time."""
    return not {'domain', 'ros_domain'}.isdisjoint(item.fixturenames)


def group_of(item):
    """What runs on one worker, and so makes the fixtures that it shares once."""
    if mark := item.get_closest_marker('xdist_group'):
        return mark.args[0]
    if is_realtime(item):
        return FAULTS if item.path.parent.name == 'faults' else REALTIME
    return item.nodeid.partition('::')[0]


class Workers:
    """A plug-in for the process that collects the results, and for each worker."""

    def __init__(self, config):
        self._is_worker = hasattr(config, 'workerinput')
        self._niceness = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        for item in items:
            group = group_of(item)
            item.add_marker(pytest.mark.xdist_group(group))
            if is_realtime(item):
                item.add_marker(REALTIME)
            if not {'bags', 'urdfs'}.isdisjoint(item.fixturenames):
                item.add_marker('real_data')
        if self._is_worker:
            # In this order they are handed out.
            order = [*NICENESS, *sorted({group_of(item) for item in items} - NICENESS.keys())]
            items.sort(key=lambda item: order.index(group_of(item)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        more = NICENESS.get(group_of(item), OF_OTHERS) - self._niceness
        if self._is_worker and more > 0:
            os.nice(more)
            self._niceness += more

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        """Name a test as pytest takes it: without the group that xdist appends."""
        if not self._is_worker:
            name, _, group = report.nodeid.rpartition('@')
            if group in NICENESS or (name and name.startswith(f'{group}::')):
                report.nodeid = name
