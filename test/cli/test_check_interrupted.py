"""Ctrl-C ends `check` at once while a policy server says nothing."""

import signal
import socket
import subprocess
import sys

import pytest

PATIENCE_S = 120.0


@pytest.mark.parametrize(
    'model',
    [['ws://{}'], ['gr00t_n17_so100.server.yaml', '--address', 'tcp://{}']],
    ids=['ours', 'gr00t'],
)
def test_ctrl_c_ends_a_check_whose_server_says_nothing(model):
    with socket.create_server(('127.0.0.1', 0)) as listening:
        listening.settimeout(PATIENCE_S)
        place = f'127.0.0.1:{listening.getsockname()[1]}'
        name, *more = (word.format(place) for word in model)
        command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'check', name, 'so101', *more]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            connection, _ = listening.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                said, _ = process.communicate(timeout=PATIENCE_S / 2)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 130
    assert 'Traceback' not in said
