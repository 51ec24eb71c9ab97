"""Robots with hands that lift a cube, in MuJoCo (extra ``mujoco``); only ``robot_node`` needs ROS.

Scenes, arms and grippers are robosuite's. Images are drawn without a window: by EGL, or what the
environment variable ``MUJOCO_GL`` says, such as ``osmesa``.
"""

import os

# MuJoCo looks once, when it is imported; robosuite would choose for it otherwise.
os.environ.setdefault('MUJOCO_GL', 'egl')
os.environ.setdefault('PYOPENGL_PLATFORM', os.environ['MUJOCO_GL'])
