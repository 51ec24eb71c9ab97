"""Imports point one way; each folder is loaded in a process of its own to see what it pulls in."""

import pkgutil
import subprocess
import sys

import pytest

import neuracore_ros

# Who may have a library loaded, also through others: the demo stands above the simulated robots.
HEAVY = {
    'torch': ('policy', 'training', 'serving'),
    'rclpy': ('node', 'sim', 'demo', 'physics', 'watch'),
    'mujoco': ('physics',),
    # viser serves pages by websockets.
    'websockets': ('policy', 'serving', 'wire', 'viewer'),
    'viser': ('viewer',),
    'zmq': ('policy', 'wire'),
    # Imported when an arm is posed.
    'pinocchio': (),
    'rosbags': ('bags', 'convert', 'evaluation', 'viewer'),
    'pyarrow': (
        'bags',
        'dataset',
        'convert',
        'edit',
        'loading',
        'report',
        'training',
        'evaluation',
        'viewer',
        'watch',
    ),
    'av': (
        'bags',
        'dataset',
        'convert',
        'edit',
        'loading',
        'report',
        'training',
        'evaluation',
        'viewer',
    ),
    'cv2': (
        'observation',
        'serving',
        'dataset',
        'convert',
        'edit',
        'loading',
        'sim',
        'physics',
        'node',
        'training',
        'watch',
        'runner',
        'demo',
        'report',
        'evaluation',
        'viewer',
    ),
}
# A policy is read, held against a robot and run without a runtime that it does not need.
WITHOUT_TORCH = {
    'neuracore_ros.policy',
    'neuracore_ros.policy.file',
    'neuracore_ros.policy.compatibility',
    'neuracore_ros.policy.load',
    'neuracore_ros.policy.manifest',
    'neuracore_ros.policy.signature',
    'neuracore_ros.policy.policy',
}
BELOW_ALL = {
    'arrays',
    'bounds',
    'control',
    'durations',
    'errors',
    'files',
    'given_path',
    'pairs',
    'parsers',
    'processors',
    'progress',
    'records',
    'regular_file',
    'rgb_frames',
    'ros_environment',
    'similar_names',
    'svg',
    'wording',
    'yaml_value',
}
NEEDS = {
    'description': (),
    'observation': ('description', 'kinematics'),
    'command': ('description', 'kinematics'),
    'policy': ('description', 'kinematics', 'wire'),
    'runner': ('description', 'kinematics', 'observation', 'command', 'policy'),
    'bags': (),
    'wire': (),
    'serving': ('description', 'kinematics', 'observation', 'policy', 'wire'),
    'dataset': ('description', 'kinematics', 'observation'),
    'convert': ('description', 'kinematics', 'observation', 'bags', 'dataset'),
    'edit': ('description', 'kinematics', 'observation', 'dataset', 'loading'),
    'loading': ('description', 'kinematics', 'observation', 'dataset'),
    'kinematics': ('description',),
    'alignment': ('description', 'kinematics'),
    'scaffold': ('description', 'kinematics', 'alignment'),
    'sim': ('description', 'observation', 'kinematics'),
    'physics': ('description', 'observation', 'kinematics', 'sim'),
    'demo': (
        'description',
        'observation',
        'policy',
        'kinematics',
        'alignment',
        'overview',
        'report',
        'sim',
    ),
    'overview': ('description', 'kinematics', 'alignment', 'policy'),
    'report': (
        'description',
        'dataset',
        'kinematics',
        'alignment',
        'loading',
        'observation',
        'overview',
        'policy',
    ),
    'training': ('description', 'dataset', 'kinematics', 'loading', 'observation', 'policy'),
    'evaluation': (
        'description',
        'observation',
        'command',
        'policy',
        'runner',
        'bags',
        'dataset',
        'convert',
        'loading',
        'kinematics',
        'alignment',
        'overview',
        'report',
        'training',
    ),
    'watch': ('description', 'kinematics', 'node', 'observation'),
    'viewer': (
        'description',
        'kinematics',
        'alignment',
        'overview',
        'policy',
        'scaffold',
        'bags',
        'observation',
        'dataset',
        'convert',
        'loading',
    ),
    'cli': ('description', 'kinematics', 'policy', 'training'),
    'node': (
        'description',
        'kinematics',
        'observation',
        'command',
        'policy',
        'runner',
        'scaffold',
    ),
}
MODULES = sorted(m.name for m in pkgutil.walk_packages(neuracore_ros.__path__, 'neuracore_ros.'))


def loaded_by(module: str) -> set[str]:
    code = f'import sys, {module}; print(*sys.modules)'
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize('folder', sorted({name.split('.')[1] for name in MODULES}))
def test_a_folder_loads_only_what_stands_below_it(folder):
    if folder == 'physics':
        pytest.importorskip('robosuite', reason="needs pip install 'neuracore_ros[mujoco]'")
    if folder in HEAVY['rclpy']:
        pytest.importorskip('rclpy')
    if folder in HEAVY['viser']:
        pytest.importorskip('viser', reason="needs pip install 'neuracore_ros[see]'")
    names = [name for name in MODULES if name.split('.')[1] == folder]
    loaded = loaded_by(', '.join(names))
    for library, folders in HEAVY.items():
        if folder not in folders:
            assert library not in loaded, f'{folder} imports {library}'
    if folder in NEEDS:
        own = {name.split('.')[1] for name in loaded if name.startswith('neuracore_ros.')}
        assert own - BELOW_ALL <= {folder, *NEEDS[folder]}


def test_a_policy_that_is_no_torchscript_needs_no_torch():
    assert 'torch' not in loaded_by(', '.join(sorted(WITHOUT_TORCH)))


def test_the_command_line_starts_without_heavy_libraries():
    assert not HEAVY.keys() & loaded_by('neuracore_ros.cli.parser')
