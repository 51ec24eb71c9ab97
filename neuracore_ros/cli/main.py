"""``neuracore_ros VERB``: finds the verb, parses, calls it, and says what a person can mend."""

import argparse
import importlib
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from neuracore_ros import __version__
from neuracore_ros.errors import DescriptionWarning, UserError

VERBS = (
    'describe',
    'layout',
    'record',
    'convert',
    'report',
    'train',
    'export',
    'evaluate',
    'check',
    'demo',
)

# What a robot computer need not have, and the extra that brings it.
EXTRAS = {
    'av': 'train',
    'distributed': 'dask',
    'onnx': 'export',
    'onnxscript': 'export',
    'openvino': 'openvino',
    'onnxruntime': 'onnx',
    'PIL': 'picture',
    'pyarrow': 'train',
    'rclpy': 'ros',
    'rosbags': 'train',
    'safetensors': 'export',
    'rerun': 'rerun',
    'tensorboard': 'train',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0 done; 1 for what the user can mend; 130 if interrupted. Wrong usage exits with 2.
    """
    warnings.showwarning = _say_warning
    # A DescriptionWarning is for the person, not for the developer: each is said once.
    warnings.simplefilter('once', DescriptionWarning)
    words = sys.argv[1:] if arguments is None else list(arguments)
    chosen = make_parser().parse_args(words)
    try:
        return int(chosen.run(chosen))
    except UserError as error:
        print(f'neuracore_ros {chosen.verb}: {error}', file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or '').partition('.')[0])
        if extra is None:
            raise
        cure = f"pip install 'neuracore_ros[{extra}]'"
        print(f'neuracore_ros {chosen.verb}: needs {error.name}: {cure}', file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def make_parser() -> argparse.ArgumentParser:
    """The command line with all verbs; the documentation is made from it, too."""
    parser = argparse.ArgumentParser(
        prog='neuracore_ros',
        description='One learned policy, many ROS 2 robots.',
        epilog='neuracore_ros VERB --help tells more about a verb.',
    )
    parser.add_argument('--version', action='version', version=__version__)
    verbs = parser.add_subparsers(title='verbs', metavar='VERB', required=True)
    for name in VERBS:
        module = importlib.import_module(f'neuracore_ros.cli.{name}')
        verb = verbs.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=f'examples:\n{module.EXAMPLES}',
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(verb)
        verb.set_defaults(run=module.run, verb=name)
    return parser


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
