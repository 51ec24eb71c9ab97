"""Every command of the documentation and the README runs, or is at least a command that exists.

The tutorial runs first, from an empty folder; what it leaves is what the other pages find. A block
that cannot run here says why, in a comment in the line before it, and is parsed instead.
"""

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from from_code import verb_parsers
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from helpers import doc_server
from helpers.doc_blocks import blocks, commands
from helpers.doc_workspace import ROOT, Workspace
from helpers.end_notes import add_note
from helpers.openpi_policies import as_openpi, droid
from helpers.scripted_server import scripted_server
from helpers.three_arms import SO101_URDF, write_cubes

pytest.importorskip('rclpy')

from helpers import doc_ros2
from neuracore_ros.cli.parser import VERBS
from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import server_file
from neuracore_ros.node.parameters import SPECS
from neuracore_ros.sim.arms import ARMS

PAGES = [*sorted((ROOT / 'docs').glob('*.md')), ROOT / 'README.md']
MEASURING = ('benchmarks/', 'experiments/')
# Why a block is not run that begins with such a program; every other reason stands in its page.
NOT_HERE = {
    'sudo': 'changes the machine',
    'make': 'sets up an environment, or takes minutes',
    'pip': 'installs packages',
    'colcon': 'needs a workspace of ROS 2',
    'source': 'needs an installed ROS 2',
    'git': 'needs the network',
    'systemctl': 'needs systemd',
    'journalctl': 'needs systemd',
    'docker': 'needs Docker',
}


def reason(block):
    """Why a block is not run; '' if it is."""
    if 'no-run' in block.marks:
        return block.marks['no-run']
    found = commands(block.script)
    if any(words[0] == 'python' and words[1].startswith(MEASURING) for words in found):
        return 'measures for long'
    first = [command[0] for command in found]
    return next((NOT_HERE[program] for program in first if program in NOT_HERE), '')


@pytest.fixture(scope='module')
def environment(domain, tmp_path_factory):
    """The environment of a terminal in which everything is installed."""
    folder = tmp_path_factory.mktemp('bin')
    address = folder / 'server'
    doc_server.write_clients(folder / 'bin', address)
    path = (folder / 'bin', Path(sys.executable).parent, os.environ['PATH'])
    found = {
        **os.environ,
        'PATH': os.pathsep.join(map(str, path)),
        'OMP_NUM_THREADS': '1',
        # What a reader does sixty times is done once here.
        'EPISODES': '1',
    }
    server = doc_server.start(address, found)
    yield found
    server.terminate()
    server.wait()


@pytest.fixture(scope='module')
def tried(environment, tmp_path_factory):
    """The folder that the tutorial leaves."""
    clone = tmp_path_factory.mktemp('docs') / 'clone'
    clone.mkdir()
    (clone / 'config').symlink_to(ROOT / 'config')
    with Workspace(clone, environment) as workspace:
        for block in to_run(ROOT / 'docs' / 'tutorial.md'):
            workspace.do(block)
    return workspace.folder


def test_the_tutorial_runs_from_its_first_line_to_its_last(tried):
    made = {path.name for path in tried.iterdir()}
    assert {'my_arm.yaml', 'bags', 'data', 'data.html', 'run', 'evaluation.html'} <= made


def to_run(page):
    return [b for b in blocks(page) if (b.is_shell or b.marks) and not reason(b)]


@pytest.fixture(scope='module')
def robot(environment, tmp_path_factory):
    """The arm that the pages speak of is on."""
    log = (tmp_path_factory.mktemp('robot') / 'log').open('w')
    words = ['sim_robot', '--robot', 'ur5', '--no-clock']
    process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
    yield
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


# What the pages take for granted, and which file that the tutorial left stands for it.
GIVEN = {
    'ur5.yaml': 'config/ur5.yaml',
    'so100.yaml': 'config/so100.yaml',
    'policy.pt': 'run/policy.pt',
    'old.pt': 'run/policy.pt',
    'new.pt': 'run/policy.pt',
    'runs/reach': 'run',
    'reach': 'data',
    'both': 'data',
    'dataset': 'data',
    'bags/ur5': 'bags/my_arm',
    'bags/episode_000': 'bags/my_arm/episode_000',
}
# Who makes a file itself does not find it there.
MAKES = {
    'README.md': ('data', 'run', 'my_arm.yaml', 'bags/my_arm'),
    'dataset.md': ('reach',),
    'training.md': ('runs/reach',),
}
URDFS = {'ur5': 'ur5', 'panda': 'franka', 'my_arm': 'ur5', 'my_robot': 'ur5'}


