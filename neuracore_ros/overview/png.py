"""A scene as PNG, painted by Pillow: no browser, no font and no library of the system needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO

from PIL import Image, ImageDraw, ImageFont

from neuracore_ros.overview.scene import Box, Scene, Words

# Pixels of the file for one of the scene, and painted for one of the file, for smooth edges.
_SCALE = 2
_FINER = 2
_ANCHORS = {'start': 'ls', 'middle': 'ms', 'end': 'rs'}
# Those that most computers have; else the one that Pillow brings.
_FONTS = {
    (False, False): ('DejaVuSans.ttf', 'LiberationSans-Regular.ttf', 'Arial.ttf'),
    (False, True): ('DejaVuSans-Bold.ttf', 'LiberationSans-Bold.ttf', 'Arial Bold.ttf'),
    (True, False): ('DejaVuSansMono.ttf', 'LiberationMono-Regular.ttf', 'Menlo.ttc'),
    (True, True): ('DejaVuSansMono-Bold.ttf', 'LiberationMono-Bold.ttf', 'Menlo.ttc'),
}
"""Letters of one width?, bold? -> fonts that computers have; else it is the one of Pillow."""


def write_png(scene: Scene, file: BinaryIO) -> None:
    """Paint a scene on light ground.

    Raises:
        OSError: The file cannot be written.
    """
    fine = _SCALE * _FINER
    size = round(scene.width * fine), round(scene.height * fine)
    image = Image.new('RGB', size, scene.ground.light)
    painter = ImageDraw.Draw(image)
    for shape in scene.shapes:
        if isinstance(shape, Box):
            _box(painter, shape, fine)
    image = image.resize((size[0] // _FINER, size[1] // _FINER), Image.Resampling.LANCZOS)
    # Letters are smooth by themselves, and sharper at their own size.
    painter = ImageDraw.Draw(image)
    for shape in scene.shapes:
        if isinstance(shape, Words):
            _words(painter, shape)
    image.save(file, 'PNG', optimize=True)


def _box(painter: ImageDraw.ImageDraw, box: Box, fine: int) -> None:
    x, y, right, bottom = (
        round(edge * fine) for edge in (box.x, box.y, box.x + box.width, box.y + box.height)
    )
    fill = box.fill.light if box.fill else None
    outline = box.stroke.light if box.stroke and not box.dashed else None
    thickness = round(box.thickness * fine)
    # Pillow counts the last pixel in.
    corners = (x, y, max(x, right - 1), max(y, bottom - 1))
    painter.rounded_rectangle(corners, box.radius * fine, fill, outline, thickness)
    if box.dashed and box.stroke:
        for line in _dashes(corners, round(3 * fine)):
            painter.line(line, box.stroke.light, thickness)


def _dashes(corners: Sequence[int], length: int) -> list[tuple[int, int, int, int]]:
    left, top, right, bottom = corners
    found = []
    for x in range(left + length, right - length, 2 * length):
        found += [(x, edge, min(x + length, right), edge) for edge in (top, bottom)]
    for y in range(top + length, bottom - length, 2 * length):
        found += [(edge, y, edge, min(y + length, bottom)) for edge in (left, right)]
    return found


def _words(painter: ImageDraw.ImageDraw, words: Words) -> None:
    place = words.x * _SCALE, words.y * _SCALE
    font = _font(_FONTS[words.equal, words.bold], words.size * _SCALE)
    painter.text(place, words.text, words.colour.light, font, _ANCHORS[words.anchor])


@lru_cache
def _font(names: tuple[str, ...], size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in names:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
