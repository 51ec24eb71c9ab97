"""The robots of the two public design notes, and a whole robot file to spoil."""

FORM_A = """
snake: {JOINTS: [spine_1, spine_2, spine_3, head], RGB_IMAGES: [left_eye, right_eye]}
cyclops: {JOINTS: [leg_1, leg_2, arm_1, arm_2, head], RGB_IMAGES: [eye]}
"""
BAT = 'bat: {JOINTS: [wing_1, wing_2, head]}'
SPIDER = 'spider: {RGB_IMAGES: [e0, e1, e2, e3, e4, e5, e6, e7]}'

FORM_B = """
franka:
  JOINT_POSITIONS: {0: f_base, 1: f_joint_1, 2: f_joint_2, 3: f_joint_3, 4: f_joint_4,
    5: f_joint_5, 6: f_wrist}
  RGB_IMAGES: {0: f_wrist_camera, 1: f_overhead_camera}
ur5:
  JOINT_POSITIONS: {0: ur5_base, 1: ur5_1, 2: ur5_2, 3: ur5_3, 4: ur5_4, 6: ur5_wrist}
  RGB_IMAGES: {1: ur5_overhead_camera}
"""
SO100 = """
so100:
  JOINT_POSITIONS: {0: joint_1, 1: joint_2, 2: joint_3, 3: joint_4, 6: wrist}
  RGB_IMAGES: {1: so100_overhead_camera}
"""

ROBOT = """\
robot: one
limits:
  base: {position: [-1.0, 1.0], velocity: 2.0}
  wrist: {position: none, velocity: 3.0, acceleration: 4.0}
input:
  JOINT_POSITIONS: {0: base, 2: wrist}
  RGB_IMAGES: {1: eye}
output:
  JOINT_TARGET_POSITIONS: {0: base, 2: wrist}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  RGB_IMAGES:
    eye: {topic: /eye/compressed}
  JOINT_TARGET_POSITIONS: {topic: /command}
commands:
  JOINT_TARGET_POSITIONS: {topic: /command}
"""

ONE_JOINT = """robot: ur5
limits: {elbow: {position: [-3.14, 3.14], velocity: 3.15}}
input:
  JOINT_POSITIONS: {0: elbow}
output:
  JOINT_TARGET_POSITIONS: {0: elbow}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
commands:
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
"""
