"""A robot file for the small LeRobot datasets: two of their joints, in degrees, and a camera."""

ROBOT = """
robot: so101
limits:
  shoulder_pan: {position: [-1.92, 1.92], velocity: 10.0}
  elbow_flex: {position: [-1.75, 1.75], velocity: 10.0}
input:
  JOINT_POSITIONS: {0: shoulder_pan, 2: elbow_flex}
  RGB_IMAGES: {1: front}
output: {JOINT_TARGET_POSITIONS: {0: shoulder_pan, 2: elbow_flex}}
sources:
  JOINT_POSITIONS: {topic: observation.state, names: NAMES, scale: 0.017453292519943295}
  JOINT_TARGET_POSITIONS: {topic: action, names: NAMES, scale: 0.017453292519943295}
  RGB_IMAGES: {front: {topic: observation.images.front}}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
""".replace('NAMES', '{shoulder_pan: shoulder_pan.pos, elbow_flex: elbow_flex.pos}')


def write_robot(folder, **replaced):
    """Write the robot file, with texts replaced; gives its path."""
    text = ROBOT
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / 'so101.yaml'
    path.write_text(text)
    return path


def convert_words(data, robot, *sources):
    """The command that converts datasets at their own rate and size, short episodes too."""
    words = [data, *sources, '--description', robot, '--rate-hz', 30, '--image-size', '64x48']
    return ['convert', *map(str, words), '--min-steps', '3']
