"""Shipped robots by name, wherever a robot file is asked for."""

from pathlib import Path

import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.cli.parser import make_parser
from neuracore_ros.description.shipped import shipped

COMMANDS = {
    'check': ('policy.pt ur5', 'robot'),
    'convert': ('data --description ur5 bag', 'description'),
    'describe': ('--like ur5 --out a.yaml', 'like'),
    'evaluate': ('policy.pt ur5 bag', 'files'),
    'export': ('--from-torchscript a.pt --robot ur5 --out b.pt', 'robot'),
    'layout': ('policy.pt ur5', 'files'),
    'record': ('ur5 --out bags', 'robot'),
}


@pytest.mark.parametrize('verb', COMMANDS)
def test_a_shipped_robot_is_taken_by_its_name(verb, capsys):
    words, argument = COMMANDS[verb]
    found = vars(make_parser().parse_args([verb, *words.split()]))[argument]
    assert shipped('ur5') in (found if isinstance(found, list) else [found])
    with pytest.raises(SystemExit):
        main([verb, '--help'])
    assert 'name of a shipped one' in ' '.join(capsys.readouterr().out.split())


def test_a_file_of_that_name_goes_before_the_shipped_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('ur5').write_text('mine: {JOINT_POSITIONS: [elbow]}')
    assert main(['layout', 'ur5']) == 0
    assert '  0      elbow' in capsys.readouterr().out


def test_a_misspelt_name_is_told_what_is_shipped(capsys):
    assert main(['layout', 'ur55']) == 1
    assert 'ur55: no such file; shipped are ur5, ur5_hand, ' in capsys.readouterr().err
