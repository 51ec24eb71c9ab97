"""robosuite's table, cube and arm as one MuJoCo model, and the images of its two cameras.

Drawing without a graphics card costs by the vertex, not by the pixel: two cameras take 74 to
86 ms with all meshes and shadows, and 9 to 15 ms as below.
"""

import atexit
import logging

import mujoco
import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray
from neuracore_ros.errors import UserError
from neuracore_ros.physics.arms import LiftArm

DRAWN = 3
"""Group of the geoms that are drawn."""

_COLLISION, _VISUAL = 0, 1
_SMALL_MESH = 2500
_AROUND = ('floor', 'table_visual', 'cube', 'wall_rear', 'fixed_mount0_torso')
_PALM = 'gripper0_right_hand_collision'
_HAND = (0.3, 0.3, 0.3, 1.0)

CAMERAS = {'wrist': 'robot0_eye_in_hand', 'agentview': 'agentview'}
"""Our names, and robosuite's."""

SIZE_PX = 128


def build(arm: LiftArm) -> tuple[mujoco.MjModel, FloatArray]:
    """The scene of one arm, lightened for drawing; equal each time.

    Returns:
        The model; and all positions with the arm at home and its gripper open, shape (nq,).
    """
    # While it is imported and set up, robosuite warns of parts that are not used here.
    logging.disable(logging.WARNING)
    try:
        import robosuite

        environment = robosuite.make(
            'Lift',
            robots=arm.model,
            initialization_noise=None,
            has_renderer=False,
            has_offscreen_renderer=False,
            use_camera_obs=False,
            # The size of the cube is drawn with it.
            seed=0,
        )
    finally:
        logging.disable(logging.NOTSET)
    model = mujoco.MjModel.from_xml_string(environment.model.get_xml())
    home = np.array(environment.sim.data.qpos)
    environment.close()
    for name in arm.untouched:
        geom = model.geom(name).id
        model.geom_contype[geom] = model.geom_conaffinity[geom] = 0
    _lighten(model, arm)
    return model, home


def _lighten(model: mujoco.MjModel, arm: LiftArm) -> None:
    """Draw the arm's rough collision geometry, painted, and small meshes only."""
    model.vis.quality.offsamples = 0
    bare = set()
    for index in range(model.ngeom):
        geom = model.geom(index)
        body = model.body(model.geom_bodyid[index]).name
        is_around = geom.name.startswith(_AROUND) or body.startswith('gripper0')
        is_arm = body.startswith('robot0') or geom.name == _PALM or 'pedestal_col' in geom.name
        if model.geom_group[index] == _VISUAL and is_around and _is_small(model, index):
            model.geom_group[index] = DRAWN
        elif model.geom_group[index] == _COLLISION and is_arm:
            model.geom_group[index] = DRAWN
            model.geom_rgba[index] = arm.colour
        elif model.geom_group[index] == _VISUAL and body.startswith(('gripper0', 'robot0')):
            bare.add(int(model.geom_bodyid[index]))
    _draw_bare(model, arm, bare)


def _draw_bare(model: mujoco.MjModel, arm: LiftArm, bare: set[int]) -> None:
    """Draw bodies that have only large meshes, by their collision geometry if there is any."""
    groups, bodies = model.geom_group, model.geom_bodyid
    for body in bare - set(bodies[groups == DRAWN].tolist()):
        own = np.flatnonzero(bodies == body)
        rough = own[groups[own] == _COLLISION]
        shown = rough if len(rough) else own[groups[own] == _VISUAL]
        groups[shown] = DRAWN
        is_hand = model.body(body).name.startswith('gripper0')
        model.geom_rgba[shown] = _HAND if is_hand else arm.colour
        model.geom_matid[shown] = -1


def _is_small(model: mujoco.MjModel, index: int) -> bool:
    if model.geom_type[index] != mujoco.mjtGeom.mjGEOM_MESH:
        return True
    return bool(model.mesh_facenum[model.geom_dataid[index]] < _SMALL_MESH)


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
