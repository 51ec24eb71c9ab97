"""Command lines that are wrong, and commands that are given up: few lines, the right code."""

import signal
import subprocess
import sys

import pytest

from helpers.processes import until_computed
from neuracore_ros.cli.main import main
from neuracore_ros.cli.parser import VERBS, nearest_option


def said(capsys, *words):
    """The exit code, and what stands on stderr."""
    try:
        code = main(words)
    except SystemExit as wrong_usage:
        code = wrong_usage.code
    return code, capsys.readouterr().err


@pytest.mark.parametrize('verb', VERBS)
def test_a_usage_is_one_line_before_the_error(capsys, verb):
    code, error = said(capsys, verb, '--no-such-option')
    usage, what = error.splitlines()
    assert code == 2
    assert usage.startswith(f'usage: neuracore_ros {verb} ')
    assert usage.endswith(f'[OPTIONS]; options: neuracore_ros {verb} --help')
    assert what.startswith(f'neuracore_ros {verb}: error: there is no option --no-such-option')


def test_what_need_not_be_given_is_not_asked_for(capsys):
    code, error = said(capsys, 'report')
    assert code == 2
    assert error.splitlines() == [
        'usage: neuracore_ros report dataset [ROBOT ...] [OPTIONS]; options: '
        'neuracore_ros report --help',
        'neuracore_ros report: error: the following arguments are required: dataset',
    ]


@pytest.mark.parametrize(
    ('given', 'meant'),
    [
        ('--lr', '--learning-rate'),
        ('--stepz', '--steps'),
        ('--batch-size', '--batch'),
        ('--gpu', None),
        ('--x', None),
    ],
)
def test_the_option_that_is_proposed_is_alike(given, meant):
    known = ['--layers', '--learning-rate', '--steps', '--batch', '--inputs', '-h', '--help']
    assert nearest_option(given, known) == (f'; did you mean {meant}?' if meant else '')


@pytest.mark.parametrize(
    'command',
    ['train --config=--', 'describe --like=--', 'evaluate --task=--', 'train --steps=--'],
)
def test_two_dashes_are_no_value_of_an_option(capsys, command):
    code, error = said(capsys, *command.split())
    assert code == 2
    assert error.splitlines()[-1].endswith("'--' is no value")


@pytest.mark.parametrize(
    'command',
    [
        'layout {}',
        'check {} {}',
        'convert data --description {} bag',
        'evaluate a.pt {}.yaml bag',
        'report {}',
        'train {} --out run',
        'layout ur5 --out {}.svg',
        'describe --urdf {} --out a.yaml',
    ],
)
def test_a_name_that_is_too_long_for_the_system_is_one_line(
    tmp_path, monkeypatch, capsys, command
):
    monkeypatch.chdir(tmp_path)
    code, error = said(capsys, *command.format(*['x' * 300] * 2).split())
    assert code == 1
    assert all('no such file' in line or 'too long' in line for line in error.splitlines()), error


NEVER = """
import sys, torch
from neuracore_ros.description import DataType as D
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

class Never(torch.nn.Module):
    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        print('computing')
        busy = torch.zeros(1)
        for _ in range(1_000_000_000_000):
            busy = torch.tanh(busy)
        return {'JOINT_TARGET_POSITIONS': inputs['JOINT_POSITIONS'] + busy}

save(
    Never(),
    Manifest(
        input={D.JOINT_POSITIONS: InputSlots(1, (0,))},
        output={D.JOINT_TARGET_POSITIONS: OutputSlots(1, (0,))},
        rate_hz=20.0,
        horizon=1,
    ),
    sys.argv[1],
)
"""


@pytest.fixture(scope='module')
def never(tmp_path_factory):
    """A policy file whose model says that it computes, and never ends."""
    pytest.importorskip('torch')
    folder = tmp_path_factory.mktemp('never')
    (folder / 'never.py').write_text(NEVER)
    subprocess.run([sys.executable, folder / 'never.py', folder / 'never.pt'], check=True)
    return folder / 'never.pt'


@pytest.mark.parametrize('verb', ['check {} ur5', 'evaluate {} ur5 bag'])
def test_a_policy_that_never_answers_can_be_given_up(never, verb):
    command = [sys.executable, '-u', '-m', 'neuracore_ros.cli.main', *verb.format(never).split()]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        # Before the model computes, Python hears the signal itself.
        assert any(b'computing' in line for line in running.stdout)
        until_computed(running.pid, 0.2)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) == 130
        assert b'Traceback' not in running.stderr.read()
    finally:
        running.kill()
        running.wait()
