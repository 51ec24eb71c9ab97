"""Requests to a node that takes its time: what is still sent once its answer comes."""

import threading

import pytest

rclpy = pytest.importorskip('rclpy')

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters
from std_srvs.srv import SetBool, Trigger

from helpers.spinning import Spinning
from helpers.waiting import wait_until
from neuracore_ros.watch.link import Link
from neuracore_ros.watch.requests import NodeRequest

NAME = '/slow/infer'
WORDS = {Transition.TRANSITION_CONFIGURE: 'configure', Transition.TRANSITION_ACTIVATE: 'activate'}


class SlowNode(Spinning):
    """A node that, as the real one, does nothing else while it configures or activates.

    Attributes:
        asked: What it was asked for, in the order in which it did it.
        may: Word of a transition -> set once that may end.
    """

    def __init__(self):
        super().__init__()
        self.asked = []
        self.may = {word: threading.Event() for word in WORDS.values()}
        node = self.create('infer', namespace='slow', start_parameter_services=False)
        node.create_service(ChangeState, '~/change_state', self._change)
        node.create_service(SetBool, '~/enable', self._enable)
        node.create_service(SetBool, '~/takeover', self._enable)
        node.create_service(Trigger, '~/reset', lambda request, response: response)
        node.create_service(GetParameters, '~/get_parameters', lambda request, response: response)
        self.add(node)

    def _change(self, request, response):
        word = WORDS[request.transition.id]
        self.asked.append(f'{word}s')
        response.success = self.may[word].wait(60.0)
        self.asked.append(f'{word}d')
        return response

    def _enable(self, request, response):
        self.asked.append('enable' if request.data else 'disable')
        response.success = 'activated' in self.asked
        return response


class Asking:
    """Whoever asks, and what is answered."""

    def __init__(self):
        self.slow, self.said = SlowNode(), []
        self._own = Spinning()
        self._node = self._own.create('asks')
        self.link = Link(self._node, ['slow'], lambda name, text: self.said.append(text))
        self._executor = rclpy.executors.SingleThreadedExecutor(context=self._own.context)
        self._executor.add_node(self._node)
        self.until(lambda: self.link.views()[0].answers, 'an answer')

    def until(self, condition, what):
        def happened():
            self._executor.spin_once(timeout_sec=0.02)
            self.link.refresh()
            return condition()

        wait_until(happened, 60.0, lambda: f'{what}; {self.slow.asked}, {self.said}', every_s=0.0)

    def until_asked(self, word):
        self.until(lambda: word in self.slow.asked, word)

    def until_said(self, text):
        self.until(lambda: any(text in said for said in self.said), text)

    def close(self):
        for event in self.slow.may.values():
            event.set()
        self._executor.shutdown()
        self._node.destroy_node()
        self._own.close()
        self.slow.close()


@pytest.fixture
def asking(domain):
    asking = Asking()
    yield asking
    asking.close()


def test_a_node_that_is_stopped_while_it_configures_is_not_activated(asking):
    asking.link.send(NAME, NodeRequest.ACTIVATE)
    asking.until_asked('configures')
    asking.link.send(NAME, NodeRequest.DISABLE)
    asking.slow.may['configure'].set()
    asking.until_said('configured, and not activated')
    assert 'activates' not in asking.slow.asked
    # Whoever asks again means it.
    asking.slow.may['activate'].set()
    asking.link.send(NAME, NodeRequest.ACTIVATE)
    asking.until(lambda: asking.said[-1] == 'activated', 'the activation')


def test_a_node_that_is_stopped_while_it_activates_is_stopped_afterwards(asking):
    asking.slow.may['configure'].set()
    asking.link.send(NAME, NodeRequest.ACTIVATE)
    asking.until_asked('activates')
    asking.link.send(NAME, NodeRequest.DISABLE)
    asking.slow.may['activate'].set()
    asking.until(lambda: asking.slow.asked.count('disable') == 2, 'a second stop')


def test_who_was_suspended_meanwhile_activates_nothing(asking):
    asking.link.send(NAME, NodeRequest.ACTIVATE)
    asking.until_asked('configures')
    asking.link.excuse()
    asking.slow.may['configure'].set()
    asking.until_said('configured, and not activated')
    assert 'activates' not in asking.slow.asked
