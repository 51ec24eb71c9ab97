"""The robot files of the pages on real robots: a policy made for each drives it, and slots are right."""

from pathlib import Path

import pytest
import yaml

from helpers.doc_blocks import blocks
from neuracore_ros.description import load_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import Runner, Settings

DOCS = Path(__file__).resolve().parents[2] / 'docs'
FILES = [
    pytest.param(block.text, id=block.text.split()[1])
    for page in sorted(DOCS.glob('robots_*.md'))
    for block in blocks(page)
    if block.text.startswith('robot: ')
]
PAGES = {path.stem for path in DOCS.glob('robots_*.md')}
KNOWN = yaml.safe_load((DOCS / 'vocabulary_robots.yaml').read_text())['robots']
# The arms of these files in the table of well-known arms, and what their joints are called there.
ARMS = {
    'ur5e': ('UR3, UR5, UR10', lambda name: name),
    'ur5e_robotiq': ('UR3, UR5, UR10', lambda name: name),
    'ur5e_taught': ('UR3, UR5, UR10', lambda name: name),
    'fr3_hand': ('Franka Panda', lambda name: name.replace('fr3', 'panda')),
    'panda_servo': ('Franka Panda', lambda name: name),
    'so101_bridge': ('SO-101', lambda name: name),
}


@pytest.fixture
def robot(request, tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text(request.param)
    return load_robot(path)


def policy_for(robot):
    """A manifest of what the robot has, as a dataset of it alone would give."""

    def width(slots):
        return 1 + max(slots)

    return Manifest(
        {
            kind: InputSlots(
                width(slots), tuple(slots), image_size=(224, 224) if kind.is_image else None
            )
            for kind, slots in robot.input.items()
        },
        {kind: OutputSlots(width(slots), tuple(slots)) for kind, slots in robot.output.items()},
        rate_hz=20.0,
        horizon=16,
        vocabulary=robot.vocabulary.id,
    )


def test_every_page_of_a_robot_has_a_file_and_the_index_names_all():
    with_files = {
        page.stem
        for page in DOCS.glob('robots_*.md')
        if any(block.text.startswith('robot: ') for block in blocks(page))
    }
    assert with_files == PAGES - {'robots_data'}
    listed = (DOCS / 'index.md').read_text().split()
    assert set(listed) >= PAGES


@pytest.mark.parametrize('robot', FILES, indirect=True)
def test_a_policy_of_the_robot_drives_it_without_a_doubt(robot):
    runner = Runner(robot, policy_for(robot), Settings())
    assert [w for w in runner.warnings if 'is kept to' not in w] == []
    assert runner.command_topics and runner.topics
    assert robot.output_sources()


@pytest.mark.parametrize('robot', FILES, indirect=True)
def test_a_file_with_teleop_can_be_taken_over(robot):
    runner = Runner(robot, policy_for(robot), Settings())
    if robot.teleop_sources():
        assert runner.human.missing == ''
        assert not set(runner.human.topics) & set(runner.command_topics)


@pytest.mark.parametrize('robot', [f for f in FILES if f.id in ARMS], indirect=True)
def test_joints_stand_at_the_slots_that_the_table_of_arms_has(robot):
    name, called = ARMS[robot.name]
    table = {joint: (slot, scale, offset) for slot, (joint, scale, offset) in joints_of(name)}
    kind = next(iter(robot.output))
    measured = {s.name: s for s in robot.measured_sources() if not s.data_type.is_gripper}
    commanded = {j.name: j for c in robot.commands() for j in c.joints}
    recorded = {s.name: s for s in robot.output_sources() if not s.data_type.is_gripper}
    vocabulary = robot.vocabulary
    for joint, source in measured.items():
        slot, scale, offset = table[called(joint)]
        assert vocabulary.slot(kind, source.index).name == slot
        for each in (source, commanded[joint], recorded[joint]):
            assert (each.scale, each.offset) == pytest.approx((scale, offset), abs=1e-3), joint
    for source in robot.teleop_sources():
        if not source.data_type.is_gripper:
            assert (source.scale, source.offset) == pytest.approx(
                table[called(source.name)][1:], abs=1e-3
            )


def joints_of(name):
    return KNOWN[name]['joints'].items()


@pytest.mark.parametrize('robot', FILES, indirect=True)
def test_an_open_gripper_is_one_where_it_is_measured_told_and_commanded(robot):
    for command in robot.commands():
        for joint in command.joints:
            if joint.data_type.is_gripper:
                ends = sorted(
                    joint.from_message(x) for x in (joint.limit.lower, joint.limit.upper)
                )
                assert ends == pytest.approx([0.0, 1.0], abs=1e-6)
