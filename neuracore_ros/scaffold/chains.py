"""The chains of a drafted robot: its arms, with the names and slots of their hands."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.alignment.align_frames import WrittenFrames, propose
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.chain_frames import ChainFrames, frames_of
from neuracore_ros.alignment.name_heuristics import parts, side
from neuracore_ros.description.chain import Chain
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.chain_routes import ChainRoutes
from neuracore_ros.scaffold.drafted_chain import DraftedChain
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.outputs import OutputRoutes

POSES = DataType.END_EFFECTOR_POSES
_SIDES = {'l': 'left', 'r': 'right'}
# Fewer joints bring a hand to few places: such are legs, masts and cameras that tilt.
_FEWEST = 4
_LEGS = {'hip', 'knee', 'ankle', 'leg', 'foot'}


def draft_chains(
    known: KnownJoints,
    tree: JointTree,
    outputs: OutputRoutes,
    like: DescribedArm | None,
    vocabulary: Vocabulary | None = None,
) -> ChainRoutes:
    """Draft the chains of all arms of a URDF.

    Args:
        known: The joints.
        tree: The URDF.
        outputs: What commands them.
        like: A robot whose frames are meant, too, as far as it has chains.
        vocabulary: Its slots of hands are filled if there is no such robot.

    Raises:
        UserError: No arm is found, or its poses could not be computed or commanded.
    """
    arms = known.arms()
    if len(arms) > 1:
        raise UserError(
            'several arms have the joints of one URDF: poses need one robot file for each: give '
            '--namespace'
        )
    own = arms[0] if arms else {}
    motions = known.motions
    home = {
        joint: (motions[name].lower + motions[name].upper) / 2
        for joint, name in own.items()
        if name in motions
    }
    reaching = [joint for joint in own if not set(parts(joint)) & _LEGS]
    if like is None:
        # A vocabulary has slots for arms, torso and head, and leaves legs out by their place.
        placed = {place.name for place in outputs.joints}
        reaching = [joint for joint in reaching if own[joint] in placed]
    found: list[ChainFrames] = []
    for frames in frames_of(tree, reaching, home):
        # What another controller moves, such as a lift below the arm, is not of the chain.
        commands = {joint: outputs.command_of(own[joint]) for joint in frames.arm.joints}
        kept = [joint for joint in commands if commands[joint] == commands[frames.arm.joints[-1]]]
        found += [frames] if len(kept) == len(commands) else frames_of(tree, kept, home)
    found = [frames for frames in found if len(frames.arm.joints) >= _FEWEST]
    if not found:
        raise UserError(
            f'{tree.where}: no arm of {_FEWEST} joints or more, so that no pose can be drafted'
        )
    others = _chains_of(like)
    warnings: list[str] = []
    chains: list[DraftedChain] = []
    names = _named(found)
    indices = _indices(found, vocabulary)
    for place, frames in enumerate(found):
        match = _match(frames, others)
        if others and match is None:
            warnings.append(
                f'{names[place]}: {like.robot.name if like else ""} has no chain that is left for '
                'it: not drafted'
            )
            continue
        joints = {joint: own[joint] for joint in frames.arm.joints}
        if match is None or like is None:
            made = propose(frames)
            chains.append(DraftedChain(names[place], POSES, indices[place], '', joints, made, {}))
            continue
        kind, index, chain = others.pop(others.index(match))
        scale = like.robot.pose_scale(kind, chain.name)
        written = WrittenFrames.of(like.robot.name, like.tree, chain, scale) if like.tree else None
        made = propose(frames, written)
        ratio = scale / made.scale
        space = {
            axis: (round(low * ratio, 3), round(high * ratio, 3))
            for axis, (low, high) in chain.workspace.items()
        }
        is_commanded = chain.name in like.robot.output.get(kind, {}).values()
        chains.append(
            DraftedChain(chain.name, kind, index, chain.name, joints, made, space, is_commanded)
        )
    return ChainRoutes(chains, known, outputs, warnings)


def has_chain_slots(like: DescribedArm | None) -> bool:
    """True if a robot has pose slots that are chains."""
    return bool(_chains_of(like))


def _chains_of(like: DescribedArm | None) -> list[tuple[DataType, int, Chain]]:
    """The chains of a robot that fill slots: DataType, index, chain."""
    if like is None:
        return []
    found: dict[str, tuple[DataType, int, Chain]] = {}
    for description in (like.robot.output, like.robot.input):
        for kind, slots in description.items():
            for index, name in slots.items() if kind.is_pose else ():
                if name in like.robot.chains:
                    found.setdefault(name, (kind, index, like.robot.chains[name]))
    return list(found.values())


def _match(
    frames: ChainFrames, others: Sequence[tuple[DataType, int, Chain]]
) -> tuple[DataType, int, Chain] | None:
    """The other robot's chain for an arm: that of its own side, else the first."""
    mine = _side(frames.arm.joints)
    return min(others, key=lambda other: _side(other[2].joints) != mine, default=None)


def _named(found: Sequence[ChainFrames]) -> list[str]:
    """``hand``, or ``left_hand`` and ``right_hand``, or ``hand_1`` and so on."""
    if len(found) == 1:
        return ['hand']
    sides = [_side(frames.arm.joints) for frames in found]
    if all(sides) and len(set(sides)) == len(sides):
        return [f'{_SIDES[each]}_hand' for each in sides]
    return [f'hand_{place + 1}' for place in range(len(found))]


def _indices(found: Sequence[ChainFrames], vocabulary: Vocabulary | None) -> list[int]:
    """The indices of hands: by their side, the only one the right one's, others as they come."""
    places = list(range(len(found)))
    if vocabulary is None or len(found) == 1:
        return places
    slots = {name: index for index, name in vocabulary.names(POSES).items()}
    sides = [_side(frames.arm.joints) for frames in found]
    wanted = [slots.get(f'{_SIDES[each]}.hand') if each else None for each in sides]
    known = [index for index in wanted if index is not None]
    return known if len(set(known)) == len(found) else places


def _side(joints: Sequence[str]) -> str:
    return next((found for joint in reversed(joints) if (found := side(joint))), '')
