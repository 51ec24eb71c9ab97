"""What is probably a mistake where outputs are sent as they are."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.direct_rig import BASE, HAND, INTEGRATED, TORQUES, VELOCITIES, manifest_of
from neuracore_ros.description import load_robot
from neuracore_ros.policy.compatibility import fit
from neuracore_ros.policy.hazards import hazards
from neuracore_ros.policy.training_range import beyond_training


def robot_of(folder, text):
    path = folder / 'robot.yaml'
    path.write_text(text)
    return load_robot(path)


def trained(robot, least, most):
    """A policy of this robot whose outputs had these values in training."""
    manifest = manifest_of(robot)
    return replace(
        manifest,
        output={
            kind: replace(
                slots,
                minimum=np.full(slots.width, least).tolist(),
                maximum=np.full(slots.width, most).tolist(),
            )
            for kind, slots in manifest.output.items()
        },
    )


@pytest.mark.parametrize('text', [BASE, VELOCITIES, INTEGRATED, TORQUES.replace('STOP', 'zero')])
def test_values_as_in_training_are_no_hazard(tmp_path, text):
    robot = robot_of(tmp_path, text)
    manifest = trained(robot, -0.9, 0.9)
    assert fit(robot, manifest).input
    assert hazards(robot, manifest) == []
    assert [*beyond_training(robot, manifest)] == []


def test_poses_have_no_range(tmp_path):
    robot = robot_of(tmp_path, HAND.replace('TYPE', 'PoseStamped'))
    assert hazards(robot, manifest_of(robot)) == []


@pytest.mark.parametrize('text', [VELOCITIES, INTEGRATED])
def test_velocities_that_were_learnt_in_degrees_are_named(tmp_path, text):
    robot = robot_of(tmp_path, text)
    (found,) = hazards(robot, trained(robot, -60.0, 60.0))
    assert 'the policy learnt' in found.text and 'as in degrees' in found.text


@pytest.mark.parametrize('text', [VELOCITIES, INTEGRATED])
def test_a_velocity_of_another_sign_than_its_position_is_named(tmp_path, text):
    text = text.replace('JOINT_VELOCITIES: {topic: ', 'JOINT_VELOCITIES: {scale: -1, topic: ')
    found = [hazard.text for hazard in hazards(robot_of(tmp_path, text), manifest_of_(tmp_path))]
    assert any(
        "the position of 'a' is measured with scale 1, offset 0, but its velo" in f for f in found
    )


def manifest_of_(folder):
    return manifest_of(load_robot(folder / 'robot.yaml'))
