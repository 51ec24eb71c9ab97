"""The vocabulary of a policy beside that of a robot or a dataset."""

from __future__ import annotations

from neuracore_ros.description.robot import Robot
from neuracore_ros.description.treatment import knows_senses
from neuracore_ros.description.vocabulary import Vocabulary, VocabularyId
from neuracore_ros.description.vocabulary_differences import mismatch, turned_joint
from neuracore_ros.policy.manifest import Manifest

_THE_POLICY = 'the policy'


def vocabulary_refusal(robot: Robot, manifest: Manifest) -> str:
    """The reason why a robot's slots mean something else than the policy's; '' if none is known.

    A policy without a vocabulary has the signs and zeros of the robot files that it was trained
    with. A file that turns or moves joints for a vocabulary probably has others, unless the policy
    tells which this robot had: those are compared themselves.
    """
    if robot.vocabulary is None:
        return ''
    if manifest.vocabulary is None:
        trained = manifest.robots.get(robot.name)
        is_known = trained is not None and knows_senses(robot, trained.treatments)
        if is_known or not (turned := turned_joint(robot)):
            return ''
        has = (
            f"{robot.path} has the signs and zeros of the vocabulary '{robot.vocabulary.name}' "
            f'({turned}), and the policy names none'
        )
        if trained is not None:
            return f"{has}: write those that '{robot.name}' had in training"
        return (
            f'{has}: its numbers probably have those of other robots. Draft the robot file with '
            '--like one of them, or with --vocabulary none'
        )
    text = mismatch(robot.vocabulary, manifest.vocabulary, (str(robot.path), _THE_POLICY))
    return text and f"{text}: write the indices, signs and zeros of the policy's, or train again"


def vocabulary_warnings(
    own: Vocabulary | VocabularyId | None, manifest: Manifest, where: str
) -> tuple[str, ...]:
    """Warn where only one of two names a vocabulary: a robot or a dataset, or the policy.

    Args:
        own: Its vocabulary.
        manifest: Of the policy.
        where: The file or dataset, for the message.
    """
    theirs = manifest.vocabulary
    if own is None and theirs is not None:
        return (
            f"{where} names no vocabulary, and the policy was trained with '{theirs.name}': see "
            'that its indices, signs and zeros are those, and write vocabulary: '
            f'{theirs.name} in the robot file',
        )
    if own is not None and theirs is None:
        return (
            f"{where} has the vocabulary '{own.name}', and the policy names none: see that the "
            'indices, signs and zeros that it was trained with are the same',
        )
    return ()


def vocabulary_notes(
    own: Vocabulary | VocabularyId | None, manifest: Manifest, where: str
) -> tuple[str, ...]:
    """Say what indices of a dataset mean otherwise than the policy's, or may mean; as above."""
    if own is None or manifest.vocabulary is None:
        return vocabulary_warnings(own, manifest, where)
    text = mismatch(own, manifest.vocabulary, (where, _THE_POLICY))
    return (text,) if text else ()
