"""`convert` and `evaluate` see a recording at the same ticks, whatever is in it."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.small_bags import Messages, at, write_bag
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.convert.cutting import WHOLE
from neuracore_ros.convert.recording import Recording
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import Descriptions, load_robot
from neuracore_ros.errors import BagError
from neuracore_ros.evaluation.bag_track import BagTrack
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

ARM = """
robot: arm
limits: {{a: {{position: none, velocity: 1.0}}, c: {{position: none, velocity: 1.0}}}}
{slots}
sources:
  JOINT_POSITIONS: {{topic: /joint_states, stamp: receive, max_age_s: {joints_s}}}
  JOINT_TARGET_POSITIONS: {{topic: /leader, type: JointState}}
  LANGUAGE: {{task: {{topic: /task}}}}
"""
TARGETS = """
output: {JOINT_TARGET_POSITIONS: {0: a, 1: c}}
commands: {JOINT_TARGET_POSITIONS: {topic: /t}}
"""
BOTH = """
output: {JOINT_TARGET_POSITIONS: {0: a}, JOINT_POSITIONS: {1: c}}
commands: {JOINT_TARGET_POSITIONS: {topic: /t}, JOINT_POSITIONS: {topic: /p}}
"""
JOINTS = 'input: {JOINT_POSITIONS: {0: a, 1: c}, LANGUAGE: {0: task}}'
# Joints that are no input are an output all the same, or are measured only to start the robot.
TASK = 'input: {LANGUAGE: {0: task}}'
SLOTS = [outputs + inputs for outputs in (TARGETS, BOTH) for inputs in (JOINTS, TASK)]
RATE_HZ = 5.0
SHORT_S = st.integers(0, 300).map(lambda ms: ms / 1000)
LONG_S = st.sampled_from([59.0, 60.1, 61.3, 80.0, 600.0])
# Joints come together or one by one, so that an observer may be complete late or never; the task
# is latched: it may come once, at any time, or not at all.
EVENT = st.sampled_from(['ac', 'ac', 'a', 'c', 'leader', 'leader', 'task', 'start', 'stop'])

FIRST = [('ac', 0.0), ('leader', 0.01), ('task', 0.01)]
# All streams are there at first, or each comes when it comes.
EVENTS = st.tuples(
    st.sampled_from([[], FIRST]),
    st.lists(st.tuples(EVENT, st.one_of(SHORT_S, SHORT_S, SHORT_S, LONG_S)), max_size=20),
    st.permutations([('ac', 0.1), ('leader', 0.1), ('task', 0.1)]),
).map(lambda parts: [event for part in parts for event in part])


def messages_of(events):
    """Messages of what comes, each so many seconds after the one before."""
    messages, made, now_s = Messages(), [], 0.0
    for number, (what, gap_s) in enumerate(events):
        now_s += gap_s
        now_ns, value = at(now_s), float(number)
        topic, message = {
            'leader': ('/leader', messages.joints(now_ns, a=value, c=-value)),
            'task': ('/task', messages.string('lift')),
            'start': ('/record/episode', messages.string('start')),
            'stop': ('/record/episode', messages.string('stop')),
        }.get(what, ('/joint_states', messages.joints(now_ns, **dict.fromkeys(what, value))))
        made.append((topic, message, now_ns))
    return made


def ticks_of_convert(bag, robot):
    """Times of all ticks that are looked at, and the rows of those that are usable."""
    described = Descriptions({robot.name: robot.input}, {robot.name: robot.output})
    recording = Recording(bag, robot, Metadata(RATE_HZ, (32, 32), described), WHOLE)
    times_ns = []
    tick = recording.audit.tick

    def noted(tick_ns, *observed):
        times_ns.append(tick_ns)
        return tick(tick_ns, *observed)

    recording.audit.tick = noted
    pieces = [list(piece) for piece in recording.pieces()]
    return times_ns, pieces


def ticks_of_evaluate(bag, robot):
    """The ticks that are replayed, and what was commanded at each."""
    slots = {kind: OutputSlots(2, (0, 1)) for kind in robot.output}
    manifest = Manifest(
        {kind: InputSlots(2, (0, 1)) for kind in robot.input if kind.is_numeric},
        slots,
        rate_hz=RATE_HZ,
        horizon=4,
    )
    topics = {source.topic: source.type for source in robot.input_sources()}
    track = BagTrack(bag, robot, manifest, topics, lambda part: None)
    ticks = list(track.play(lambda topic, message, receive_ns: None))
    return ticks, track.actions


@settings(max_examples=60, deadline=None)
@example([*FIRST, ('ac', 600.0), ('leader', 0.1), ('ac', 0.3)], SLOTS[0], 0.2)
@example([*FIRST, ('start', 0.3), ('ac', 0.3), ('stop', 0.3), ('ac', 61.0)], SLOTS[3], 30.0)
@given(EVENTS, st.sampled_from(SLOTS), st.sampled_from([0.2, 5.0, 30.0]))
def test_convert_and_evaluate_see_the_same_ticks_of_any_bag(events, slots, joints_s):
    with TemporaryDirectory() as folder:
        file = Path(folder) / 'arm.yaml'
        file.write_text(ARM.format(slots=slots, joints_s=joints_s))
        robot = load_robot(file)
        with open_bag(write_bag(f'{folder}/bag', messages_of(events))) as bag:
            try:
                times_ns, pieces = ticks_of_convert(bag, robot)
            except BagError as error:
                with pytest.raises(BagError, match=re.escape(str(error))):
                    ticks_of_evaluate(bag, robot)
                return
            ticks, actions = ticks_of_evaluate(bag, robot)
    assert times_ns == [tick.time_ns for tick in ticks]
    assert len(actions) == len(ticks)
    # Rows of one piece are ticks of one piece; the outputs are the same, where there are any.
    compared = ComparedSlots(robot)
    rows = {row.tick_ns: row for piece in pieces for row in piece}
    numbers = {tick.time_ns: tick.piece for tick in ticks}
    assert all(len({numbers[row.tick_ns] for row in piece}) == 1 for piece in pieces)
    for tick, action in zip(ticks, actions, strict=True):
        wanted = np.full(action.shape, np.nan)
        if row := rows.get(tick.time_ns):
            valid = compared.of_slots(row.output_valid).astype(bool)
            wanted = np.where(valid, compared.of_slots(row.outputs), np.nan)
        np.testing.assert_array_equal(action, wanted)
