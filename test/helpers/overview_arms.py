"""Two robots of three joints, drawn in other poses, for what is said of a layout."""

from pathlib import Path

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description import DataType, load_descriptions
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots

POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
RGB = DataType.RGB_IMAGES

JOINT = (
    '<joint name="{name}" type="revolute"><parent link="{after}"/><child link="{name}"/>'
    '<origin xyz="{xyz}"/><axis xyz="{axis}"/>'
    '<limit lower="{low}" upper="{high}" velocity="1"/></joint>'
)


def urdf(*joints: tuple[str, str, str], limit: tuple[float, float] = (-1.5, 1.5)) -> str:
    """Joints one upon the other: name, where, axis; a tool of 0.2 m at the end."""
    parts, after = [], 'base'
    for name, xyz, axis in (*joints, ('tool', '0.2 0 0', '')):
        text = JOINT.format(
            name=name, after=after, xyz=xyz, axis=axis or '1 0 0', low=limit[0], high=limit[1]
        )
        parts.append(text if axis else text.replace('revolute', 'fixed'))
        after = name
    return f'<robot name="arm">{"".join(parts)}</robot>'


def robot(
    folder: Path,
    name: str,
    slots: dict[int, str],
    drawn: str = '',
    extra: str = '',
    limit: tuple[float, float] = (-1.5, 1.5),
    sense: str = '',
) -> Path:
    """Write a robot file of joints, and its URDF if there is one."""
    if drawn:
        (folder / f'{name}.urdf').write_text(drawn)
    limits = ', '.join(
        f'{joint}: {{position: [{limit[0]}, {limit[1]}], velocity: 1}}' for joint in slots.values()
    )
    described = ', '.join(f'{index}: {joint}' for index, joint in slots.items())
    path = folder / f'{name}.yaml'
    path.write_text(
        f'robot: {name}\n' + (f'urdf: {name}.urdf\n' if drawn else '') + f'limits: {{{limits}}}\n'
        f'input: {{JOINT_POSITIONS: {{{described}}}{extra}}}\n'
        f'output: {{JOINT_TARGET_POSITIONS: {{{described}}}}}\n'
        f'sources: {{JOINT_POSITIONS: {{topic: joint_states{sense}}}, '
        f'JOINT_TARGET_POSITIONS: {{topic: command{sense}}}}}\n'
        f'commands: {{JOINT_TARGET_POSITIONS: {{topic: command{sense}}}}}\n'
    )
    return path


# The upper arm upright, and stretched out forward with an elbow that bends the other way.
UPRIGHT = urdf(
    ('pan', '0 0 0.1', '0 0 1'), ('lift', '0 0 0.1', '0 1 0'), ('bend', '0 0 0.3', '0 1 0')
)
STRETCHED = urdf(
    ('yaw', '0 0 0.1', '0 0 1'), ('shoulder', '0 0 0.1', '0 1 0'), ('elbow', '0.3 0 0', '0 -1 0')
)


def load(*paths: Path):
    """Descriptions, and the arms whose joints can be compared."""
    descriptions = load_descriptions(paths)
    return descriptions, [DescribedArm.of(r) for r in descriptions.robots.values() if r.urdf]


def manifest(descriptions, low=(-1.0, -1.0, -1.0), high=(1.0, 1.0, 1.0)) -> Manifest:
    """Of a policy that was trained on these robots."""
    trained = tuple(sorted({i for r in descriptions.input.values() for i in r.get(POSITIONS, {})}))
    return Manifest(
        input={
            POSITIONS: InputSlots(3, trained, low, high),
            RGB: InputSlots(1, (0,), image_size=(48, 64)),
        },
        output={TARGETS: OutputSlots(3, trained, low, high)},
        rate_hz=20.0,
        horizon=10,
        robots={
            name: Embodiment(descriptions.input[name], descriptions.output[name])
            for name in descriptions.input
        },
    )
