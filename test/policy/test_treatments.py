"""Senses, crops, followed commands and frames of chains: kept, and told where they change."""

import json
from dataclasses import replace

import pytest

from helpers import small_chain
from helpers.two_arms import LEFT, record_left
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import Metadata, load_metadata
from neuracore_ros.description import DataType, Descriptions, load_robot
from neuracore_ros.description.crop import Crop
from neuracore_ros.description.treatment import known_of_both, treatment_changes, treatments
from neuracore_ros.errors import DatasetError, PolicyError
from neuracore_ros.policy.hazards import HazardKind, hazards
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.trained_treatments import treatment_warnings
from neuracore_ros.runner import Runner, Settings

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
POSES, IMAGES = DataType.END_EFFECTOR_POSES, DataType.RGB_IMAGES
OPENING = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
EYE = """
robot: eye
limits: {fingers: {position: [0, 0.04], velocity: 0.1}}
input: {RGB_IMAGES: {0: top}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: fingers}}
output: {PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: fingers}}
sources:
  RGB_IMAGES: {top: {topic: /top/image_raw, crop: [8, 4, 40, 30]}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /hand/joint_trajectory, follow_s: 0.4}
commands: {PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /hand/joint_trajectory}}
"""


def eye(folder, *changes):
    text = EYE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / 'eye.yaml').write_text(text)
    return load_robot(folder / 'eye.yaml')


def hand(folder, *changes):
    text = small_chain.ROBOT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_robot(small_chain.describe(folder, text))


def trained(robot):
    """The manifest of a policy that was trained on a robot, written and read again."""
    kinds = {
        kind: InputSlots(1, (0,), image_size=(48, 64) if kind.is_image else None)
        for kind in robot.input
    }
    outputs = {kind: OutputSlots(1, (0,)) for kind in robot.output}
    own = {robot.name: Embodiment(robot.input, robot.output, treatments(robot))}
    return Manifest.from_json(Manifest(kinds, outputs, 20.0, 4, robots=own).to_json())


def test_a_manifest_keeps_what_was_done_to_each_slot(tmp_path):
    kept = trained(eye(tmp_path)).robots['eye'].treatments
    assert kept[IMAGES]['top'].crop == Crop(8, 4, 40, 30)
    assert kept[OPENING]['fingers'].follow_s == 0.4
    frames = trained(hand(tmp_path)).robots['planar'].treatments[POSES]['hand'].frames
    assert (frames.base, frames.tip, frames.scale) == ('base', 'tool', 1.0)
    assert frames.tip_offset.xyz == (0.05, 0.0, 0.0)


def test_metadata_keep_it_too(tmp_path):
    robot = hand(tmp_path)
    own = {robot.name: robot}
    described = Descriptions({'planar': robot.input}, {'planar': robot.output}, own)
    again = Metadata.from_json(Metadata(20.0, (48, 64), described).to_json(), 'meta')
    assert again.descriptions.treated('planar') == treatments(robot)


def test_the_robot_of_the_training_has_changed_nothing(tmp_path):
    for robot in (eye(tmp_path), hand(tmp_path)):
        assert treatment_warnings(robot, trained(robot)) == ()
        assert hazards(robot, trained(robot)) == []


@pytest.mark.parametrize(
    ('old', 'new', 'says'),
    [
        ('[8, 4, 40, 30]', '[0, 0, 40, 30]', "'top': crop [0, 0, 40, 30] (then [8, 4, 40, 30])"),
        (', crop: [8, 4, 40, 30]', '', "RGB_IMAGES 'top': crop none (then [8, 4, 40, 30])"),
        ('follow_s: 0.4', 'follow_s: 0.3', "'fingers': follow_s 0.3 s (then 0.4 s)"),
        (
            '{topic: /hand/joint_trajectory, follow_s: 0.4}',
            '{topic: /joint_states}',
            "'fingers': follow_s none (then 0.4 s)",
        ),
    ],
)
def test_another_crop_or_opening_than_in_training_is_a_warning(tmp_path, old, new, says):
    manifest = trained(eye(tmp_path))
    changed = eye(tmp_path, (old, new))
    (told,) = treatment_warnings(changed, manifest)
    assert says in told and told.startswith("'eye' has other options than when the policy was")
    assert '\n' not in told
    assert hazards(changed, manifest) == []


