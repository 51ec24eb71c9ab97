"""Bounds of the numbers that files of any origin may hold.

Each becomes memory or time: of arrays, of loops, of a network. What is beyond is a slip of the
keyboard, or was written to do harm.
"""

MAX_INDEX = 9999
"""Of a slot, which is memory in every array of every step."""
MAX_NAME = 255
"""Characters of a name: of a robot, a joint, a topic, a file."""
MIN_RATE_HZ, MAX_RATE_HZ = 0.1, 1000.0
"""Steps per second."""
MAX_SIDE_PX = 4096
"""Of an image."""
MAX_STEPS = 10**7
"""Of an episode: a night at 100 Hz."""
MAX_HORIZON = 10_000
"""Steps that one prediction covers."""
MAX_OBSERVATION_STEPS = 1000
"""Newest steps that a policy reads."""
MAX_TEXT_BYTES = 1 << 16
"""Of a text."""
