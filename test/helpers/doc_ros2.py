"""The part of the `ros2` command that the documentation uses: PyPI has no ros2cli and no launch.

`ros2 launch` and `ros2 run` end as the programs that they start; the rest is written on rclpy.
"""

import importlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import yaml
from from_code import launch_arguments

from helpers.doc_server import PROGRAMS

PATIENCE_S = 30.0


def ros2(words):
    kind, *rest = words
    if kind == 'launch':
        return run('infer_node', launch(rest))
    if kind == 'run':
        package, executable, *arguments = rest
        assert package == 'neuracore_ros', words
        return run(executable, arguments)
    import rclpy

    rclpy.init()
    node = rclpy.create_node('ros2cli')
    try:
        {'service': service, 'topic': topic, 'param': param, 'lifecycle': lifecycle}[kind](
            node, *rest
        )
    finally:
        node.destroy_node()
        rclpy.shutdown()
    return 0


def run(executable, arguments):
    """Be that program; in the foreground a person ends it after a while."""
    if executable != 'infer_node':
        sys.argv = [executable, *arguments]
        return importlib.import_module(PROGRAMS[executable]).main()
    # One that was forked with the libraries of all others does not come to its end.
    command = [sys.executable, '-m', 'neuracore_ros.node.infer_node', *arguments]
    if 'DOC_FOREGROUND_S' not in os.environ:
        os.execv(command[0], command)
    node = subprocess.Popen(command)
    with suppress(subprocess.TimeoutExpired):
        return node.wait(float(os.environ['DOC_FOREGROUND_S']))
    node.send_signal(signal.SIGINT)
    return node.wait()


def launch(words):
    """Turn arguments as the launch file does; refuse the same ones."""
    package, file, *given = words
    assert (package, file) == ('neuracore_ros', 'infer.launch.py'), words
    known, parameters = launch_arguments(), ['--ros-args']
    for word in given:
        name, is_given, value = word.partition(':=')
        assert is_given and name in known, f'{word}: the launch file has {", ".join(known)}'
        assert not known[name][1] or value in known[name][1], word
        if name == 'params_file':
            parameters += ['--params-file', value]
        elif name == 'namespace':
            parameters += ['-r', f'__ns:=/{value.lstrip("/")}']
        elif name == 'log_level':
            parameters += ['--log-level', value]
        else:
            parameters += ['-p', f'{name}:={value}']
    return parameters


def call(node, kind, name, fields):
    import rclpy

    client = node.create_client(kind, name)
    assert client.wait_for_service(PATIENCE_S), f'no service {name}'
    # It knows the service; the service may not know it yet, and its answer would be lost.
    time.sleep(0.2)
    request = kind.Request()
    for key, value in fields.items():
        setattr(request, key, value)
    answer = client.call_async(request)
    rclpy.spin_until_future_complete(node, answer, timeout_sec=PATIENCE_S)
    assert answer.done(), f'{name} does not answer'
    return answer.result()


def interface(name):
    package, kind, word = name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), word)


def service(node, verb, name, kind, request='{}'):
    assert verb == 'call'
    answer = call(node, interface(kind), name, yaml.safe_load(request))
    print(answer)
    assert answer.success, answer.message


def topic(node, verb, *words):
    import rclpy

    assert verb == 'echo' and '--once' in words, words
    (name,) = (word for word in words if word != '--once')
    end_s, heard = time.monotonic() + PATIENCE_S, []
    while not heard:
        assert time.monotonic() < end_s, f'nothing on {name}'
        rclpy.spin_once(node, timeout_sec=0.1)
        kinds = dict(node.get_topic_names_and_types()).get(name)
        if kinds and not node.count_subscribers(name):
            node.create_subscription(interface(kinds[0]), name, heard.append, 10)
    print(heard[0])


def param(node, verb, name, parameter):
    from rcl_interfaces.srv import DescribeParameters

    assert verb == 'describe'
    answer = call(node, DescribeParameters, f'{name}/describe_parameters', {'names': [parameter]})
    assert answer.descriptors[0].description, f'{name} has no parameter {parameter}'
    print(answer.descriptors[0].description)


def lifecycle(node, verb, name, transition):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    assert verb == 'set'
    number = getattr(Transition, f'TRANSITION_{transition.upper()}')
    answer = call(node, ChangeState, f'{name}/change_state', {'transition': Transition(id=number)})
    assert answer.success, f'{name} does not {transition}'


def main():
    return ros2(sys.argv[1:])
