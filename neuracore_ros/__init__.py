"""One learned policy, many ROS 2 robots."""

__version__ = '0.1.0'
