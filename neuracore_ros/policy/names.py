"""What a policy's inputs and outputs are called in a graph, which knows no dictionaries.

``inputs.JOINT_POSITIONS`` and ``valid.JOINT_POSITIONS`` in, ``JOINT_TARGET_POSITIONS`` out; what
else a module reads, such as ``inputs.FROZEN``, comes last. A graph may lack an input that it makes
no use of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import Array
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.further import further_inputs
from neuracore_ros.policy.manifest import Manifest

INPUTS, VALID = 'inputs.', 'valid.'


def graph_inputs(manifest: Manifest) -> list[str]:
    """Names of all inputs of a graph: values, masks, then what is no DataType."""
    return [
        *(f'{INPUTS}{kind}' for kind in manifest.input),
        *(f'{VALID}{kind}' for kind in manifest.input),
        *(f'{INPUTS}{further.name}' for further in further_inputs(manifest)),
    ]


def feed(
    names: Sequence[str], inputs: Mapping[str, Array], valid: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Array]:
    """Arrays for those inputs that a graph has.

    Raises:
        PolicyError: It wants an input that the manifest does not name.
    """
    known: dict[str, Array] = {f'{INPUTS}{name}': array for name, array in inputs.items()}
    known |= {f'{VALID}{name}': mask for name, mask in valid.items()}
    for name in names:
        if name not in known:
            raise PolicyError(
                f"the model wants the input '{name}', which its manifest does not give. "
                f'It gives: {", ".join(known)}'
            )
    return {name: known[name] for name in names}