@pytest.mark.parametrize(
    ('old', 'new', 'says'),
    [
        (
            'tip_offset: {xyz: [0.05, 0, 0]}',
            'tip_offset: {xyz: [0.05, 0, 0.1]}',
            'tip_offset [0.05, 0, 0.1] rpy [0, 0, 0] (then [0.05, 0, 0] rpy [0, 0, 0])',
        ),
        ('1.5707963267948966', '0', 'base_offset [0, 0, 0] rpy [0, 0, 0] (then [0, 0, 0] rpy ['),
        ('tip: tool', 'tip: wrist', 'tip wrist (then tool)'),
        (
            'sources: {END_EFFECTOR_POSES: {topic: /joint_states}}',
            'sources: {END_EFFECTOR_POSES: {topic: /joint_states, scale: 1.2}}',
            'scale 1.2 (then 1)',
        ),
    ],
)
def test_other_frames_than_in_training_are_a_hazard(tmp_path, old, new, says):
    manifest = trained(hand(tmp_path))
    changed = hand(tmp_path, (old, new))
    (hazard,) = hazards(changed, manifest)
    assert hazard.kind is HazardKind.SENSE and says in hazard.text
    with pytest.raises(PolicyError, match='other frames than when the policy was trained'):
        Runner(changed, manifest, Settings())
    assert any(
        says in text for text in Runner(changed, manifest, Settings(allow='sense')).warnings
    )


def test_frames_that_are_rounded_otherwise_are_the_same(tmp_path):
    manifest = trained(hand(tmp_path))
    assert hazards(hand(tmp_path, ('1.5707963267948966', '1.5708')), manifest) == []


def test_a_policy_that_does_not_tell_is_compared_with_nothing(tmp_path):
    robot = eye(tmp_path)
    manifest = trained(robot)
    silent = {'eye': Embodiment(robot.input, robot.output)}
    assert (
        treatment_warnings(
            eye(tmp_path, (', follow_s: 0.4', '')), replace(manifest, robots=silent)
        )
        == ()
    )
    assert 'treatments' not in replace(manifest, robots=silent).to_json()
    assert treatment_changes(robot, None) == ()


def test_a_robot_that_was_cropped_in_no_episode_and_is_now_is_told(tmp_path):
    manifest = trained(eye(tmp_path, (', crop: [8, 4, 40, 30]', '')))
    (told,) = treatment_warnings(eye(tmp_path), manifest)
    assert 'crop [8, 4, 40, 30] (then none)' in told


@pytest.mark.parametrize(
    ('spoilt', 'says'),
    [
        (3, 'treatments: must be a JSON object, is 3'),
        ({'RGB_IMAGES': 3}, 'treatments: RGB_IMAGES: must be a JSON object'),
        ({'RGB_IMAGES': {'top': {'crop': [1, 2]}}}, 'crop must be [x, y, width, height]'),
        ({'RGB_IMAGES': {'top': {'crop': [1, 2, -3, 4]}}}, 'crop must be [x, y, width, height]'),
        ({'RGB_IMAGES': {'top': {'crop': [1, 2, True, 4]}}}, 'crop must be [x, y, width, height]'),
        ({'RGB_IMAGES': {'top': {'follow_s': 'fast'}}}, 'follow_s must be a finite number'),
        ({'END_EFFECTOR_POSES': {'hand': {'base': 'a'}}}, "lacks 'tip'"),
        (
            {
                'END_EFFECTOR_POSES': {
                    'hand': {
                        'base': 'a',
                        'tip': 'b',
                        'base_offset': {'xyz': [1, 2], 'rpy': [0, 0, 0]},
                        'tip_offset': {},
                    }
                }
            },
            'xyz must be a list of 3 numbers',
        ),
    ],
)
def test_what_is_damaged_is_one_line(tmp_path, spoilt, says):
    robot = eye(tmp_path)
    document = json.loads(trained(robot).to_json())
    document['robots']['eye']['treatments'] = spoilt
    with pytest.raises(PolicyError) as caught:
        Manifest.from_json(json.dumps(document))
    assert says in str(caught.value) and '\n' not in str(caught.value)
    described = Descriptions({'eye': robot.input}, {'eye': robot.output}, {'eye': robot})
    document = json.loads(Metadata(20.0, (48, 64), described).to_json())
    document['descriptions']['eye']['treatments'] = spoilt
    with pytest.raises(DatasetError) as caught:
        Metadata.from_json(json.dumps(document), 'meta')
    assert says in str(caught.value) and '\n' not in str(caught.value)


