"""Messages and views of nodes, as tests of ``watch`` show them to a person."""

from types import SimpleNamespace

from neuracore_ros.control import Control
from neuracore_ros.watch.report import NodeReport
from neuracore_ros.watch.watched import NodeParameters, NodeView, OnGraph, Presence

ENABLE = "waits for: ros2 service call /infer/enable std_srvs/srv/SetBool '{data: true}'"
BY_ITSELF = 'goes on by itself when this is over'
TOPIC = '/arm_controller/joint_trajectory'


def status(name, message='', level=b'\x00', robot='ur5', **values):
    """A DiagnosticStatus."""
    pairs = [SimpleNamespace(key=key, value=str(value)) for key, value in values.items()]
    return SimpleNamespace(
        name=name, message=message, level=level, hardware_id=robot, values=pairs
    )


def diagnostics(*streams, node='/infer', robot='ur5', state='RUNNING', reason='', then='', **more):
    """A DiagnosticArray of a node."""
    values = {'state': state, 'reason': reason, 'next': then, 'commander': 'nobody', 'node': node}
    first = status('infer: inference', state, robot=robot, **{**values, **more})
    return SimpleNamespace(status=[first, *streams])


def stream(topic='/joint_states', rate_hz='100.0', age_s='0.010', drops='0', **more):
    """A DiagnosticStatus of an input topic."""
    return status(f'infer: {topic}', rate_hz=rate_hz, age_s=age_s, drops=drops, **more)


def view(
    state='RUNNING',
    reason='',
    then='',
    name='/infer',
    presence=Presence.HEARD,
    since_s=0.0,
    control=None,
    twins=1,
    dry_run=False,
    streams=(),
    log=(),
    answers=True,
    **more,
):
    """A view of a node; of one that waits for ``activate``, with that as what comes ``then``."""
    message = diagnostics(*streams, node=name, state=state, reason=reason, then=then, **more)
    there = presence not in (Presence.ABSENT, Presence.GONE)
    heard = presence in (Presence.HEARD, Presence.SILENT, Presence.GONE)
    return NodeView(
        name,
        presence,
        since_s,
        NodeReport.from_message(message) if heard else None,
        Control.from_text(control) if control else None,
        NodeParameters('policy.pt', 'ur5.yaml', dry_run) if heard else None,
        OnGraph(presence is not Presence.UNCONFIGURED, twins, (TOPIC,)) if there else None,
        tuple(log),
        answers,
    )
