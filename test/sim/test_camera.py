import numpy as np
import pytest

from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.camera import ReachCameras
from neuracore_ros.sim.expert import solve_posture
from neuracore_ros.sim.reaching import draw_trial

ALL_ARMS = pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))


def ball(image):
    """Where pixels are as red as the ball: their mean (x, y) and their number."""
    red, green, blue = image.astype(int).transpose(2, 0, 1)
    rows, columns = np.nonzero((red > 120) & (green < 90) & (blue < 90))
    return np.array([columns.mean(), rows.mean()]) if len(rows) else None, len(rows)


@ALL_ARMS
def test_the_overhead_camera_sees_the_ball_from_start_to_end(arm):
    kinematics = ArmKinematics(arm)
    cameras = ReachCameras(kinematics)
    for seed in range(30):
        trial = draw_trial(kinematics, seed)
        cameras.set_target(trial.target)
        goal = solve_posture(kinematics, trial.target)
        for share in (0.0, 0.3, 0.6, 1.0):
            image = cameras.overhead(trial.start + share * (goal - trial.start))
            assert image.shape == (120, 160, 3) and image.dtype == np.uint8
            assert ball(image)[1] >= 8, f'seed {seed}, {share:.0%} of the way'


@ALL_ARMS
def test_moving_the_ball_moves_it_in_the_image(arm):
    kinematics = ArmKinematics(arm)
    cameras = ReachCameras(kinematics)
    target = np.array([0.6, 0.0, 0.07]) * arm.reach

    def seen(x, y):
        cameras.set_target(target + np.array([x, y, 0.0]) * arm.reach)
        return ball(cameras.overhead(kinematics.home))[0]

    assert np.linalg.norm(seen(0.1, 0.0) - seen(0.0, 0.0)) > 6
    assert np.linalg.norm(seen(0.0, 0.1) - seen(0.0, 0.0)) > 6
    # Averaging down keeps fractions of a pixel: a hundredth of the reach is about one pixel.
    assert 0.3 < np.linalg.norm(seen(0.0, 0.01) - seen(0.0, 0.0)) < 2


def test_the_ball_appears_at_the_same_pixels_for_a_big_and_a_small_arm():
    places = []
    for name in ('ur5', 'so100'):
        kinematics = ArmKinematics(ARMS[name])
        cameras = ReachCameras(kinematics)
        cameras.set_target(np.array([0.6, 0.2, 0.07]) * kinematics.arm.reach)
        places.append(ball(cameras.overhead(kinematics.home))[0])
    np.testing.assert_allclose(places[0], places[1], atol=0.5)


@ALL_ARMS
def test_moving_any_of_the_first_joints_changes_the_overhead_image(arm):
    kinematics = ArmKinematics(arm)
    cameras = ReachCameras(kinematics)
    before = cameras.overhead(kinematics.home).astype(int)
    for i in range(4):
        moved = kinematics.home.copy()
        moved[i] += 0.2
        assert (np.abs(cameras.overhead(moved) - before).max(axis=2) > 30).sum() > 20


def test_the_wrist_camera_of_the_panda_sees_the_ball_grow():
    kinematics = ArmKinematics(ARMS['franka'])
    cameras = ReachCameras(kinematics)
    trial = draw_trial(kinematics, 3)
    cameras.set_target(trial.target)
    goal = solve_posture(kinematics, trial.target)
    far = ball(cameras.wrist(trial.start + 0.7 * (goal - trial.start)))[1]
    near = ball(cameras.wrist(goal))[1]
    assert near > 1.5 * far > 0


@pytest.mark.parametrize('depth', [-0.1, 0.0, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.1])
def test_a_ball_that_slips_past_the_wrist_camera_can_be_drawn(depth):
    kinematics = ArmKinematics(ARMS['franka'])
    cameras = ReachCameras(kinematics)
    pose = cameras.wrist_view(kinematics.home).pose
    for x in (-0.3, 0.0, 0.05):
        cameras.set_target((pose @ [x, 0.02, depth, 1.0])[:3])
        assert cameras.wrist(kinematics.home).shape == (120, 160, 3)
