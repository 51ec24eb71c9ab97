"""Command topics that are one on the graph, by a namespace or a remapping."""

from types import SimpleNamespace

import pytest

from neuracore_ros.errors import UserError
from neuracore_ros.node.outputs import require_apart


def node(**remapped):
    """A node in the namespace /left."""
    names = {'cmd_vel': '/left/cmd_vel', **remapped}
    return SimpleNamespace(resolve_topic_name=lambda topic: names.get(topic, topic))


def test_an_absolute_topic_that_is_a_relative_one_in_this_namespace_is_refused():
    with pytest.raises(UserError) as caught:
        require_apart(node(), ['cmd_vel', '/arm/go', '/left/cmd_vel'])
    assert str(caught.value) == (
        'commands to cmd_vel and to /left/cmd_vel are one topic here, /left/cmd_vel, by the '
        "node's namespace or a remapping: a topic carries one message"
    )


def test_a_remapping_onto_another_command_is_refused():
    with pytest.raises(UserError, match='commands to /arm/go and to turn are one topic here'):
        require_apart(node(turn='/arm/go'), ['/arm/go', 'turn'])


def test_topics_that_are_apart_are_taken():
    require_apart(node(), ['cmd_vel', '/arm/go', '/cmd_vel'])