@pytest.fixture
def given(tried, robot, tmp_path, request):
    """A folder with everything that a page takes for granted."""
    folder = tmp_path / 'given'
    shutil.copytree(tried, folder, symlinks=True)
    (folder / 'config').symlink_to(ROOT / 'config')
    for name, arm in URDFS.items():
        (folder / f'{name}.urdf').write_text(urdf(name, ARMS[arm]))
    without_namespace(folder / 'bags' / 'franka')
    for name, source in GIVEN.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (folder / source).is_dir() else shutil.copy
        copy(folder / source, target)
    write_cubes(folder / 'cubes')
    (folder / 'so101.urdf').write_text(SO101_URDF)
    for name in MAKES.get(request.param.name, ()):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def drive(environment, on):
    """Let the scripted expert move the arm, or not."""
    call = ['ros2', 'service', 'call', '/sim/expert', 'std_srvs/srv/SetBool', f'{{data: {on}}}']
    subprocess.run(call, env=environment, check=True, stdout=subprocess.DEVNULL)


def without_namespace(folder):
    """Write the recordings of a folder again, as if its robot had no namespace."""
    for path in sorted(folder.iterdir()):
        before = path.rename(path.with_name(f'.{path.name}'))
        with (
            Reader(before) as reader,
            Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
        ):
            written = {
                c.id: writer.add_connection(
                    c.topic.replace(f'/{folder.name}/', '/', 1),
                    c.msgtype,
                    msgdef=c.msgdef.data,
                    rihs01=c.digest,
                )
                for c in reader.connections
            }
            for connection, stamp_ns, data in reader.messages():
                writer.write(written[connection.id], stamp_ns, data)
        shutil.rmtree(before)


def urdf(name, arm):
    """Write the URDF of a shipped arm: joints with origins, axes and limits."""
    parts, parent = [f'<robot name="{name}"><link name="base"/>'], 'base'
    for joint in arm.joints:
        xyz, rpy, axis = (' '.join(map(str, v)) for v in (joint.xyz, joint.rpy, joint.axis))
        parts.append(
            f'<link name="{joint.name}_link"/><joint name="{joint.name}" type="revolute">'
            f'<parent link="{parent}"/><child link="{joint.name}_link"/>'
            f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/><limit lower="{joint.lower}" '
            f'upper="{joint.upper}" velocity="{joint.velocity}" effort="1"/></joint>'
        )
        parent = f'{joint.name}_link'
    return ''.join([*parts, '</robot>'])


OTHERS = [page for page in PAGES if page.name != 'tutorial.md' and to_run(page)]


@contextmanager
def server(page, folder):
    """What a page takes for granted at the end of its tunnel: openpi's server of pi0.5 DROID."""
    if page.name != 'vla.md':
        yield
        return
    # Every joint moves at a tenth of what DROID can.
    with scripted_server(as_openpi(droid(np.full((15, 8), 0.1)), [])) as openpi:
        file = server_file('pi05_droid.server.yaml')
        text = file.read_text()
        assert 'address: ws://localhost:8000\n' in text
        # A file in the folder goes before the shipped one; its port is one that is free.
        (folder / file.name).write_text(text.replace('ws://localhost:8000', openpi.address))
        yield


@pytest.mark.parametrize(
    ('page', 'given'), [(p, p) for p in OTHERS], ids=[p.name for p in OTHERS], indirect=['given']
)
def test_the_commands_of_a_page_run(page, given, environment):
    with server(page, given), Workspace(given, environment) as workspace:
        for block in to_run(page):
            # What is recorded is an arm that somebody moves.
            records = 'neuracore_ros record' in block.script
            if records:
                drive(environment, True)
            workspace.do(block)
            if records:
                drive(environment, False)


NOT_RUN = [b for page in PAGES for b in blocks(page) if b.is_shell and reason(b)]


@pytest.mark.parametrize('block', NOT_RUN, ids=lambda block: block.where)
def test_a_command_that_is_not_run_is_one_that_exists(block):
    for command in commands(block.script):
        require(command)


@pytest.mark.parametrize('verb', VERBS)
def test_the_examples_of_a_verb_are_ones_that_it_takes(verb):
    examples = importlib.import_module(f'neuracore_ros.cli.{verb}').EXAMPLES
    lines = re.sub(r'\\\n', ' ', examples).splitlines()
    # After two spaces stands what the example is for.
    found = [re.split(r'\s{2,}(?![\s-])', line.strip())[0] for line in lines]
    found = [line for line in found if line.startswith('neuracore_ros ')]
    assert found
    for line in found:
        (command,) = commands(line)
        require(command)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_a_command_within_a_sentence_is_one_that_exists(page):
    for span in re.findall(r'`(neuracore_ros [a-z]+ [^`]*)`', page.read_text()):
        words = span.split()
        known = verb_parsers()[words[1]]._option_string_actions
        assert {word for word in words if word.startswith('--')} <= known.keys(), span


