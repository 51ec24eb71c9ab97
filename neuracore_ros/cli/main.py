"""``neuracore_ros VERB``: parses the command line, runs the verb, and prints its errors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from neuracore_ros.cli.terminal import escaped_output
from neuracore_ros.errors import DescriptionWarning, UserError, one_line
from neuracore_ros.processors import let_threads_sleep

if TYPE_CHECKING:
    import argparse

# Library -> the extra that installs it, for libraries that a robot does not need.
EXTRAS = {
    'accelerate': 'accelerate',
    'av': 'train',
    'backports': 'train',
    'distributed': 'dask',
    'lz4': 'train',
    'msgpack': 'remote',
    'onnx': 'export',
    'onnxscript': 'export',
    'openvino': 'openvino',
    'onnxruntime': 'onnx',
    'pyarrow': 'train',
    'rclpy': 'ros',
    'rosbags': 'train',
    'safetensors': 'export',
    'rerun': 'rerun',
    'rich': 'see',
    'tensorboard': 'train',
    'torchvision': 'train',
    'trimesh': 'see',
    'viser': 'see',
    'websockets': 'remote',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0 when done; 1 for an error that the user can correct; 130 if interrupted. Wrong usage
        exits with 2.
    """
    let_threads_sleep()
    warnings.showwarning = _say_warning
    # A DescriptionWarning is for the user, not for the developer: each is shown once.
    warnings.simplefilter('once', DescriptionWarning)
    with escaped_output():
        try:
            # Loading it takes a while, in which Ctrl-C must end in no traceback.
            from neuracore_ros.cli.parser import parse

            chosen = parse(sys.argv[1:] if arguments is None else arguments)
            problem = _run(chosen)
        except KeyboardInterrupt:
            return _end_interrupted()
        if isinstance(problem, int):
            return problem
        print(f'neuracore_ros {chosen.verb}: {one_line(problem)}', file=sys.stderr)
        return 1


def _run(chosen: argparse.Namespace) -> int | str:
    """Run the verb; returns its code, or an error that the user can correct."""
    try:
        return int(chosen.run(chosen))
    except UserError as error:
        return str(error)
    except ModuleNotFoundError as error:
        library = (error.name or '').partition('.')[0]
        extra = EXTRAS.get(library)
        # No extra brings torch: a robot computer with another runtime does without it.
        if extra is None and library != 'torch':
            raise
        return f'needs {error.name}: pip install ' + (
            f"'neuracore_ros[{extra}]'" if extra else library
        )
    except BrokenPipeError:
        # The reader of our output, such as `head`, has ended.
        sys.stderr.close()
        return 1
    except OSError as error:
        # The user can correct these, too: a full disk, a folder without permission.
        where = f'{error.filename}: ' if error.filename else ''
        return f'{where}{error.strerror or error}'
    except MemoryError as error:
        return f'the memory is not enough{f": {error}" if str(error) else ""}'


def _end_interrupted() -> int:
    # Where this is not loaded, no model runs; loading it would take the time of a second Ctrl-C.
    if 'neuracore_ros.policy.model_thread' not in sys.modules:
        return 130
    from neuracore_ros.policy.model_thread import end_interrupted

    return end_interrupted()


def _say_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, DescriptionWarning):
        print(f'warning: {message}', file=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


if __name__ == '__main__':
    sys.exit(main())
