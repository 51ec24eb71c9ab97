from glob import glob

from setuptools import find_packages, setup

package_name = 'neuracore_ros'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(include=[package_name, f'{package_name}.*']),
    package_data={package_name: ['py.typed', 'report/assets/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/launch', glob('launch/*.launch.py')),
        (f'share/{package_name}/config', glob('config/*.*')),
        (f'share/{package_name}/config/foxglove', glob('config/foxglove/*.json')),
        (f'share/{package_name}/config/mujoco', glob('config/mujoco/lift*')),
        (f'share/{package_name}/config/servers', glob('config/servers/*.server.yaml')),
    ],
    zip_safe=False,
    maintainer='neuracore_ros maintainers',
    maintainer_email='maintainers@neuracore-ros.org',
    description='One learned policy, many ROS 2 robots.',
    license='Apache-2.0',
    python_requires='>=3.10',
    # Those that are tested; from 3.14 on PyTorch does not support TorchScript.
    classifiers=[f'Programming Language :: Python :: 3.{minor}' for minor in (10, 11, 12, 13)],
    # An upper bound stands where a break is known or announced; what `make` installs is pinned in
    # constraints/, which `make lock` renews.
    install_requires=[
        'numpy>=1.26,<3',
        'pyyaml>=6,<7',
        'opencv-python-headless>=4.8,<6',
        # TorchScript, the format of policy files, is deprecated since 2.11 and may go in any
        # later version: this is the newest one on which all tests have passed.
        'torch>=2.3,<2.15',
    ],
    extras_require={
        # Kilted, for machines without a ROS 2; a sourced workspace shadows these.
        # The simulated robots need pin, too.
        'ros': ['ros-rclpy', 'ros-rmw-fastrtps-cpp', 'ros-common-interfaces', 'pin>=2.7,<5'],
        # The same of Jazzy.
        'jazzy': [
            'ros-jazzy-rclpy[fastrtps]',
            'ros-jazzy-common-interfaces',
            'ros-jazzy-nav-msgs',
            'ros-jazzy-sensor-msgs',
            'ros-jazzy-trajectory-msgs',
            'pin>=2.7,<5',
        ],
        # Arms in space: simulated robots, describe --like, layout with URDFs. pinocchio
        # (BSD-2; wheels for Linux and macOS). Beside a sourced ROS 2 the newest wheel would bring
        # NumPy 2: apt's pinocchio, which package.xml names, is for that.
        'kinematics': ['pin>=2.7,<5'],
        # Other runtimes of a policy, for robot computers.
        'onnx': ['onnxruntime'],
        'openvino': ['openvino'],
        # Policies on a server, and `serve`: openpi's protocol (websockets, BSD-3; its server and
        # client of asyncio, and proxy=, are there since 15; msgpack, Apache-2.0), GR00T's (pyzmq,
        # BSD-3).
        'remote': ['websockets>=15', 'msgpack>=1', 'pyzmq>=24'],
        # To write for them, and to read the weights of LeRobot's checkpoints.
        'export': ['onnx', 'onnxruntime', 'onnxscript', 'openvino', 'safetensors', 'torchvision'],
        # lz4 and zstd decompress bags; rosbags brings them, too.
        'train': [
            # Versions before 1 rename classes from one to the next.
            'rosbags>=0.10,<0.12',
            # From 26 on it refuses NumPy 1, which Ubuntu 24.04 has, without declaring it.
            'pyarrow<26',
            'av>=12,<19',
            'tensorboard',
            # ResNets, their weights of ImageNet, and changes of the light of images.
            'torchvision',
            'lz4',
            'backports.zstd; python_version < "3.14"',
        ],
        # profile: ruckig, jerk-limited motion (MIT; wheels for Linux, macOS and Windows).
        'ruckig': ['ruckig'],
        # Robots with hands in a physics engine (docs/mujoco.md): robosuite (MIT), MuJoCo
        # (Apache-2.0). Pinned, since newer MuJoCos break robosuite 1.5.2; that one brings mink,
        # which wants NumPy 1, which newer pyarrows refuse without declaring it.
        'mujoco': ['robosuite==1.5.2', 'mujoco==3.3.7', 'pyarrow<24'],
        # train in several processes, on one machine or many (Apache-2.0).
        'accelerate': ['accelerate'],
        # Rerun, a viewer of robot data in time (Apache-2.0 or MIT).
        'rerun': ['rerun-sdk'],
        # `align`, robots in a browser: viser (Apache-2.0; three.js and a web server in one wheel).
        # Panels that dock are there since 1.1. `watch`: rich (MIT).
        'see': ['viser>=1.1,<2', 'rich>=13', 'pin>=2.7,<5'],
        # convert --scheduler: recordings shared out over several computers.
        'dask': ['distributed'],
        # `make docs`.
        'docs': ['furo', 'myst-parser', 'sphinx'],
        'dev': [
            'accelerate',
            'colcon-core',
            'colcon-python-setup-py',
            'colcon-ros',
            'distributed',
            # URDFs of well-known robots, for the slots that their joints get (BSD-3 and others).
            'example-robot-data',
            'hypothesis',
            'mcap',
            # Reads our recordings without our code, as an independent judge of them.
            'mcap-ros2-support',
            'msgpack',
            'mypy',
            # `make matrix`: all Pythons and ROS 2 distributions.
            'nox[uv]',
            # All of `export`, so that no test of a runtime is skipped.
            'onnx',
            'onnxruntime',
            'onnxscript',
            'openvino',
            # Drives a Chromium that the machine has (Apache-2.0).
            'playwright',
            'pytest',
            # `make coverage` (MIT): what of the pure folders no test has run.
            'pytest-cov',
            # `make test` on several processors (MIT).
            'pytest-xdist',
            'pyzmq',
            'rerun-sdk',
            'rich>=13',
            'rosbags-image',
            'ruckig',
            'ruff',
            'safetensors',
            'types-PyYAML',
            'viser>=1.1,<2',
            'websockets>=15',
        ],
    },
    entry_points={
        'console_scripts': [
            'neuracore_ros = neuracore_ros.cli.main:main',
            'infer_node = neuracore_ros.node.infer_node:process',
            'sim_robot = neuracore_ros.sim.robot_node:main',
            'mujoco_robot = neuracore_ros.physics.robot_node:main',
        ],
    },
)