def test_what_a_later_version_adds_is_left_out(tmp_path):
    document = json.loads(trained(eye(tmp_path)).to_json())
    document['robots']['eye']['treatments'] = {
        'SMELLS': {'nose': {}},
        'RGB_IMAGES': {'top': {'mirrored': True}},
    }
    read = Manifest.from_json(json.dumps(document)).robots['eye'].treatments
    assert list(read) == [IMAGES]


def test_recordings_that_are_added_with_another_crop_are_told_of(tmp_path, capsys):
    bag, more = record_left(tmp_path / 'one'), record_left(tmp_path / 'two', start=50.0)
    path = tmp_path / 'left.yaml'
    path.write_text(LEFT)
    data = str(tmp_path / 'data')
    words = ['--description', str(path), '--image-size', '32x24']
    assert main(['convert', data, str(bag), *words]) == 0
    assert 'other options' not in capsys.readouterr().err
    path.write_text(LEFT.replace('/front/image_raw}', '/front/image_raw, crop: [0, 0, 32, 24]}'))
    assert main(['convert', data, str(more), *words]) == 0
    said = capsys.readouterr().err
    assert "its episodes of 'left' were made with other options than" in said
    assert "RGB_IMAGES 'front': crop [0, 0, 32, 24] (then none)" in said
    kept = load_metadata(tmp_path / 'data').descriptions.treated('left')
    assert kept[IMAGES]['front'].crop == Crop(0, 0, 32, 24)


