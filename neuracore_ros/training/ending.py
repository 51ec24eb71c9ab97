"""The policy files that a run ends with: policy.pt of its best step, last.pt, and graphs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from torch import nn

from neuracore_ros.errors import PolicyError, TrainingError
from neuracore_ros.files import write_whole
from neuracore_ros.given_path import in_shell
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.config import GRAPHS
from neuracore_ros.training.export import export, write
from neuracore_ros.training.learner import Learner, load_weights
from neuracore_ros.training.run import Run

NEVER = -1
# What writes and proves a graph; torch does it for .pt2.
_WRITERS = {
    'onnx': ('onnx', 'onnxscript', 'onnxruntime'),
    'openvino': ('onnx', 'onnxscript', 'openvino'),
}


@dataclass(frozen=True, slots=True)
class Best:
    """The step of the lowest validation loss; `NEVER` before there is any."""

    step: int = NEVER
    loss: float = math.inf

    def or_better(self, step: int, metrics: Mapping[str, float]) -> Best:
        """The better of this step and one with these metrics."""
        loss = metrics.get('val_loss', math.inf)
        return Best(step, loss) if loss < self.loss else self


def require_writers(kinds: Iterable[str]) -> None:
    """Require what writes these formats, before hours of training.

    Raises:
        TrainingError: It is not installed.
    """
    for kind in kinds:
        for library in _WRITERS.get(kind, ()):
            if find_spec(library) is None:
                raise TrainingError(
                    f"--also {kind}: needs {library}: pip install 'neuracore_ros[export]'"
                )


def write_policies(
    learner: Learner,
    manifest: Manifest,
    best: Best,
    run: Run,
    also: tuple[str, ...],
    report: Callable[[str], None],
) -> None:
    """Write the policy of the best step, that of the last, and graphs of the best.

    Raises:
        TrainingError: A graph cannot be written; the policies are there.
    """
    # A graph of an earlier end would be another policy than the one beside it.
    for path in run.graph_files(also):
        path.unlink(missing_ok=True)
    policy = copy.deepcopy(learner.average).cpu()
    export(policy, manifest, run.last)
    weights = run.load_best(best.step) if best.step not in (NEVER, learner.step) else None
    if weights is None:
        write_whole(run.policy, run.last.read_bytes())
        report(f'{run.policy}: the averaged weights of step {learner.step}')
    else:
        load_weights(policy, weights, f'{run.weights[1]}: average')
        export(policy, manifest, run.policy)
        report(
            f'{run.policy}: the averaged weights of step {best.step}, whose validation loss was '
            f'the lowest, {best.loss:.4f}; {run.last.name}: those of step {learner.step}'
        )
    _write_graphs(policy, manifest, run, also, report)


def _write_graphs(
    policy: nn.Module,
    manifest: Manifest,
    run: Run,
    also: tuple[str, ...],
    report: Callable[[str], None],
) -> None:
    failed = []
    for kind in also:
        path = run.policy.with_suffix(GRAPHS[kind])
        try:
            lines = write(policy, manifest, kind, path).lines(path)
        except PolicyError as error:
            failed.append(
                f'{path}: {error}; {run.policy.name} is there and whole. To try again: '
                f'neuracore_ros export {in_shell(run.path)} --out {in_shell(path)}'
            )
            continue
        for line in lines:
            report(line)
    if failed:
        raise TrainingError(failed[0])
