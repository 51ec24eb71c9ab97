"""ROS arguments that rclpy refuses in its own words, or passes over without one."""

import pytest

pytest.importorskip('rclpy')

from rclpy.utilities import remove_ros_args

from neuracore_ros.node.ros_arguments import refusal, unused_parameter_files


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        ('model:=p.pt', "'model:=p.pt' has no -p: write -p model:=p.pt"),
        (
            'model:=p.pt -p dry_run:=true robot:=ur5',
            "'model:=p.pt robot:=ur5' has no -p: write -p model:=p.pt -p robot:=ur5",
        ),
        ('model=p.pt', "'model=p.pt' is no ROS argument; see infer_node --help"),
    ],
)
def test_words_without_a_flag_are_told_with_the_flag_to_write(words, says):
    with pytest.raises(RuntimeError) as raised:
        remove_ros_args(['infer_node', '--ros-args', *words.split()])
    assert refusal(raised.value) == says


@pytest.mark.parametrize(
    ('top', 'node', 'used'),
    [
        ('infer', '/infer', True),
        ('infer', '/left/infer', False),
        ('/left/infer', '/left/infer', True),
        ('/**/infer', '/left/infer', True),
        ('/**/infer', '/infer', True),
        ('/*/infer', '/infer', False),
        ('/**', '/left/infer', True),
        ('inferr', '/infer', False),
    ],
)
def test_a_parameter_file_for_another_node_is_told(tmp_path, top, node, used):
    file = tmp_path / 'params.yaml'
    file.write_text(f"'{top}':\n  ros__parameters: {{model: policy.pt}}\n")
    lines = unused_parameter_files(['infer_node', '--ros-args', '--params-file', str(file)], node)
    told = f'{file}: has parameters of /{top.strip("/")} only, so nothing in it is used by {node}'
    assert lines == ([] if used else [f'{told}: write {node}: or /**: at its top'])


def test_namespaces_of_a_parameter_file_may_be_nested(tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        'left: {infer: {ros__parameters: {model: policy.pt}}, arm: {ros__parameters: {}}}'
    )
    words = ['--params-file', str(file)]
    assert unused_parameter_files(words, '/left/infer') == []
    (line,) = unused_parameter_files(words, '/right/infer')
    assert 'has parameters of /left/infer, /left/arm only' in line
