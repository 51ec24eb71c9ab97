"""The verbs that a demo runs: what they say is shown, and they end with it."""

import threading

import pytest

from helpers.waiting import wait_until
from neuracore_ros.demo import processes
from neuracore_ros.errors import UserError


@pytest.fixture
def says(tmp_path, monkeypatch):
    """Make the program that stands in for every verb."""

    def program(*lines):
        path = tmp_path / 'python'
        path.write_text('\n'.join(['#!/bin/sh', *lines, '']))
        path.chmod(0o755)
        monkeypatch.setattr(processes.sys, 'executable', str(path))
        return tmp_path / 'logs' / 'verb.log'

    return program


def test_what_a_verb_says_is_shown_line_by_line_and_kept(says):
    log, shown = says('echo step 50', 'echo step 100'), []
    processes.run_verb('train', [], log, shown.append)
    assert shown == ['step 50', 'step 100']
    processes.run_verb('train', [], log, shown.append)
    assert shown == ['step 50', 'step 100'] * 2
    assert log.read_text().splitlines() == shown


def test_a_verb_that_fails_is_named_with_its_last_line_and_its_log(says):
    log = says('echo dataset: no such folder', 'exit 3')
    with pytest.raises(UserError, match=r'train ended with code 3: dataset: no such.*verb\.log'):
        processes.run_verb('train', [], log)


def test_a_verb_ends_when_the_demo_does(says):
    log, failed = says('echo begun', 'exec sleep 600'), []

    def train():
        try:
            processes.run_verb('train', [], log)
        except UserError as error:
            failed.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    wait_until(lambda: log.is_file() and log.read_text(), 30.0)
    processes.ENDING.set()
    try:
        thread.join(30.0)
    finally:
        processes.ENDING.clear()
    assert failed == ['the demo ends']