ARM = """
robot: arm
limits: {a: {position: [-2, 2], velocity: 1}, b: {position: [-2, 2], velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 1: b}}
output: {JOINT_TARGET_POSITIONS: {0: a, 1: b}}
sources: {JOINT_POSITIONS: {topic: /joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""
OF_B = {
    'another sign': 'scale: -1',
    'another zero': 'offset: 1.5708',
    'a zero that was measured anew': 'offset: 0.02',
    'another unit': 'scale: 57.29578',
}


def arm(folder, of_b='', **changes):
    """A robot file with options for one joint, under sources and commands alike."""
    text = ARM
    if of_b:
        for topic in ('/joint_states', '/arm/joint_trajectory'):
            text = text.replace(f'topic: {topic}}}', f'topic: {topic}, b: {{{of_b}}}}}')
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / 'arm.yaml').write_text(text)
    return load_robot(folder / 'arm.yaml')


def policy_of(robot):
    return Manifest.from_json(
        Manifest(
            {JOINTS: InputSlots(2, (0, 1))},
            {TARGETS: OutputSlots(2, (0, 1))},
            20.0,
            4,
            robots={robot.name: Embodiment(robot.input, robot.output, treatments(robot))},
        ).to_json()
    )


@pytest.mark.parametrize('what', ['another sign', 'another zero'])
def test_another_sign_or_zero_than_in_training_is_a_hazard(tmp_path, what):
    manifest = policy_of(arm(tmp_path))
    changed = arm(tmp_path, OF_B[what])
    (hazard,) = hazards(changed, manifest)
    assert hazard.kind is HazardKind.SENSE and hazard.text.startswith("'arm' has another sign or")
    assert "JOINT_POSITIONS 'b': scale" in hazard.text and '(and 1 more slot)' in hazard.text
    with pytest.raises(PolicyError, match='allow:=sense'):
        Runner(changed, manifest, Settings())
    assert hazard.text in Runner(changed, manifest, Settings(allow='sense')).warnings
    back = policy_of(changed)
    assert hazards(changed, back) == [] and treatment_warnings(changed, back) == ()
    assert [each.kind for each in hazards(arm(tmp_path), back)] == [HazardKind.SENSE]


@pytest.mark.parametrize('what', ['a zero that was measured anew', 'another unit'])
def test_what_another_driver_or_calibration_explains_is_a_warning(tmp_path, what):
    manifest = policy_of(arm(tmp_path))
    changed = arm(tmp_path, OF_B[what])
    assert not [each for each in hazards(changed, manifest) if each.kind is HazardKind.SENSE]
    told = treatment_warnings(changed, manifest)
    assert len(told) == 2 and all("'b': " in text and 'scale' in text for text in told)


def test_a_joint_that_is_only_commanded_is_compared_by_its_command(tmp_path):
    """As in a robot file for deployment, without what recordings need."""
    topic = '/arm/joint_trajectory'
    told = f'sources: {{JOINT_TARGET_POSITIONS: {{topic: {topic}, b: {{scale: -1}}}}, '
    there = arm(tmp_path, OF_B['another sign'], **{'sources: {': told})
    assert there.output_sources()[1].scale == -1.0
    manifest = policy_of(there)
    assert hazards(arm(tmp_path, OF_B['another sign']), manifest) == []
    assert hazards(arm(tmp_path), manifest) != []


@pytest.mark.parametrize(
    'recorded',
    ['', '{topic: /leader/joint_states, type: JointState}', '{topic: /arm/joint_trajectory}'],
)
def test_a_leader_with_another_sign_is_none_of_the_robots(tmp_path, recorded):
    """The robot moves by its commands; its own file may no longer tell what was recorded."""
    leader = '{topic: /leader/joint_states, type: JointState, scale: -1, offset: 0.5}'
    told = 'sources: {JOINT_TARGET_POSITIONS: %s, '
    there = arm(tmp_path, **{'sources: {': told % leader})
    manifest = policy_of(there)
    here = arm(tmp_path, **{'sources: {': told % recorded} if recorded else {})
    assert hazards(here, manifest) == [] and treatment_warnings(here, manifest) == ()
    changes = treatment_changes(here, treatments(there))
    assert len(changes) == (2 if recorded else 0)
    assert all(change.is_recalibrated and change.is_of_recording for change in changes)
    with_leader = arm(tmp_path, **{'sources: {': told % leader})
    assert hazards(with_leader, policy_of(here)) == []
    turned = arm(tmp_path, OF_B['another sign'], **{'sources: {': told % leader})
    texts = [each.text for each in hazards(turned, manifest)]
    assert any("JOINT_POSITIONS 'b': scale -1" in text for text in texts)


def test_a_file_that_could_not_command_then_is_compared_by_what_it_recorded(tmp_path):
    told = 'sources: {JOINT_TARGET_POSITIONS: {topic: /leader, type: JointState, scale: -1}, '
    commands = 'commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}'
    silent = arm(tmp_path, **{'sources: {': told, commands: ''})
    manifest = policy_of(silent)
    assert hazards(arm(tmp_path, **{'sources: {': told}), manifest) == []
    assert hazards(arm(tmp_path), manifest) == []


@pytest.mark.parametrize('command', ['/arm/joint_trajectory', '/arm, type: Float64MultiArray'])
def test_a_velocity_has_no_zero_of_the_position_that_it_becomes(tmp_path, command):
    text = ARM.replace('JOINT_TARGET_POSITIONS', 'JOINT_VELOCITIES').replace(
        'velocity: 1}', 'velocity: 1, acceleration: 3}'
    )
    text = text.replace('topic: /joint_states', 'topic: /joint_states, offset: 1.57')
    text = text.replace('topic: /arm/joint_trajectory', f'topic: {command}')
    told = 'sources: {JOINT_VELOCITIES: {topic: /joint_states}, '

    def robot(text):
        (tmp_path / 'arm.yaml').write_text(text)
        return load_robot(tmp_path / 'arm.yaml')

    there, here = robot(text.replace('sources: {', told)), robot(text)
    for one, other in ((there, here), (here, there), (here, here)):
        assert treatment_changes(one, treatments(other)) == ()
    (turned,) = treatment_changes(
        robot(text.replace(f'topic: {command}', f'topic: {command}, b: {{scale: -1}}')),
        treatments(there),
    )
    assert turned.is_turned and 'commanded with scale -1, offset 0 (then scale 1' in turned.text


@pytest.mark.parametrize('limits', ['[0, 0.08]', '[0.01, 0.05]', '[-0.02, 0.02]'])
def test_a_hand_with_other_limits_is_a_warning_and_one_that_opens_backwards_a_hazard(
    tmp_path, limits
):
    follows = ('{topic: /hand/joint_trajectory, follow_s: 0.4}', '{topic: /joint_states}')
    manifest = trained(eye(tmp_path, follows))
    other = eye(tmp_path, follows, ('[0, 0.04]', limits))
    assert hazards(other, manifest) == [] and len(treatment_warnings(other, manifest)) == 2
    backwards = '{topic: /joint_states, scale: -25, offset: 1}'
    (hazard,) = hazards(eye(tmp_path, (follows[0], backwards)), manifest)
    assert hazard.kind is HazardKind.SENSE
    assert 'scale -25, offset 1 (then scale 25, offset 0)' in hazard.text


def test_turns_about_another_angle_are_a_warning_and_of_what_is_only_recorded_none(tmp_path):
    free = {'[-2, 2]': 'none'}
    winds = {'/joint_states}': '/joint_states, b: {around: 3.1416}}'}
    there, here = arm(tmp_path, **free), arm(tmp_path, **free, **winds)
    (told,) = treatment_warnings(here, policy_of(there))
    assert "JOINT_POSITIONS 'b': around 3.1416 (then none)" in told
    assert hazards(here, policy_of(there)) == []
    (told,) = treatment_warnings(there, policy_of(here))
    assert 'around none (then 3.1416)' in told
    assert treatment_warnings(here, policy_of(here)) == ()
    rounded = arm(tmp_path, **free, **{'/joint_states}': '/joint_states, b: {around: 3.14159}}'})
    assert treatment_warnings(rounded, policy_of(here)) == ()
    topic = '{topic: /arm/joint_trajectory'
    told = f'sources: {{JOINT_TARGET_POSITIONS: {topic}, b: {{around: 3}}}}, '
    recorded = arm(tmp_path, **free, **{'sources: {': told})
    also = arm(tmp_path, **free, **{'sources: {': told.replace(', b: {around: 3}', '')})
    assert treatment_warnings(recorded, policy_of(also)) == ()
    (change,) = treatment_changes(recorded, treatments(also))
    assert change.text == "JOINT_TARGET_POSITIONS 'b': around 3 (then none)"
    assert change.is_of_recording and not change.is_recalibrated


def test_what_one_of_two_datasets_does_not_know_is_not_known_of_both(tmp_path):
    arms, hands = treatments(arm(tmp_path)), treatments(hand(tmp_path))
    assert known_of_both(arms, arms) == arms and known_of_both(hands, hands) == hands
    old = {POSES: {'hand': replace(hands[POSES]['hand'], frames=None)}}
    assert known_of_both(arms, {}) == known_of_both({}, arms) == {}
    assert known_of_both(hands, old)[POSES]['hand'].frames.joints is None
    only_a = {JOINTS: {'a': arms[JOINTS]['a']}}
    assert known_of_both(arms, only_a) == only_a


def test_a_policy_that_tells_no_senses_is_compared_with_none(tmp_path):
    document = json.loads(policy_of(arm(tmp_path)).to_json())
    document['robots']['arm']['treatments'] = {}
    old = Manifest.from_json(json.dumps(document))
    for what in ('another sign', 'another unit'):
        changed = arm(tmp_path, OF_B[what])
        assert not [each for each in hazards(changed, old) if each.kind is HazardKind.SENSE]
        assert treatment_warnings(changed, old) == ()


def test_the_sense_of_a_chains_joints_is_kept_with_its_frames(tmp_path):
    robot = hand(tmp_path)
    manifest = trained(robot)
    kept = manifest.robots['planar'].treatments[POSES]['hand'].frames.joints
    assert set(kept) == set(robot.chains['hand'].joints)
    first = next(iter(kept))
    turned = hand(
        tmp_path,
        (
            'sources: {END_EFFECTOR_POSES: {topic: /joint_states}}',
            'sources: {END_EFFECTOR_POSES: {topic: /joint_states, joints: '
            f'{{{first}: {{scale: -1}}}}}}}}',
        ),
    )
    (hazard,) = hazards(turned, manifest)
    says = f"joint '{first}' scale -1, offset 0 (then scale 1, offset 0)"
    assert hazard.kind is HazardKind.SENSE and says in hazard.text


@pytest.mark.parametrize(
    ('spoilt', 'says'),
    [
        ({'scale': 'back', 'offset': 0}, 'scale must be a finite number'),
        ({'scale': 0, 'offset': 0}, 'scale must be a number other than 0'),
        ({'scale': 1}, "lacks 'offset'"),
        ({'scale': 1, 'offset': 0, 'sent': 3}, 'sent: must be a JSON object'),
        ({'sent': {'scale': 0, 'offset': 0}}, 'scale must be a number other than 0'),
        ({'scale': 1, 'offset': 0, 'around': 'pi'}, 'around must be a finite number'),
    ],
)
def test_a_damaged_sense_is_one_line(tmp_path, spoilt, says):
    document = json.loads(policy_of(arm(tmp_path)).to_json())
    document['robots']['arm']['treatments'] = {'JOINT_POSITIONS': {'a': spoilt}}
    with pytest.raises(PolicyError) as caught:
        Manifest.from_json(json.dumps(document))
    assert says in str(caught.value) and '\n' not in str(caught.value)


def test_recordings_that_are_added_with_another_sign_are_told_of(tmp_path, capsys):
    bag, more = record_left(tmp_path / 'one'), record_left(tmp_path / 'two', start=50.0)
    path = tmp_path / 'left.yaml'
    path.write_text(LEFT)
    words = ['--description', str(path), '--image-size', '32x24']
    assert main(['convert', str(tmp_path / 'data'), str(bag), *words]) == 0
    path.write_text(LEFT.replace('/joint_states}', '/joint_states, a: {scale: -1}}'))
    assert main(['convert', str(tmp_path / 'data'), str(more), *words]) == 0
    said = capsys.readouterr().err
    assert "JOINT_POSITIONS 'a': scale -1, offset 0 (then scale 1, offset 0)" in said


def test_a_sign_is_not_that_of_episodes_that_had_another_one_or_do_not_tell(tmp_path):
    """What was added last is claimed of all crops and frames, but of no sign."""
    bags = [record_left(tmp_path / f'{k}', start=50.0 * k) for k in range(4)]
    path, data = tmp_path / 'left.yaml', tmp_path / 'data'
    turned = LEFT.replace('/joint_states}', '/joint_states, a: {scale: -1}}')

    def convert(text, bag):
        path.write_text(text)
        words = ['--description', str(path), '--image-size', '32x24']
        assert main(['convert', str(data), str(bag), *words]) == 0
        return load_metadata(data).descriptions.treated('left')

    kept = convert(LEFT, bags[0])
    assert kept[JOINTS]['a'].sense.read.scale == kept[JOINTS]['c'].sense.read.scale == 1.0
    kept = convert(turned, bags[1])
    assert 'a' not in kept[JOINTS] and kept[JOINTS]['c'].sense.read.scale == 1.0
    assert 'a' not in convert(turned, bags[2])[JOINTS]
    meta = data / 'meta/neuracore_ros.json'
    document = json.loads(meta.read_text())
    del document['descriptions']['left']['treatments']
    meta.write_text(json.dumps(document))
    assert convert(turned, bags[3]) is None
