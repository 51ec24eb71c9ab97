"""``~`` where no shell replaces it, and paths in commands that messages propose."""

import shlex

import pytest

from neuracore_ros.bags.bag_files import files
from neuracore_ros.bags.expansion import expanded
from neuracore_ros.cli.parser import parse
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.robot_file import load_robot
from neuracore_ros.description.shipped import robot_file, server_file, shipped
from neuracore_ros.errors import BagError, UserError
from neuracore_ros.files import require_new_file
from neuracore_ros.given_path import given_path
from neuracore_ros.policy.address import path_or_address


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    return tmp_path


def test_a_path_in_the_home_folder_is_there_whoever_reads_it(home):
    assert given_path('~/bags') == home / 'bags'
    assert robot_file('~/arm.yaml') == home / 'arm.yaml'
    assert path_or_address('~/policy.pt') == home / 'policy.pt'
    assert path_or_address('ws://box:8000/~/x') == 'ws://box:8000/~/x'
    (home / 'a.mcap').touch()
    (home / 'own.server.yaml').touch()
    assert server_file('~/own.server.yaml') == home / 'own.server.yaml'
    assert expanded(['~/*.mcap', '~/none']) == [home / 'a.mcap', home / 'none']


def test_a_tilde_elsewhere_and_an_unknown_user_stay_as_they_are(home):
    for text in ('./~/x', 'a~b', 'x/~', '~no_such_user/x'):
        assert str(given_path(text)) == text.removeprefix('./')


@pytest.mark.parametrize(
    ('command', 'name'),
    [
        ('describe --out=~/x', 'out'),
        ('describe --out=a.yaml --bag=~/x', 'bag'),
        ('layout ur5 --policy=~/x', 'policy'),
        ('record ur5 --out=~/x', 'out'),
        ('convert ~/x --description=ur5 a.bag', 'dataset'),
        ('edit data --out=~/x', 'out'),
        ('report data --out=~/x', 'out'),
        ('train data --out=~/x', 'out'),
        ('train --resume=~/x', 'resume'),
        ('export run --out=~/x', 'out'),
        ('evaluate a.pt --out=~/x', 'out'),
        ('check ~/x ur5', 'policy'),
        ('serve ~/x', 'policy'),
        ('serve --lerobot=~/x', 'lerobot'),
        ('demo --out=~/x', 'out'),
    ],
)
def test_every_verb_takes_a_tilde_that_the_shell_has_left(home, command, name):
    assert getattr(parse(command.split()), name) == home / 'x'


def test_a_robot_file_may_name_files_in_the_home_folder(home, tmp_path):
    text = shipped('ur5_hand').read_text()
    assert 'urdf: ur5.urdf' in text
    (home / 'urdfs').mkdir()
    (home / 'urdfs' / 'ur5.urdf').write_text(shipped('ur5').with_suffix('.urdf').read_text())
    folder = home / 'robots'
    folder.mkdir()
    hand = folder / 'ur5_hand.yaml'
    hand.write_text(text.replace('urdf: ur5.urdf', 'urdf: ~/urdfs/ur5.urdf'))
    assert load_robot(hand).urdf == home / 'urdfs' / 'ur5.urdf'
    cross = folder / 'all.yaml'
    cross.write_text('robots: {ur5_hand: ~/robots/ur5_hand.yaml}\n')
    assert list(load_descriptions([cross]).robots) == ['ur5_hand']


def test_a_command_in_a_message_can_be_copied_for_a_path_with_spaces(tmp_path):
    folder = tmp_path / 'mein Büro'
    with pytest.raises(UserError, match='no such folder') as refused:
        require_new_file(folder / 'page.html', '--out')
    assert shlex.split(str(refused.value).partition('make it: ')[2]) == [
        *('mkdir', '-p'),
        str(folder),
    ]
    (folder / 'a bag').mkdir(parents=True)
    (folder / 'a bag' / 'metadata.yaml').touch()
    with pytest.raises(BagError, match='give the bags inside it') as refused:
        files(folder)
    inside = str(refused.value).partition('give the bags inside it: ')[2]
    assert shlex.split(inside) == [str(folder / 'a bag')]
