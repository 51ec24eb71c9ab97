"""What of the environment is refused before rclpy is there to fail at it."""

import pytest

pytest.importorskip('rclpy')

from neuracore_ros.errors import UserError
from neuracore_ros.node.environment import require_ros


@pytest.mark.parametrize('domain', ['abc', '-1', '233', '1.5', '٣x'])
def test_a_domain_that_is_none_is_refused_in_one_line(domain, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', domain)
    with pytest.raises(UserError, match=r'^ROS_DOMAIN_ID .* is none: it is a number from 0'):
        require_ros()


@pytest.mark.parametrize('domain', ['', '0', '232', ' 7'])
def test_a_domain_that_is_one_is_taken(domain, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', domain)
    require_ros()
