"""docs/robot_file.md: its examples load, and it names everything that there is."""

import re
import warnings
from dataclasses import fields
from pathlib import Path

import pytest

from neuracore_ros.description import (
    command_table,
    limits,
    load_descriptions,
    load_robot,
    source_table,
)
from neuracore_ros.description.robot_file import _KEYS
from neuracore_ros.errors import DescriptionWarning

TEXT = (Path(__file__).resolve().parents[2] / 'docs' / 'robot_file.md').read_text()
# Of the examples that name a URDF: two links, and a joint between them.
UR5 = """<robot name="ur5">
 <joint name="shoulder_pan_joint" type="revolute">
  <parent link="base_link"/><child link="tool0"/><axis xyz="0 0 1"/>
  <limit lower="-6" upper="6" velocity="3"/>
 </joint>
</robot>"""
BLOCKS = re.findall(r'^```yaml\n(.*?)^```', TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize('block', BLOCKS, ids=lambda block: block.split(':', 2)[1].split()[0])
def test_every_example_loads_whole_and_without_a_warning(tmp_path, block):
    path = tmp_path / 'example.yaml'
    path.write_text(block)
    (tmp_path / 'ur5.urdf').write_text(UR5)
    with warnings.catch_warnings():
        warnings.simplefilter('error', DescriptionWarning)
        descriptions = load_descriptions([path])
        assert descriptions.input_layout.widths
        if block.startswith('robot:'):
            robot = load_robot(path)
            assert robot.input_sources()
            if robot.output:
                assert robot.output_sources() and robot.all_commands()
                assert robot.measured_sources() or robot.direct_sources() or robot.name == 'base'


def test_every_key_and_option_is_named():
    options = [*fields(source_table.SourceOptions), *fields(command_table.CommandOptions)]
    words = [*_KEYS, *(option.name for option in options), *limits._POSITIVE, 'position']
    assert [word for word in words if f'`{word}' not in TEXT] == []
