"""Images of the two cameras, drawn off screen."""

import atexit

import mujoco
import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.errors import UserError
from neuracore_ros.physics.scene import DRAWN

CAMERAS = {'wrist': 'robot0_eye_in_hand', 'agentview': 'agentview'}
"""Our names, and robosuite's."""

SIZE_PX = 128


class LiftCameras:
    """Both cameras of one scene. To be used on one thread, on which it is made."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Open a place to draw.

        Raises:
            UserError: There is no OpenGL; the text says what to install.
        """
        try:
            self._renderer = mujoco.Renderer(model, SIZE_PX, SIZE_PX)
        except Exception as error:  # Each backend has errors of its own.
            raise UserError(
                f'no OpenGL to draw with ({error}): apt install libegl1 libgl1 libgl1-mesa-dri '
                'libgles2; or libosmesa6, and set MUJOCO_GL=osmesa'
            ) from error
        # Before the interpreter takes OpenGL apart, which would end in a traceback.
        atexit.register(self._renderer.close)
        self._options = mujoco.MjvOption()
        self._options.geomgroup[:] = 0
        self._options.geomgroup[DRAWN] = 1
        self._options.sitegroup[:] = 0
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0

    def draw(self, name: str, data: mujoco.MjData) -> ByteArray:
        """The scene as camera ``name`` sees it, RGB, shape (128, 128, 3)."""
        self._renderer.update_scene(data, CAMERAS[name], self._options)
        return np.array(self._renderer.render())
