"""The topics of a robot, and how they are subscribed to."""

import pytest

pytest.importorskip('rclpy')

from helpers.lerobot_arm import write_robot
from neuracore_ros.description import load_robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.node.topics import RECORD_DEPTHS, declared_topics

ROBOT = """robot: frames
input: {POSES: [cup, dish]}
output: {}
sources:
  POSES:
    cup: {topic: /frames, type: TFMessage, parent: base}
    dish: {topic: /camera/not_tf_static, type: PoseStamped}
"""


def test_what_is_published_once_is_known_by_what_it_is_not_by_its_name(tmp_path):
    (tmp_path / 'robot.yaml').write_text(ROBOT)
    topics = declared_topics(load_robot(tmp_path / 'robot.yaml').input_sources(), RECORD_DEPTHS)
    assert {name: topic.latched for name, topic in topics.items()} == {
        '/frames': False,
        '/frames_static': True,
        '/camera/not_tf_static': False,
    }


def test_a_feature_of_a_dataset_is_no_topic_to_subscribe_to(tmp_path):
    sources = load_robot(write_robot(tmp_path)).input_sources()
    with pytest.raises(DescriptionError, match='is read from observation.state, a feature') as why:
        declared_topics(sources, RECORD_DEPTHS)
    assert str(why.value).endswith("write the robot's topic under sources")
