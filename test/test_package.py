"""The package as colcon and pip see it."""

import ast
import importlib
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import neuracore_ros

ROOT = Path(__file__).resolve().parents[1]
CODE = ['neuracore_ros', 'launch']
PIN = r'([\w.-]+)==(\S+)'
IMPORT = r'^\s*(?:from|import) (\w+)'
INTERFACE = r'\b([a-z]\w*)/(?:msg|srv|action)/[A-Z]'
INTERFACES = ('_msgs', '_srvs', '_interfaces')
TOOLS_OF_ROS = {'rclpy', 'launch', 'launch_ros', 'cv_bridge', 'ament_index_python', 'rosbag2_py'}
SOURCES = ['package.xml', 'setup.py', 'setup.cfg', 'resource', 'launch', 'config', 'neuracore_ros']


def test_every_file_that_names_the_version_names_the_same():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert package.findtext('version') == neuracore_ros.__version__
    assert (
        re.search(r"version='(.+?)'", (ROOT / 'setup.py').read_text())[1]
        == neuracore_ros.__version__
    )


def test_package_xml_names_no_build_tool_and_a_maintainer_that_can_be_reached():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert package.get('format') == '3'
    assert package.find('buildtool_depend') is None, 'ament_python is no rosdep key'
    assert package.findtext('export/build_type') == 'ament_python'
    # colcon falls back to plain Python, in silence, where the address is not valid.
    assert re.fullmatch(r'[^@\s]+@[^@\s]+\.[a-z]+', package.find('maintainer').get('email'))


def test_package_xml_names_every_ros_package_of_the_code():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    named = {element.text for element in package.findall('exec_depend')}
    code = [path.read_text() for name in CODE for path in (ROOT / name).rglob('*.py')]
    imported = {word for text in code for word in re.findall(IMPORT, text, re.MULTILINE)}
    written = {word for text in code for word in re.findall(INTERFACE, text)}
    used = {name for name in imported if name.endswith(INTERFACES) or name in TOOLS_OF_ROS}
    assert 'rclpy' in used
    assert used | (written - {'package'}) <= named


@pytest.mark.parametrize(
    ('file', 'extras'),
    [('pypi.txt', ['ros', 'train', 'dev', 'docs']), ('sourced_ros.txt', ['train', 'dev', 'docs'])],
)
def test_what_make_installs_is_pinned_and_named_by_package_alone(file, extras, monkeypatch):
    said = {}
    monkeypatch.setattr('setuptools.setup', lambda **options: said.update(options))
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    wanted = [*said['install_requires']]
    wanted += [text for extra in extras for text in said['extras_require'][extra]]
    lines = (ROOT / 'constraints' / file).read_text().splitlines()
    pins = {canonicalize_name(re.match(PIN, line)[1]): re.match(PIN, line)[2] for line in lines}
    for requirement in map(Requirement, wanted):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    assert not [line for line in lines if '/' in line], 'run: make lock'


def test_the_launch_file_imports_what_the_package_has():
    tree = ast.parse((ROOT / 'launch' / 'infer.launch.py').read_text())
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in taken if node.module.startswith('neuracore_ros')]
    assert ours
    for node in ours:
        module = importlib.import_module(node.module)
        assert [each.name for each in node.names if not hasattr(module, each.name)] == []


@pytest.fixture(scope='module')
def workspace(tmp_path_factory) -> Path:
    """A colcon workspace in which this package was built."""
    colcon = Path(sys.executable).parent / 'colcon'
    if not colcon.is_file() and not shutil.which('colcon'):
        pytest.skip('colcon is not installed: the ament package was not built')
    folder = tmp_path_factory.mktemp('workspace')
    package = folder / 'src' / 'neuracore_ros'
    package.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, package / name, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy(source, package / name)
    environment = {**os.environ, 'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'}
    done = subprocess.run(
        ['colcon', 'build'],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_colcon_builds_an_ament_package(workspace):
    share = workspace / 'install' / 'neuracore_ros' / 'share'
    assert (share / 'ament_index' / 'resource_index' / 'packages' / 'neuracore_ros').is_file()
    assert (share / 'neuracore_ros' / 'package.xml').is_file()
    assert (share / 'neuracore_ros' / 'launch' / 'infer.launch.py').is_file()
    config = share / 'neuracore_ros' / 'config'
    shipped = {str(path.relative_to(config)) for path in config.rglob('*.*')}
    wanted = {str(path.relative_to(ROOT / 'config')) for path in (ROOT / 'config').rglob('*.*')}
    assert shipped == wanted
    assert {'franka_ur5.yaml', 'franka.urdf', 'mujoco/lift_ur5e.urdf'} <= shipped


@pytest.mark.parametrize(
    ('executable', 'words'),
    [
        ('infer_node', ['--help']),
        ('sim_robot', ['--help']),
        ('neuracore_ros', ['layout', '--help']),
    ],
)
def test_a_built_executable_starts_with_the_python_of_the_active_environment(
    workspace, executable, words
):
    if executable != 'neuracore_ros':
        pytest.importorskip('rclpy')
    path = workspace / 'install' / 'neuracore_ros' / 'lib' / 'neuracore_ros' / executable
    assert path.read_text().startswith('#!/usr/bin/env python3\n')
    python = f'{sys.version_info.major}.{sys.version_info.minor}'
    site = workspace / 'install' / 'neuracore_ros' / 'lib' / f'python{python}' / 'site-packages'
    environment = {
        **os.environ,
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        'PYTHONPATH': f'{site}:{os.environ.get("PYTHONPATH", "")}',
    }
    done = subprocess.run(
        [path, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 'usage:' in done.stdout
