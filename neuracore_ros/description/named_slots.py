"""Names of slots in a robot file: its vocabulary, and the indices for which that has no name."""

import warnings
from pathlib import Path

from neuracore_ros.description.embodiment import EmbodimentDescription
from neuracore_ros.description.vocabulary import Vocabulary, load_vocabulary
from neuracore_ros.errors import DescriptionError, DescriptionWarning
from neuracore_ros.wording import few
from neuracore_ros.yaml_value import YamlValue


def named_vocabulary(value: YamlValue | None, path: Path) -> Vocabulary | None:
    """The vocabulary that a robot file names: a shipped one, or a file beside it.

    Raises:
        DescriptionError: There is no such vocabulary, or it is wrong.
    """
    if value is None:
        return None
    try:
        return load_vocabulary(value.string('vocabulary'), path)
    except DescriptionError as error:
        # An error about the vocabulary's own file tells that file's line.
        raise value.error(str(error).removeprefix(f'{value.where}: ')) from error


def warn_of_unnamed(
    vocabulary: Vocabulary | None,
    given_input: EmbodimentDescription,
    output: EmbodimentDescription,
    file: str,
) -> None:
    """Warn of indices for which the vocabulary has no slot, in groups for which it has some."""
    if vocabulary is None:
        return
    unnamed = {
        f'{kind.measured} index {index} ({name})': None
        for description in (given_input, output)
        for kind, slots in description.items()
        for index, name in slots.items()
        if not vocabulary.is_own(kind, index) and vocabulary.slot(kind, index) is None
    }
    if unnamed:
        warnings.warn(
            f"{file}: {few(list(unnamed))}: no slot of the vocabulary '{vocabulary.name}', so "
            'that nothing says what it means on other robots',
            DescriptionWarning,
            stacklevel=2,
        )
