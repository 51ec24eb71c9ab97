"""Robot files: the data of a robot in the index space of a model."""

from neuracore_ros.description.command import Command, Joint
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.descriptions import Descriptions, load_descriptions
from neuracore_ros.description.direct import DirectCommand, DirectSlot
from neuracore_ros.description.embodiment import (
    CrossEmbodimentDescription,
    EmbodimentDescription,
    Slots,
    embodiment,
    plain,
)
from neuracore_ros.description.layout import Layout, pad, unpad
from neuracore_ros.description.limits import JointLimit
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.robot_file import load_robot
from neuracore_ros.description.source import Source
from neuracore_ros.errors import DescriptionError

__all__ = [
    'Command',
    'CrossEmbodimentDescription',
    'DataType',
    'DescriptionError',
    'Descriptions',
    'DirectCommand',
    'DirectSlot',
    'EmbodimentDescription',
    'Joint',
    'JointLimit',
    'Layout',
    'Robot',
    'Slots',
    'Source',
    'embodiment',
    'load_descriptions',
    'load_robot',
    'pad',
    'plain',
    'unpad',
]
