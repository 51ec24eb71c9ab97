"""Two pinhole cameras on a table, an arm and a ball, drawn with OpenCV; no GPU, no window.

Everything is drawn at twice the size and averaged down, so that a ball that moves by a fraction
of a pixel changes the image. The scene grows with the arm's reach: an image of a small arm looks
like one of a big arm.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray
from neuracore_ros.sim.arms import ArmKinematics, Colour
from neuracore_ros.sim.reaching import BALL_RADIUS, HEIGHT

Stroke: TypeAlias = tuple[Any, Any, int]

NAMES = ('overhead', 'wrist')
"""Every robot carries both, also one whose robot file names a single camera."""

WIDTH, HEIGHT_PX = 160, 120
OVERSAMPLING = 2
SUBPIXEL_BITS = 4

NEAREST = 0.01
"""What is nearer to a camera, in reaches, would be drawn larger than OpenCV can."""

TABLE: Colour = (206, 190, 168)
TABLE_LINE: Colour = (192, 175, 152)
TABLE_EDGE: Colour = (140, 122, 100)
FLOOR: Colour = (86, 92, 102)
WALL: Colour = (120, 128, 140)
BALL: Colour = (222, 48, 38)
STAND: Colour = (64, 66, 72)
SHADE = 0.68

TABLE_PX = 320
TABLE_X, TABLE_Y = (-0.45, 1.15), (-0.8, 0.8)
TONE_SIZES = np.array([1.0, 0.86, 0.62, 0.22])
TONE_SHIFTS = np.array([0.0, 0.06, 0.22, 0.42])
"""A link is drawn in four tones, dark to bright: width and shift to the light, in radii."""
TOWARDS_LIGHT = np.array([-0.45, -0.9])
LIGHT = np.array([-0.35, 0.3, -1.0])
"""Where light goes: shadows fall backward and to the arm's left."""


def shade(colour: Colour, share: float) -> Colour:
    """A darker colour."""
    red, green, blue = (round(part * share) for part in colour)
    return red, green, blue


def tint(colour: Colour, share: float) -> Colour:
    """A colour mixed with ``share`` of white."""
    red, green, blue = (round(part + (255 - part) * share) for part in colour)
    return red, green, blue


BALL_TONES = (
    (1.0, 0.0, shade(BALL, 0.62)),
    (0.86, 0.1, BALL),
    (0.5, 0.26, tint(BALL, 0.22)),
    (0.2, 0.38, tint(BALL, 0.75)),
)
"""Like a link's tones: size, shift to the light, both in radii, and colour."""


