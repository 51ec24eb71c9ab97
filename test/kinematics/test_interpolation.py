"""Between two poses: straight, and turning at one speed the short way."""

import numpy as np
import pytest

from neuracore_ros.kinematics.interpolation import (
    between,
    continuous,
    displacement,
    distance,
    normalised,
)


def turned(angle, axis=(0.0, 0.0, 1.0), position=(0.0, 0.0, 0.0)):
    axis = np.array(axis) / np.linalg.norm(axis)
    return np.array([*position, *np.sin(angle / 2) * axis, np.cos(angle / 2)])


def test_a_quarter_of_the_way_is_a_quarter_of_the_shift_and_of_the_turn():
    pose = between(turned(0.2), turned(1.8, position=(0.4, 0.0, -0.8)), 0.25)
    assert pose == pytest.approx(turned(0.6, position=(0.1, 0.0, -0.2)))


def test_the_turn_is_the_short_one_whatever_the_sign_of_the_quaternion():
    end = turned(0.4)
    end[3:] *= -1.0
    assert distance(between(turned(0.0), end, 0.5), turned(0.2)) == pytest.approx((0.0, 0.0))
    assert displacement(turned(0.0), end) == pytest.approx([0, 0, 0, 0, 0, 0.4])


def test_equal_poses_have_nothing_between_them():
    pose = turned(0.7, (1, 2, 3), (1, 2, 3))
    assert between(pose, pose, 0.3) == pytest.approx(pose)
    assert displacement(pose, pose) == pytest.approx(np.zeros(6), abs=1e-9)


def test_a_displacement_is_seen_in_the_frame_of_the_poses():
    start = turned(np.pi / 2, (1, 0, 0), (1, 0, 0))
    # A quarter turn about z of the base, whatever way the tool points.
    end = np.array([1, 2, 0, 0.5, 0.5, 0.5, 0.5])
    assert displacement(start, end) == pytest.approx([0, 2, 0, 0, 0, np.pi / 2])


def test_signs_go_on_from_a_reference():
    poses = np.stack([turned(0.1), -turned(0.2), turned(0.3)])
    poses[:, :3] = 0.0
    made = continuous(poses, -turned(0.0))
    assert (made[:, 6] < 0.0).all()
    assert [distance(a, b)[1] for a, b in zip(made, poses, strict=True)] == pytest.approx([0] * 3)


def test_normalised_poses_keep_their_positions():
    pose = turned(0.5, position=(1, 2, 3))
    pose[3:] *= 3.0
    assert normalised(pose[None])[0] == pytest.approx(turned(0.5, position=(1, 2, 3)))
