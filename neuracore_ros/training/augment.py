"""Random changes of images in training: light, colours, what stands in the way, a moved camera."""

from __future__ import annotations

import numpy as np
import torch

from neuracore_ros.arrays import Array, FloatArray

# Brightness, contrast and saturation are multiplied by up to 1 + this, or by down to 1 - this.
# Hue stays, since a colour may say what to grasp.
JITTER = 0.3

# Sides of a block, as shares of the image: an eighth of it hides little, more hides the task.
LEAST_SIDE, MOST_SIDE = 0.12, 0.6


def draw_jitter(batch: int, cameras: int, rng: np.random.Generator) -> FloatArray:
    """Random factors of brightness, contrast and saturation, (B, K, 3)."""
    return rng.uniform(1 - JITTER, 1 + JITTER, (batch, cameras, 3))


def jitter(images: Array, factors: FloatArray) -> Array:
    """Change the light of each camera, alike in all of its steps.

    Args:
        images: uint8 (B, T, K, height, width, 3).
        factors: (B, K, 3).

    Returns:
        The same shape.
    """
    from torchvision.transforms.v2 import functional

    changed = np.empty_like(images)
    for b, k in np.ndindex(factors.shape[:2]):
        own = torch.from_numpy(images[b, :, k]).permute(0, 3, 1, 2)
        brightness, contrast, saturation = factors[b, k].tolist()
        own = functional.adjust_brightness(own, brightness)
        own = functional.adjust_contrast(own, contrast)
        own = functional.adjust_saturation(own, saturation)
        changed[b, :, k] = own.permute(0, 2, 3, 1).numpy()
    return changed


def draw_shift(batch: int, cameras: int, pixels: int, rng: np.random.Generator) -> Array:
    """Random moves down and to the right of at most ``pixels``, (B, K, 2)."""
    return rng.integers(-pixels, pixels + 1, (batch, cameras, 2))


def shift(images: Array, moves: Array) -> Array:
    """Move each camera's image, alike in all of its steps, its border repeated.

    Args:
        images: (B, T, K, height, width, 3), depths (B, T, K, height, width).
        moves: (B, K, 2), [px].

    Returns:
        The same shape.
    """
    height, width = images.shape[3:5]
    moved = np.empty_like(images)
    for b, k in np.ndindex(moves.shape[:2]):
        down, across = moves[b, k]
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + across, 0, width - 1)
        moved[b, :, k] = images[b, :, k].take(rows, 1).take(columns, 2)
    return moved


def draw_blocks(batch: int, cameras: int, most: int, rng: np.random.Generator) -> FloatArray:
    """Random blocks that hide parts of images, none to ``most`` of each, (B, K, most, 7).

    A block is top, left, bottom and right, as shares of height and width, and a colour. Half of
    them reach in from an edge, as arms do.
    """
    shape = (batch, cameras, most)
    sides = rng.uniform(LEAST_SIDE, MOST_SIDE, (*shape, 2))
    middles = rng.random((*shape, 2))
    edge, axis = rng.integers(2, size=shape), rng.integers(2, size=shape)
    at_edge = (rng.random(shape) < 0.5)[..., None] & (np.arange(2) == axis[..., None])
    middles = np.where(at_edge, edge[..., None], middles)
    is_there = np.arange(most) < rng.integers(most + 1, size=(batch, cameras))[..., None]
    sides = sides * is_there[..., None]
    colours = rng.integers(256, size=(*shape, 3))
    blocks: FloatArray = np.concatenate([middles - sides / 2, middles + sides / 2, colours], -1)
    return blocks


def occlude(images: Array, blocks: FloatArray) -> Array:
    """Lay blocks of one colour over each camera's image, alike in all of its steps.

    So a policy learns to do with the part of a picture that it sees, whatever stands before the
    rest ("random erasing", Zhong et al. 2020): another arm's hand, too.

    Args:
        images: uint8 (B, T, K, height, width, 3).
        blocks: (B, K, N, 7).

    Returns:
        The same shape.
    """
    height, width = images.shape[3:5]
    covered: Array = images.copy()
    sizes = np.array([height, width, height, width])
    for b, k, n in np.ndindex(blocks.shape[:3]):
        ends = np.clip(np.rint(blocks[b, k, n, :4] * sizes), 0, sizes).astype(int)
        top, left, bottom, right = ends.tolist()
        covered[b, :, k, top:bottom, left:right] = blocks[b, k, n, 4:]
    return covered
