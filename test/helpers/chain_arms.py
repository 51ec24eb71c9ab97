"""Chains of small arms: URDFs of a few joints, and inverse kinematics of them."""

import math

import numpy as np

from helpers.drawn_arms import joint, urdf
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.urdf import MOVING
from neuracore_ros.kinematics.inverse import InverseKinematics

STEP_S = 0.05
LOWER, UPPER, SPEED = -2.0, 2.0, 1.5
# From base to tip: an upper arm and a forearm of 0.4 m, and a hand of 0.15 m.
PAN = ('pan', '0 0 1', '0 0 0.1')
LIFT = ('lift', '0 1 0', '0 0 0.1')
TURN = ('turn', '1 0 0', '0.2 0 0')
ELBOW = ('elbow', '0 1 0', '0.2 0 0')
ROLL = ('roll', '1 0 0', '0.2 0 0')
BEND = ('bend', '0 1 0', '0.2 0 0')
TWIST = ('twist', '1 0 0', '0.05 0 0')
SIX = (PAN, LIFT, ELBOW, ROLL, BEND, TWIST)
SEVEN = (PAN, LIFT, TURN, ELBOW, ROLL, BEND, TWIST)
FIVE = (PAN, LIFT, ELBOW, BEND, TWIST)
# Postures that are bent, far from limits and singularities.
READY = {'pan': 0.2, 'lift': -0.6, 'turn': 0.3, 'elbow': 1.2, 'roll': 0.3, 'bend': 0.8}


def ready(joints, **others):
    return np.array([{**READY, **others}.get(each[0], 0.1) for each in joints])


def arm(folder, joints=SIX, kinds=(), limits=(LOWER, UPPER), **options):
    """Write a URDF of joints (name, axis, xyz), one after the other, and describe its chain.

    Args:
        folder: Where the file goes.
        joints: From base to tip.
        kinds: Name -> type, where it is not revolute.
        limits: Of joints that have any.
        options: Fields of the chain.
    """
    kinds, before, parts = dict(kinds), '', []
    for name, axis, xyz in joints:
        parts.append(joint(name, axis, kinds.get(name, 'revolute'), xyz, before, limits))
        before = name
    path = folder / 'arm.urdf'
    path.write_text(urdf(*parts))
    options.setdefault('tip_offset', Placement((0.1, 0.0, 0.0), (0.0, math.pi / 2, 0.0)))
    moving = [each[0] for each in joints if kinds.get(each[0], 'revolute') in MOVING]
    return Chain('hand', path, 'base', before, tuple(moving), **options)


def inverse(chain, kinds=(), speed=SPEED, limits=(LOWER, UPPER)):
    """Inverse kinematics of such an arm."""
    endless = np.array([dict(kinds).get(name) == 'continuous' for name in chain.joints])
    lower, upper = np.where(endless, -np.inf, limits[0]), np.where(endless, np.inf, limits[1])
    return InverseKinematics(chain, lower, upper, np.full(len(endless), speed), STEP_S)


def line(pose, to, steps=20):
    """Poses of a straight line of positions from a pose, whose rotation stays."""
    poses = np.tile(pose, (steps, 1))
    share = np.linspace(0.0, 1.0, steps + 1)[1:, None]
    poses[:, :3] = (1.0 - share) * pose[:3] + share * np.asarray(to)
    return poses
