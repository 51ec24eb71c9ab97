"""Features of LeRobot datasets as topics: of sources, and of nothing that is sent."""

import pytest

from helpers.lerobot_arm import write_robot
from neuracore_ros.description import load_robot
from neuracore_ros.errors import DescriptionError


def test_a_feature_is_the_topic_of_a_source(tmp_path):
    robot = load_robot(write_robot(tmp_path))
    assert {source.topic for source in (*robot.input_sources(), *robot.output_sources())} == {
        'observation.state',
        'observation.images.front',
        'action',
    }


def test_nothing_is_sent_to_a_feature(tmp_path):
    path = write_robot(tmp_path, **{'/arm/joint_trajectory': 'observation.state'})
    with pytest.raises(DescriptionError, match='is a feature of a LeRobot dataset, and no ROS'):
        load_robot(path)


@pytest.mark.parametrize('topic', ['observation.', '.state', 'a..b', '/a.b', 'a.b/c', 'a b.c'])
def test_what_is_neither_a_feature_nor_a_topic_is_refused(tmp_path, topic):
    path = write_robot(tmp_path, **{'topic: observation.images.front': f"topic: '{topic}'"})
    with pytest.raises(DescriptionError, match='is no ROS topic name'):
        load_robot(path)