def require(command):
    """Raise unless the program takes these words."""
    program, *words = command
    if program == 'neuracore_ros':
        parse(verb_parsers()[words[0]], words[1:])
    elif command[:3] == ['ros2', 'launch', 'neuracore_ros']:
        doc_ros2.launch(words[1:])
    elif command[:3] == ['ros2', 'run', 'neuracore_ros']:
        require_node(words[2], words[3:])
    elif program in {'infer_node', 'sim_robot', 'mujoco_robot'}:
        require_node(program, words)
    elif program == 'make':
        targets = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
        assert {word for word in words if '=' not in word} <= set(targets), command
    elif program == 'pip':
        extras = re.findall(r"^ {8}'(\w+)': \[", (ROOT / 'setup.py').read_text(), re.MULTILINE)
        for word in words:
            if own := re.fullmatch(r'(?:\.|neuracore_ros)\[([\w,]+)\]', word):
                assert set(own[1].split(',')) <= set(extras), command
    elif program == 'python' and words[0].startswith(MEASURING):
        assert (ROOT / words[0]).is_file(), command


def require_node(program, words):
    if program == 'neuracore_ros':
        parse(verb_parsers()[words[0]], words[1:])
    elif program == 'infer_node':
        known = {'use_sim_time', *(spec.name for spec in SPECS)}
        given = [word.partition(':=')[0] for word in words if ':=' in word]
        assert {name for name in given if not name.startswith('__')} <= known, words
    else:
        assert f"'{program} = neuracore_ros." in (ROOT / 'setup.py').read_text(), program


def parse(parser, words):
    try:
        parser.parse_args(words)
    except SystemExit as error:
        raise AssertionError(f'{parser.prog} {" ".join(words)}') from error


def test_every_import_of_a_page_is_one_that_works():
    python = [b for page in PAGES for b in blocks(page) if b.language == 'python']
    lines = [line for b in python for line in b.lines if line.startswith('from neuracore_ros')]
    assert lines
    for line in lines:
        exec(line, {})


def test_a_parameter_file_has_only_parameters_of_the_node():
    found = 0
    known = {spec.name: spec for spec in SPECS}
    for page in PAGES:
        for block in blocks(page):
            if block.language == 'yaml' and 'ros__parameters' in block.text:
                found += 1
                for name, value in yaml.safe_load(block.text)['infer']['ros__parameters'].items():
                    known[name].read(value)
    assert found


def test_every_robot_file_of_a_page_loads(tmp_path):
    # A maker's URDF ends in a frame that the shipped one does without.
    tool = (
        '<link name="tool0"/><joint name="flange" type="fixed">'
        '<parent link="wrist_3_link"/><child link="tool0"/></joint></robot>'
    )
    urdf = (ROOT / 'config' / 'ur5.urdf').read_text().replace('</robot>', tool)
    (tmp_path / 'ur5.urdf').write_text(urdf)
    (tmp_path / 'so101.urdf').write_text(SO101_URDF)
    found = 0
    for page in PAGES:
        for block in blocks(page):
            if block.language == 'yaml' and re.match(r'robot: ', block.text):
                found += 1
                (tmp_path / 'robot.yaml').write_text(block.text)
                robot = load_robot(tmp_path / 'robot.yaml')
                assert robot.input_sources()
                if robot.output:
                    assert robot.output_sources() and robot.all_commands()
    assert found


def test_no_command_hides_in_another_kind_of_block():
    for page in PAGES:
        for block in blocks(page):
            if not block.is_shell and block.language != 'ini' and 'no-run' not in block.marks:
                hidden = [
                    line for line in block.lines if re.match(r'\s*(neuracore_ros|ros2) ', line)
                ]
                assert hidden == [], f'{block.where}: write ```bash'


def test_the_blocks_that_are_not_run_are_listed_at_the_end_by_their_reason(request):
    shells = [b for page in PAGES for b in blocks(page) if b.is_shell]
    add_note(
        request.node,
        'documentation',
        f'{len(shells) - len(NOT_RUN)} blocks of commands run, {len(NOT_RUN)} are only parsed:',
    )
    for why in sorted({reason(block) for block in NOT_RUN}):
        where = ', '.join(b.where for b in NOT_RUN if reason(b) == why)
        add_note(request.node, 'documentation', f'  {why}: {where}')
