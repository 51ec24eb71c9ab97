"""The fit of a robot to a trained policy."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from helpers.small_chain import ROBOT, describe
from neuracore_ros.description import DataType, EmbodimentDescription, embodiment, load_robot
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.compatibility import fit
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.signature import feed
from neuracore_ros.policy.training_range import beyond_training

ARM = {0: 'base', 1: 'elbow', 3: 'wrist'}


@dataclass(frozen=True)
class Described:
    name: str
    input: EmbodimentDescription
    output: EmbodimentDescription


def robot(name='ur5', joints=ARM, cameras=None, targets=ARM, **more):
    inputs = {'JOINT_POSITIONS': joints, 'RGB_IMAGES': cameras or {}, **more}
    return Described(name, embodiment(inputs), embodiment({'JOINT_TARGET_POSITIONS': targets}))


def policy(trained_outputs=(0, 1, 3), mode='absolute', robots=None):
    """Four joint slots of which index 2 was never trained, and two cameras of which 1 was."""
    return Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(4, (0, 1, 3)),
            DataType.RGB_IMAGES: InputSlots(2, (1,), image_size=(8, 8)),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(4, trained_outputs, mode=mode)},
        rate_hz=20.0,
        horizon=4,
        robots=robots or {},
    )


def refusal(described, manifest):
    with pytest.raises(PolicyError) as refused:
        fit(described, manifest)
    assert '\n' not in str(refused.value)
    return str(refused.value)


def test_a_robot_that_has_what_was_trained_fits_without_a_word():
    fitted = fit(robot(cameras={1: 'overhead'}), policy())
    assert fitted.warnings == ()
    assert fitted.input[DataType.JOINT_POSITIONS] == ARM
    assert fitted.input[DataType.RGB_IMAGES] == {1: 'overhead'}


def test_a_robot_with_fewer_joints_fits():
    few = {0: 'base'}
    fitted = fit(robot(joints=few, targets=few, cameras={1: 'overhead'}), policy())
    assert fitted.input[DataType.JOINT_POSITIONS] == few


def test_an_index_beyond_the_width_is_refused_by_name():
    eyes = {index: f'eye_{index}' for index in range(8)}
    assert refusal(robot('spider', cameras=eyes), policy()) == (
        "'spider' uses RGB_IMAGES index 7; the model was trained with width 2 (0..1). "
        'Choose 2 cameras, or retrain.'
    )


def test_an_output_beyond_the_width_is_refused_by_name():
    assert "'ur5' uses JOINT_TARGET_POSITIONS index 9" in refusal(
        robot(targets={9: 'claw'}), policy()
    )


def test_an_output_slot_that_no_episode_had_is_refused_by_name():
    assert refusal(robot(targets={0: 'base', 2: 'twist'}), policy()) == (
        "'ur5' commands 'twist' at JOINT_TARGET_POSITIONS index 2, which no training episode had. "
        'Trained: 0..1, 3. Leave it out of the output, or retrain.'
    )


def test_an_input_slot_that_no_episode_had_is_masked_with_a_warning():
    fitted = fit(robot(cameras={0: 'hand', 1: 'overhead'}), policy())
    assert fitted.warnings == (
        "'ur5' has 'hand' at RGB_IMAGES index 0, which no training episode had: masked.",
    )
    assert fitted.input[DataType.RGB_IMAGES] == {1: 'overhead'}


def test_an_input_that_the_policy_does_not_read_is_ignored_with_one_line():
    fitted = fit(robot(cameras={1: 'overhead'}, JOINT_TORQUES=ARM), policy())
    assert fitted.warnings == (
        "'ur5' has JOINT_TORQUES, which the policy does not read: ignored.",
    )
    assert DataType.JOINT_TORQUES not in fitted.input


def test_a_missing_camera_is_said():
    assert fit(robot(), policy()).warnings == (
        "'ur5' has no RGB_IMAGES, which the policy reads: masked.",
    )


def test_an_output_that_the_policy_does_not_produce_is_refused():
    grips = Described(
        'ur5', robot().input, embodiment({'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': {0: 'grip'}})
    )
    assert refusal(grips, policy()) == (
        "'ur5' wants PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS, which the policy does not produce. "
        'It produces: JOINT_TARGET_POSITIONS.'
    )


def test_a_robot_without_outputs_is_refused():
    assert 'describes no output' in refusal(robot(targets={}), policy())


def test_a_robot_that_shares_no_input_is_refused():
    blind = Described('ur5', embodiment({'JOINT_TORQUES': ARM}), robot().output)
    assert refusal(blind, policy()) == (
        "'ur5' shares no input with the policy. It has JOINT_TORQUES; "
        'the policy reads JOINT_POSITIONS, RGB_IMAGES.'
    )


def test_only_untrained_inputs_are_no_shared_input():
    assert 'shares no input' in refusal(robot(joints={2: 'twist'}), policy())


def test_a_relative_output_needs_its_measured_joint():
    assert 'relative to JOINT_POSITIONS' in refusal(
        robot(joints={0: 'base'}), policy(mode='relative')
    )


def test_a_name_that_moved_since_training_is_said():
    then = Embodiment(robot().input, robot().output)
    swapped = {0: 'base', 1: 'wrist', 3: 'elbow'}
    fitted = fit(robot(joints=swapped, cameras={1: 'overhead'}), policy(robots={'ur5': then}))
    assert fitted.warnings == (
        "'ur5' has 'wrist' at JOINT_POSITIONS index 1; in training it had 'elbow' there.",
        "'ur5' has 'elbow' at JOINT_POSITIONS index 3; in training it had 'wrist' there.",
    )


def test_a_stranger_with_the_slots_of_a_trained_robot_is_told_so():
    trained = {'ur5': Embodiment(robot(cameras={1: 'top'}).input, robot().output)}
    hands = {0: 'shoulder', 1: 'bend', 3: 'roll'}
    stranger = robot('iiwa', joints=hands, cameras={1: 'above'}, targets=hands)
    assert fit(stranger, policy(robots=trained)).warnings == (
        "'iiwa' is none of the robots that the policy was trained on (ur5): to the policy, its "
        "slots are those of 'ur5'.",
    )
    lacking = robot('iiwa', joints={0: 'shoulder'}, cameras={1: 'above'}, targets={0: 'shoulder'})
    assert 'what it lacks is masked' in fit(lacking, policy(robots=trained)).warnings[0]


def test_a_robot_that_describes_no_output_is_refused():
    says = "'ur5' describes no output; the policy produces JOINT_TARGET_POSITIONS."
    assert refusal(robot(targets={}), policy()) == says


def test_a_graph_that_wants_what_nobody_gives_is_named():
    with pytest.raises(PolicyError, match=r"wants the input 'noise', .* It gives: inputs.A, val"):
        feed(['inputs.A', 'noise'], {'A': np.zeros(1)}, {'A': np.ones(1, bool)})


@pytest.mark.parametrize('scale', [1.0, 2.0])
def test_a_workspace_that_is_smaller_than_where_training_went_is_told(tmp_path, scale):
    text = re.sub(r'topic: ([^}]+)}', rf'topic: \1, scale: {scale}}}', ROBOT)
    bounds = '    workspace: {x: [-0.5, 0.5], y: [-0.2, 0.6]}\n    tip_offset'
    arm = load_robot(describe(tmp_path, text.replace('    tip_offset', bounds)))
    poses = DataType.END_EFFECTOR_POSES
    low, high = np.array([[-0.51, -0.4, -3.0], [0.3, 0.61, 3.0]]) * scale
    slots = OutputSlots(2, (0,), min_xyz=(*low, *[np.nan] * 3), max_xyz=(*high, *[np.nan] * 3))
    trained = replace(policy(), input={poses: InputSlots(1, (0,))}, output={poses: slots})
    (finding,) = beyond_training(arm, Manifest.from_json(trained.to_json()))
    assert finding.text == (
        "output END_EFFECTOR_POSES index 0: 'hand' of planar may go to y -0.20 to 0.60 (its "
        'workspace), training went to -0.40 to 0.61: what is beyond is kept inside'
    )
    unknown = replace(trained, output={poses: OutputSlots(2, (0,))})
    assert not [*beyond_training(arm, unknown)]


def unmasked(**required):
    """A policy of others, which knows no masks."""
    manifest = policy()
    return replace(
        manifest,
        input={
            kind: replace(slots, required=required.get(kind.value, ()))
            for kind, slots in manifest.input.items()
        },
    )


def test_a_robot_that_lacks_what_a_policy_without_masks_needs_is_refused():
    manifest = unmasked(JOINT_POSITIONS=(0, 1, 3), RGB_IMAGES=(1,))
    assert fit(robot(cameras={1: 'overhead'}), manifest).warnings == ()
    assert refusal(robot(joints={0: 'base', 1: 'elbow'}, cameras={1: 'top'}), manifest) == (
        "'ur5' lacks JOINT_POSITIONS index 3, which the policy cannot do without: it knows no "
        'masks, and needs 0..1, 3. The robot has 0..1.'
    )
    assert refusal(robot(), manifest) == (
        "'ur5' lacks RGB_IMAGES index 1, which the policy cannot do without: it knows no masks, "
        'and needs 1. The robot has none.'
    )


def test_what_a_policy_can_do_without_is_masked_as_before():
    manifest = unmasked(JOINT_POSITIONS=(0, 1))
    fitted = fit(robot(joints={0: 'base', 1: 'elbow'}), manifest)
    assert fitted.input == {DataType.JOINT_POSITIONS: {0: 'base', 1: 'elbow'}}
