"""``neuracore_ros VERB``: finds the verb, parses, calls it, and says what a person can mend."""

import argparse
import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from neuracore_ros import __version__
from neuracore_ros.cli.arguments import not_empty
from neuracore_ros.cli.terminal import escaped_output
from neuracore_ros.cli.usage import Parser, nearest_option
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import DescriptionWarning, UserError, one_line
from neuracore_ros.processors import let_threads_sleep
from neuracore_ros.similar_names import known_names

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
    'accelerate': 'accelerate',
    'av': 'train',
    'distributed': 'dask',
    'onnx': 'export',
    'onnxscript': 'export',
    'openvino': 'openvino',
    'onnxruntime': 'onnx',
    'pyarrow': 'train',
    'rclpy': 'ros',
    'rosbags': 'train',
    'safetensors': 'export',
    'rerun': 'rerun',
    'tensorboard': 'train',
    'torchvision': 'train',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0 done; 1 for what the user can mend; 130 if interrupted. Wrong usage exits with 2.
    """
    let_threads_sleep()
    warnings.showwarning = _say_warning
    # A DescriptionWarning is for the person, not for the developer: each is said once.
    warnings.simplefilter('once', DescriptionWarning)
    with escaped_output():
        try:
            chosen = _parse(sys.argv[1:] if arguments is None else arguments)
            problem = _run(chosen)
        except KeyboardInterrupt:
            from neuracore_ros.policy.model_thread import end_interrupted

            return end_interrupted()
        if isinstance(problem, int):
            return problem
        print(f'neuracore_ros {chosen.verb}: {one_line(problem)}', file=sys.stderr)
        return 1


def _run(chosen: argparse.Namespace) -> int | str:
    """Run the verb; returns its code, or what a person can mend."""
    try:
        return int(chosen.run(chosen))
    except UserError as error:
        return str(error)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or '').partition('.')[0])
        if extra is None:
            raise
        return f"needs {error.name}: pip install 'neuracore_ros[{extra}]'"
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        return 1
    except OSError as error:
        # A full disk, a folder that may not be written: wherever it was met, a person mends it.
        where = f'{error.filename}: ' if error.filename else ''
        return f'{where}{error.strerror or error}'
    except MemoryError as error:
        return f'the memory is not enough{f": {error}" if str(error) else ""}'


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = make_parser()
    _require_known(parser, words)
    chosen, unknown = parser.parse_known_args(words)
    if unknown:
        _verbs(parser)[chosen.verb].error(f'takes no more arguments: {" ".join(unknown)}')
    return chosen


def make_parser() -> argparse.ArgumentParser:
    """The command line with all verbs; the documentation is made from it, too."""
    parser = Parser(
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
        for kind in (Path, robot_file):
            verb.register('type', kind, not_empty(kind))
        module.add_arguments(verb)
        verb.set_defaults(run=module.run, verb=name)
    return parser


def _verbs(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    (verbs,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return verbs.choices


def _require_known(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End with 2 at a mistyped verb or option, before argparse misses what was meant by it."""
    if not words or words[0].startswith('-'):
        return
    if words[0] not in VERBS:
        parser.error(f"there is no verb '{words[0]}'{known_names(words[0], VERBS)}")
    verb = _verbs(parser)[words[0]]
    known = [option for action in verb._actions for option in action.option_strings]
    for word in words[: words.index('--')] if '--' in words else words:
        option = word.partition('=')[0]
        if option.startswith('--') and not any(each.startswith(option) for each in known):
            verb.error(f'there is no option {option}{nearest_option(option, known)}')
        # argparse takes these dashes for those that end the options, and finds no value at all.
        if option.startswith('--') and word == f'{option}=--':
            verb.error(f"argument {option}: '--' is no value")


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
