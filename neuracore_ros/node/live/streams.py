"""Judgements on the streams of a running graph; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neuracore_ros.description.source import JOINT_STATE
from neuracore_ros.description.source_options import TELEOP
from neuracore_ros.description.units import far_outside, likely_units
from neuracore_ros.node.contention import contention
from neuracore_ros.node.live.facts import (
    CheckResult,
    ClockFacts,
    MeasuredJoint,
    StreamFacts,
    abbreviated,
    error,
    listed,
    ok,
    warning,
)
from neuracore_ros.node.live.timing import check_loss, check_rate, check_stamps, cure_of_loss
from neuracore_ros.similar_names import namespace_of

NAMESPACE_OPTION = '--namespace '
"""The namespace option of verbs; nodes have another one."""


def check_stream(
    facts: StreamFacts, clock: ClockFacts, rate_hz: float | None
) -> Iterator[CheckResult]:
    """Check one declared topic.

    Args:
        facts: What was found.
        clock: What is known of /clock.
        rate_hz: Of the policy; None where that is not known.

    Yields:
        At least one line. Of a topic that the policy does not read, errors are warnings.
    """
    for line in _checked(facts, clock, rate_hz):
        if line.level == 'error' and not facts.needed:
            why = 'the policy does not read it'
            if facts.sources[0].section == TELEOP:
                why = 'needed where a human takes over'
            yield warning(f'{line.text} ({why})')
        else:
            yield line


def check_joints(joints: Sequence[MeasuredJoint], robot_file: str) -> list[CheckResult]:
    """Check the commanded joints against their position limits."""
    outside: dict[str, list[MeasuredJoint]] = {}
    for measured in joints:
        limit = measured.joint.limit
        if not limit.lower <= measured.position <= limit.upper:
            outside.setdefault(_mend_position(measured, robot_file), []).append(measured)
    lines = []
    for mend, (first, *others) in outside.items():
        limit = first.joint.limit
        more = ', '.join(f"'{each.joint.name}' at {each.position:.4g}" for each in others)
        lines.append(
            error(
                f"{first.topic}: '{first.joint.name}' is at {first.position:.4g}, outside its "
                f'position limits [{limit.lower:.4g}, {limit.upper:.4g}]: {mend}'
                + (f' (likewise {more})' if more else '')
            )
        )
    if joints and not lines:
        all_of_them = f'all {len(joints)} commanded joints are within their limits'
        one = f"the commanded joint '{joints[0].joint.name}' is within its limits"
        lines.append(ok(all_of_them if joints[1:] else one))
    return lines


def _mend_position(measured: MeasuredJoint, robot_file: str) -> str:
    """The cure for a joint outside its limits, with the unit that it may be in."""
    joint, limit = measured.joint, measured.joint.limit
    span, ends = (measured.position, measured.position), (limit.lower, limit.upper)
    is_far = far_outside(span, ends, limit.slides) and not joint.data_type.is_gripper
    units = likely_units(span, ends, limit.slides) if is_far else ()
    if units:
        first, *others = units
        options = first.options(joint.scale, joint.offset)
        told = f'in {first.name}? Write under sources of {robot_file}: '
        told += f'{joint.data_type.measured}: {{{options}}}'
        # Their scales differ from joint to joint; `check --bag` writes out each.
        return told + ''.join(f'; or in {unit.name}' for unit in others)
    return f'correct the limits, scale or offset in {robot_file}, or move the joint back'


def _checked(
    facts: StreamFacts, clock: ClockFacts, rate_hz: float | None
) -> Iterator[CheckResult]:
    if facts.is_commanded and not facts.publishers:
        yield ok(
            f'{facts.topic}: nobody commands it now, as the node will; until the first command '
            'the hand counts as open'
        )
        return
    if lines := check_publishers(facts):
        yield from lines
        if any(line.level == 'error' for line in lines):
            return
    if facts.is_static or all(source.max_age_s is None for source in facts.sources):
        yield _lasting(facts)
        yield from (error(text) for text in facts.faults)
        return
    if facts.arrivals.count < 2:
        yield _silent(facts)
        return
    times = []
    # Drivers that share a topic have stamps and rates of their own.
    for each in facts.apart() or (facts,):
        if each.arrivals.count < 2:
            yield _silent(each)
            continue
        times += list(check_stamps(each, clock))
        yield from check_rate(each, clock.domain, rate_hz)
    yield from times
    if facts.by_names and (loss := check_loss(facts)):
        yield loss
    # A wrong clock has been explained; that each name is then refused says nothing more.
    if not any(line.level == 'error' for line in times):
        yield from (error(text) for text in facts.faults)


def did_you_mean_topic(topic: str, similar: Sequence[str], namespace_option: str) -> str:
    """The end of a line about a topic without endpoints.

    Args:
        topic: As declared.
        similar: Full names of similar topics with endpoints, the most similar first.
        namespace_option: How a namespace is given, such as ``--namespace=``.
    """
    if not similar:
        return ''
    if (namespace := namespace_of(topic, similar[0])) is not None:
        option = namespace_option.rstrip(' :=')
        meant = f'{namespace_option}{namespace}' if namespace else f'to leave {option} out'
    else:
        meant = similar[0]
    others = f' There are also {", ".join(similar[1:])}.' if similar[1:] else ''
    return f'; did you mean {meant}?{others}'


def check_publishers(
    facts: StreamFacts, namespace_option: str = NAMESPACE_OPTION
) -> list[CheckResult]:
    """Check the publishers of a topic; empty if they are as expected."""
    source = facts.sources[0]
    if not facts.publishers:
        kinds = dict.fromkeys(s.data_type for s in facts.sources)
        named = {k: [s.name for s in facts.sources if s.data_type is k] for k in kinds}
        what = ', '.join(f'{kind} {abbreviated(names)}' for kind, names in named.items())
        meant = did_you_mean_topic(source.topic, facts.similar, namespace_option)
        commanded = all(s.reads_commands for s in facts.sources)
        who = 'what commands the robot' if commanded else 'its driver'
        cure = meant or f': start {who}, or correct topic in {source.section}'
        return [error(f'{facts.topic} ({what}): nobody publishes it{cure}')]
    lines = []
    for publisher in facts.publishers:
        if publisher.type != source.type:
            lines.append(
                error(
                    f'{facts.topic}: {publisher.node} sends {publisher.type}, the robot file '
                    f'expects {source.type}; write under {source.section}: {source.data_type}: '
                    f'{{topic: {source.topic}, type: {publisher.type}}}'
                )
            )
        elif publisher.refusal:
            lines.append(
                error(
                    f'{facts.topic}: {publisher.node} offers {publisher.reliability}, which our '
                    f'subscription does not accept ({publisher.refusal}); write in its source: '
                    'qos: {reliability: match}'
                )
            )
    return lines or _several(facts)


def _several(facts: StreamFacts) -> list[CheckResult]:
    """Check several publishers of one topic: harmless only if their joints differ."""
    publishers = facts.publishers
    nodes = [publisher.node for publisher in publishers]
    kind = facts.sources[0].type
    several = contention(kind, nodes, facts.name_sets)
    if not several:
        shared = len(nodes) > 1 and kind == JOINT_STATE
        shared_line = f'{facts.topic}: {", ".join(nodes)} share it, each with its own joints'
        return [ok(shared_line)] if shared else []
    mixed = len({publisher.reliability for publisher in publishers}) > 1
    also = '; one is reliable, one best effort: all are heard as best effort' if mixed else ''
    return [
        error(
            f'{facts.topic}: {several}; the values would jump between them: end all but one{also}'
        )
    ]


def _lasting(facts: StreamFacts) -> CheckResult:
    """Check a stream whose last message holds until there is another."""
    who, count = listed(facts.publishers), facts.arrivals.count
    if count:
        return ok(f'{facts.topic}: {who} publishes it; messages that came: {count}')
    if all(source.follow_s is not None for source in facts.sources):
        return ok(f'{facts.topic}: {who} publishes it; before a command the hand counts as open')
    return warning(
        f'{facts.topic}: {who} publishes it, but no message came: the node waits for one'
    )


def _silent(facts: StreamFacts) -> CheckResult:
    who, count = listed(facts.publishers), facts.arrivals.count
    came = 'no message' if count == 0 else 'one message only'
    lost = ''
    if facts.arrivals.lost:
        lost = f', {facts.arrivals.lost} were lost on the way: {cure_of_loss(facts)}'
    cure = lost or ': is its driver running, and in the same ROS_DOMAIN_ID and network?'
    return error(f'{facts.topic}: {who} publishes it, but {came} came{cure}')