@dataclass(frozen=True, slots=True)
class PinholeView:
    """A pinhole camera: looks along its z, x to the right of the image, y down.

    ``pose`` is the camera in the world, shape (4, 4); ``focal`` is in oversampled pixels.
    """

    pose: FloatArray
    focal: float

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels (..., 2) and depths (...,) [m] of world points (..., 3) [m]."""
        inside = (points - self.pose[:3, 3]) @ self.pose[:3, :3]
        depth = np.maximum(inside[..., 2], 1e-6)
        centre = np.array([WIDTH, HEIGHT_PX]) * OVERSAMPLING / 2
        return inside[..., :2] / depth[..., None] * self.focal + centre, inside[..., 2]


def look_at(eye: FloatArray, at: FloatArray, up: FloatArray) -> FloatArray:
    """The pose (4, 4) of a camera at ``eye`` (3,) that looks at ``at`` (3,), ``up`` upwards."""
    forward = (at - eye) / np.linalg.norm(at - eye)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.column_stack([right, np.cross(forward, right), forward, eye])
    return pose


class ReachCameras:
    """A drawing of the images of one arm's cameras.

    Set the target before the first image, and whenever it moves.

    Attributes:
        overhead_view: The camera that does not move.
    """

    def __init__(self, kinematics: ArmKinematics) -> None:
        self._kinematics = kinematics
        self._reach = reach = kinematics.arm.reach
        eye, at = np.array([1.3, 0.26, 1.3]) * reach, np.array([0.38, 0.0, 0.3]) * reach
        self.overhead_view = PinholeView(
            look_at(eye, at, np.array([0.0, 0.0, 1.0])), focal_px(58.0)
        )
        hand = kinematics.poses(kinematics.home)[-1]
        outward = np.sign(hand[:2, 0] @ np.array([1.0, 0.0])) or 1.0
        eye = np.array([0.17 * outward, 0.0, -0.14]) * reach
        at = np.array([0.03 * outward, 0.0, 0.03]) * reach
        self._wrist_mount = look_at(eye, at, np.array([outward, 0.0, 0.0]))
        self._wrist_focal = focal_px(75.0)
        self._radii = np.array([capsule.radius for capsule in kinematics.arm.capsules])
        self._paints = [tones(capsule.colour) for capsule in kinematics.arm.capsules]
        self._table = draw_table()
        self.set_target(np.array([0.6 * reach, 0.0, HEIGHT * reach]))

    def set_target(self, target: FloatArray) -> None:
        """Move the ball to ``target`` (3,) [m]."""
        self._target = np.asarray(target, dtype=float)
        self._texture = self._table.copy()
        fallen = target[:2] - LIGHT[:2] / LIGHT[2] * target[2]
        radius = BALL_RADIUS * self._reach
        self._spot(fallen, radius * 1.1, shade(TABLE, SHADE))
        self._spot(target[:2], radius * 0.75, shade(STAND, 0.8))
        self._backdrop = self._ground(self.overhead_view)
        self._backdrop_dark = np.asarray(self._backdrop * SHADE, dtype=np.uint8)

    def overhead(self, positions: FloatArray) -> ByteArray:
        """The scene from high in front, shape (120, 160, 3), RGB, of positions (n,) [rad]."""
        ends = self._kinematics.capsule_ends(positions)
        image = self._backdrop.copy()
        fallen, depths = self.overhead_view.project(ends - LIGHT / LIGHT[2] * ends[..., 2:])
        near = np.maximum(depths.mean(axis=1), NEAREST * self._reach)
        widths = np.maximum(1, 2 * self._radii * self.overhead_view.focal / near)
        mask = np.zeros(image.shape[:2], np.uint8)
        for (start, end), width in zip(subpixels(fallen), widths, strict=True):
            cv2.line(mask, start, end, 255, round(width), shift=SUBPIXEL_BITS)
        cv2.copyTo(self._backdrop_dark, mask, image)
        return self._finish(image, self.overhead_view, ends)

    def wrist(self, positions: FloatArray) -> ByteArray:
        """The scene from the last link, shape (120, 160, 3), RGB, of positions (n,) [rad]."""
        view = self.wrist_view(positions)
        return self._finish(self._ground(view), view, self._kinematics.capsule_ends(positions))

    def wrist_view(self, positions: FloatArray) -> PinholeView:
        """The wrist camera where it is at positions (n,) [rad]."""
        hand = self._kinematics.poses(positions)[-1]
        return PinholeView(hand @ self._wrist_mount, self._wrist_focal)

    def draw(self, camera: str, positions: FloatArray) -> ByteArray:
        """The image of ``camera``, 'overhead' or 'wrist'."""
        return self.wrist(positions) if camera == 'wrist' else self.overhead(positions)

    def _finish(self, image: ByteArray, view: PinholeView, ends: FloatArray) -> ByteArray:
        """Draw arm and ball over the ground, far things first, and average down."""
        pixels, depths = view.project(ends)
        ball, ball_depth = view.project(self._target)
        near = np.maximum(depths.mean(axis=1), NEAREST * self._reach)
        strokes = shaded_strokes(pixels, self._radii * view.focal / near)
        order: list[int | None] = np.argsort(-near).tolist()
        if ball_depth > BALL_RADIUS * self._reach:
            order.insert(int(np.sum(near >= ball_depth)), None)
        for i in order:
            if i is None:
                self._draw_ball(image, view, ball, float(ball_depth))
            elif depths[i].min() > 0.1 * self._radii[i]:
                for (start, end, width), colour in zip(strokes[i], self._paints[i], strict=True):
                    cv2.line(image, start, end, colour, width, cv2.LINE_8, SUBPIXEL_BITS)
        return np.asarray(
            cv2.resize(image, (WIDTH, HEIGHT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )

    def _draw_ball(
        self, image: ByteArray, view: PinholeView, centre: FloatArray, depth: float
    ) -> None:
        radius = BALL_RADIUS * self._reach * view.focal / depth
        foot, foot_depth = view.project(self._target * [1.0, 1.0, 0.0])
        if foot_depth > NEAREST * self._reach:
            start, end = subpixels(np.array([foot, centre]))
            width = max(2, round(0.5 * radius))
            cv2.line(image, start, end, STAND, width, cv2.LINE_AA, SUBPIXEL_BITS)
        for size, offset, colour in BALL_TONES:
            spot = centre + offset * radius * TOWARDS_LIGHT
            fill_circle(image, spot, size * radius, colour)

    def _spot(self, centre: FloatArray, radius: float, colour: Colour) -> None:
        """Paint a disc on the table; centre (2,) and radius in m."""
        scale = TABLE_PX / (TABLE_X[1] - TABLE_X[0]) / self._reach
        corner = np.array([TABLE_X[0], TABLE_Y[0]]) * self._reach
        fill_circle(self._texture, (centre - corner) * scale, radius * scale, colour)

    def _ground(self, view: PinholeView) -> ByteArray:
        """Table, floor and wall, without the arm; oversampled."""
        scale = (TABLE_X[1] - TABLE_X[0]) * self._reach / TABLE_PX
        # Columns of the pose of the table's pixels in the camera's frame make a homography.
        turn = view.pose[:3, :3].T
        corner = np.array([TABLE_X[0], TABLE_Y[0], 0.0]) * self._reach
        plane = np.column_stack(
            [turn[:, 0] * scale, turn[:, 1] * scale, turn @ (corner - view.pose[:3, 3])]
        )
        size = (WIDTH * OVERSAMPLING, HEIGHT_PX * OVERSAMPLING)
        lens = np.array(
            [[view.focal, 0.0, size[0] / 2], [0.0, view.focal, size[1] / 2], [0.0, 0.0, 1.0]]
        )
        image = cv2.warpPerspective(
            self._texture,
            lens @ plane,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=FLOOR,
        )
        above = above_horizon(view, size)
        if len(above) > 2:
            cv2.fillConvexPoly(image, np.round(above).astype(np.int32), WALL)
        return np.asarray(image, dtype=np.uint8)


def focal_px(field_of_view_deg: float) -> float:
    """Focal length in oversampled pixels of a horizontal field of view."""
    half = np.tan(np.radians(field_of_view_deg) / 2)
    return float(WIDTH * OVERSAMPLING / 2 / half)


def above_horizon(view: PinholeView, size: tuple[int, int]) -> FloatArray:
    """The part of the image that looks upwards, a polygon (corners, 2) in pixels; may be empty."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    rays = np.column_stack([(corners - [width / 2, height / 2]) / view.focal, np.ones(4)])
    rise = rays @ view.pose[2, :3]
    kept: list[FloatArray] = []
    for i in range(4):
        j = (i + 1) % 4
        if rise[i] > 0:
            kept.append(corners[i])
        if (rise[i] > 0) != (rise[j] > 0):
            share = rise[i] / (rise[i] - rise[j])
            kept.append(corners[i] + share * (corners[j] - corners[i]))
    return np.array(kept).reshape(-1, 2)


