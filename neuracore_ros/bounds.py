"""Bounds of the numbers that files of any origin may hold.

Each number becomes memory or time of arrays, loops or a network. A larger one is a typing mistake,
or was written to do harm.
"""

MAX_INDEX = 9999
"""The largest index of a slot, which takes memory in every array of every step."""
MAX_NAME = 255
"""Most characters of a name of a robot, a joint, a topic or a file."""
MIN_RATE_HZ, MAX_RATE_HZ = 0.1, 1000.0
"""Steps per second."""
MAX_SIDE_PX = 4096
"""Longest side of an image."""
MAX_CROP_PX = 65_535
"""Farthest edge of a crop: no JPEG has a longer side."""
MAX_STEPS = 10**7
"""Longest episode: a night at 100 Hz."""
MAX_HORIZON = 10_000
"""Steps that one prediction covers."""
MAX_OBSERVATION_STEPS = 1000
"""Newest steps that a policy reads."""
MAX_TEXT_BYTES = 1 << 16
"""Longest text."""
