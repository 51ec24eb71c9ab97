"""Measure how much disk a minute of recording and of a dataset takes, by camera.

The scene is drawn: a table of random texture, a lamp whose brightness drifts, two bodies that move
as hands do, and the noise of a sensor, three grey levels (standard deviation) as of a good webcam
by day, or six as in the evening. Noise decides the size of a video, so both are shown. JPEG has
the quality 95, the default of compressed_image_transport; videos are those that `convert` writes.
Joints are arithmetic: seven at 100 Hz.

    python experiments/disk.py [--seconds 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.dataset.video import VideoWriter
from neuracore_ros.observation.resize import resize_pad

CAMERA_HZ, POLICY_HZ = 30.0, 20.0
SIZE = (480, 640)
MODEL_SIZES = ((224, 224), (480, 640))
NOISES = (3.0, 6.0)
JPEG_QUALITY = 95
JOINTS, JOINT_HZ = 7, 100.0
MB = 1e6


def frames(seconds: float, rate_hz: float, noise: float) -> Iterator[ByteArray]:
    """Draw the scene, RGB of `SIZE`."""
    random = np.random.default_rng(0)
    height, width = SIZE
    coarse = random.uniform(60.0, 200.0, (30, 40, 3)).astype(np.float32)
    fine = random.normal(0.0, 12.0, (height, width, 3)).astype(np.float32)
    table = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    table = table + cv2.GaussianBlur(fine, (3, 3), 0)
    for i in range(round(seconds * rate_hz)):
        t = i / rate_hz
        image = table * (1.0 + 0.03 * np.sin(0.4 * t))
        for phase, colour in ((0.0, (220, 60, 40)), (2.0, (40, 90, 210))):
            x = int(width * (0.5 + 0.35 * np.sin(0.9 * t + phase)))
            y = int(height * (0.5 + 0.3 * np.sin(0.7 * t + 2 * phase)))
            cv2.rectangle(image, (x - 30, y - 90), (x + 30, y + 90), colour, -1)
            cv2.circle(image, (x, y + 90), 45, colour, -1)
        image = image + random.normal(0.0, noise, image.shape).astype(np.float32)
        yield np.clip(image, 0, 255).astype(np.uint8)


def jpeg_bytes(image: ByteArray) -> int:
    """Size of a compressed image, as image_transport sends it."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return len(cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1])


def measure(seconds: float, noise: float) -> dict[str, float]:
    """What one camera takes, in MB a minute."""
    sizes = [jpeg_bytes(image) for image in frames(min(seconds, 3.0), CAMERA_HZ, noise)]
    found = {'JPEG topic': 60.0 * CAMERA_HZ * float(np.mean(sizes)) / MB}
    for size in MODEL_SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'camera.mp4'
            writer = VideoWriter(path, POLICY_HZ, size)
            for image in frames(seconds, POLICY_HZ, noise):
                writer.add(resize_pad(image, size))
            writer.close()
            found[f'video {size[1]}x{size[0]}'] = 60.0 / seconds * path.stat().st_size / MB
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--seconds', type=float, default=20.0, help='of each video')
    parser.add_argument('--json', action='store_true', help='print JSON')
    arguments = parser.parse_args()
    raw = 60.0 * CAMERA_HZ * SIZE[0] * SIZE[1] * 3 / MB
    # A JointState with names of 12 letters: positions, velocities, efforts, and its header.
    joints = 60.0 * JOINT_HZ * (JOINTS * (3 * 8 + 20) + 60) / MB
    found = {f'noise {noise:g}': measure(arguments.seconds, noise) for noise in NOISES}
    cached = {
        f'cache {width}x{height}': 60.0 * POLICY_HZ * height * width * 3 / MB
        for height, width in MODEL_SIZES
    }
    if arguments.json:
        print(json.dumps({'raw topic': raw, 'joints': joints, **cached, **found}, indent=2))
        return
    print(f'MB a minute: joints {joints:.1f}')
    for cameras in (1, 2, 3):
        print(f'{cameras} camera{"s"[: cameras > 1]}')
        print(f'  raw topic 640x480, 30 Hz      {cameras * raw:9.0f}')
        for name, each in found.items():
            for what, size in each.items():
                print(f'  {what + ", " + name:29} {cameras * size:9.0f}')
        for what, size in cached.items():
            print(f'  {what:29} {cameras * size:9.0f}')


if __name__ == '__main__':
    main()