def draw_table() -> ByteArray:
    """The table's top from straight above: x to the right, y down; (320, 320, 3)."""
    table = np.full((TABLE_PX, TABLE_PX, 3), TABLE, np.uint8)
    for line in np.linspace(0, TABLE_PX, 9).astype(int)[1:-1]:
        cv2.line(table, (int(line), 0), (int(line), TABLE_PX), TABLE_LINE, 2)
        cv2.line(table, (0, int(line)), (TABLE_PX, int(line)), TABLE_LINE, 2)
    cv2.rectangle(table, (0, 0), (TABLE_PX - 1, TABLE_PX - 1), TABLE_EDGE, 4)
    return table


def fill_circle(image: ByteArray, centre: FloatArray, radius: float, colour: Colour) -> None:
    """Fill a circle; centre (2,) and radius in pixels, of which fractions count."""
    size = round(radius * 2**SUBPIXEL_BITS)
    cv2.circle(image, subpixels(centre), size, colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def shaded_strokes(ends: FloatArray, radii: FloatArray) -> list[list[Stroke]]:
    """Strokes from dark to bright that draw C rounded links as if light came from above.

    Args:
        ends: Start and end of each, shape (C, 2, 2), in oversampled pixels.
        radii: Shape (C,), in oversampled pixels.

    Returns:
        For each link, one stroke per tone: start, end, width.
    """
    along = ends[:, 1] - ends[:, 0]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    # Light moves the bright stripe across the link; along it, the stripe would stick out.
    light = TOWARDS_LIGHT - 0.8 * (along @ TOWARDS_LIGHT)[:, None] * along
    shift = (TONE_SHIFTS * radii[:, None])[..., None] * light[:, None]
    points = subpixels(ends[:, None] + shift[:, :, None])
    widths = np.maximum(1, np.rint(2 * TONE_SIZES * radii[:, None])).astype(int).tolist()
    return [
        [(start, end, width) for (start, end), width in zip(*link, strict=True)]
        for link in zip(points, widths, strict=True)
    ]


def subpixels(points: FloatArray) -> Any:
    """Points (..., 2) as nested lists of OpenCV's fixed-point pixels, within what it can draw."""
    return np.rint(np.clip(points, -4000, 4000) * 2**SUBPIXEL_BITS).astype(int).tolist()


def tones(colour: Colour) -> tuple[Colour, ...]:
    """A link's colour in shadow, in half light, in light, and where it shines."""
    return shade(colour, 0.42), shade(colour, 0.74), colour, tint(colour, 0.5)
