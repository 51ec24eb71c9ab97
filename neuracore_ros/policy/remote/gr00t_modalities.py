"""The modalities of a policy of GR00T, as its server describes them, held against a server file.

Isaac-GR00T describes a modality (video, state, action, language, ...) by its keys and by the steps
of each, in steps of the data that it was trained on (``ModalityConfig``); it knows neither widths
nor names, units or a rate. Those are in the server file, and found wrong at the first answer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from neuracore_ros.bounds import MAX_HORIZON, MAX_OBSERVATION_STEPS
from neuracore_ros.errors import PolicyError, WireError, quoted
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_requests import (
    Keys,
    SentConstant,
    SentImage,
    SentPart,
    SentText,
)
from neuracore_ros.records import Record, RecordOrigin, is_integer
from neuracore_ros.similar_names import did_you_mean, known_names

_VIDEO, _LANGUAGE, _ACTION = 'video', 'language', 'action'
# N1.5 writes them before each key, but before those of language.
_FLAT = 'action.'
_NEWEST = (0,)


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of arrays that a policy of GR00T reads or gives.

    Attributes:
        name: Such as video.
        keys: Of the arrays.
        steps: Of each array, 0 the newest, [steps].
        relative: Those of the keys whose arrays the model gives as differences to the state, and
            the server as sums.
    """

    name: str
    keys: tuple[str, ...]
    steps: tuple[int, ...]
    relative: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Modalities:
    """The modalities of a policy.

    Attributes:
        observed: What it reads.
        action: What it gives.
        sha256: Of the description, by which another policy is noticed.
    """

    observed: tuple[Modality, ...]
    action: Modality
    sha256: str

    @classmethod
    def read(cls, answer: object, address: str) -> Modalities:
        """Read the answer to ``get_modality_config``.

        Raises:
            WireError: It is no such description.
        """
        root = Record(answer, RecordOrigin(f'{address}: the modality config', WireError))
        found = {name: _modality(name, record) for name, record in root.records()}
        if _ACTION not in found:
            raise root.error(f"lacks '{_ACTION}'. It has: {', '.join(found) or 'nothing'}")
        text = json.dumps(answer, sort_keys=True, default=str)
        action = found.pop(_ACTION)
        return cls(tuple(found.values()), action, hashlib.sha256(text.encode()).hexdigest())

    def require_described_by(self, file: ServerFile) -> None:
        """Require a server file to describe this policy.

        Raises:
            PolicyError: It sends or receives something else; the first difference is told.
        """
        where = f'{file.path.name}: '
        self._require_version(file, where)
        reads = {_keys(file, each, key): each for each in self.observed for key in each.keys}
        for keys, modality in reads.items():
            if keys not in file.send:
                sent = [each[-1] for each in file.send]
                raise PolicyError(
                    f"{where}the server reads {modality.name} '{keys[-1]}', which send lacks"
                    f'{did_you_mean(keys[-1], sent) or "."} It has: {", ".join(sent)}'
                )
        for keys, part in file.send.items():
            if keys not in reads:
                there = known_names(keys[-1], (each[-1] for each in reads))
                raise PolicyError(f"{where}the server reads no '{': '.join(keys)}'{there}")
            _require_kind(f'{where}send: {": ".join(keys)}', reads[keys], part)
            _require_steps(where, file, reads[keys], part)
        self._require_rows(file, where)
        self._require_received(file, where)

    def _require_version(self, file: ServerFile, where: str) -> None:
        is_flat = any(key.startswith(_FLAT) for key in self.action.keys)
        if is_flat and file.is_nested:
            raise PolicyError(f'{where}the server has the keys of N1.5: write version: 1.5')
        if not is_flat and not file.is_nested:
            raise PolicyError(
                f'{where}the server has the keys of N1.6 and later, without {_FLAT!r}: write '
                'version: 1.7, and nest the keys of send'
            )

    def _require_rows(self, file: ServerFile, where: str) -> None:
        steps = self.action.steps
        if steps != tuple(range(steps[0], steps[0] + len(steps))) or steps[0] not in {0, 1}:
            raise PolicyError(
                f'{where}the server gives actions for the steps {quoted(steps)}; only steps that '
                'follow one another, from now on, can be executed'
            )
        if len(steps) != file.horizon:
            raise PolicyError(
                f'{where}horizon is {file.horizon}, but the server gives {len(steps)} rows: write '
                f'horizon: {len(steps)}'
            )

    def _require_received(self, file: ServerFile, where: str) -> None:
        gives = set(self.action.keys)
        for keys, columns in file.receive.items():
            if len(keys) != 1 or keys[0] not in gives:
                there = known_names(keys[-1], self.action.keys)
                raise PolicyError(f"{where}the server gives no '{': '.join(keys)}'{there}")
            changes = next((c for c in columns if c and c.mode != 'absolute'), None)
            if keys[0] in self.action.relative and changes:
                raise PolicyError(
                    f'{where}receive: {keys[0]}: the server itself adds the state to it: remove '
                    f'mode: {changes.mode}'
                )


def _modality(name: str, record: Record) -> Modality:
    keys, steps = record.texts('modality_keys'), record.value('delta_indices')
    most = MAX_HORIZON if name == _ACTION else MAX_OBSERVATION_STEPS
    if (
        not isinstance(steps, list)
        or not 0 < len(steps) <= most
        or not all(is_integer(each) and abs(each) <= most for each in steps)
    ):
        raise record.wrong('delta_indices', f'a list of at most {most} steps')
    relative = set()
    if record.value('action_configs', default=None) is not None:
        configs = record.listed('action_configs')
        # One for each key, in their order.
        relative = {
            key for key, each in zip(keys, configs, strict=False) if each.text('rep') == 'RELATIVE'
        }
    return Modality(name, keys, tuple(steps), frozenset(relative))


def _keys(file: ServerFile, modality: Modality, key: str) -> Keys:
    """The keys of a server file for an array: N1.5 has all of them side by side."""
    return (modality.name, key) if file.is_nested else (key,)


def _require_kind(where: str, modality: Modality, part: SentPart) -> None:
    """Require an image, a text or numbers to stand where the server reads one."""
    is_text = isinstance(part, SentText) or (
        isinstance(part, SentConstant) and isinstance(part.value, str)
    )
    if (modality.name == _VIDEO) != isinstance(part, SentImage):
        raise PolicyError(f'{where}: the server reads images as {_VIDEO}, and only there')
    if (modality.name == _LANGUAGE) != is_text:
        raise PolicyError(f'{where}: the server reads texts as {_LANGUAGE}, and only there')
    if isinstance(part, SentConstant) and not is_text:
        raise PolicyError(f'{where}: write a constant as a list of columns, such as [0.0, 0.0]')
    if getattr(part, 'optional', False):
        raise PolicyError(f'{where}: the server needs it in every request: remove optional')


def _require_steps(where: str, file: ServerFile, modality: Modality, part: SentPart) -> None:
    if isinstance(part, SentImage):
        name, sent = 'images', file.image_steps or _NEWEST
    elif isinstance(part, tuple):
        name, sent = 'numbers', file.number_steps or _NEWEST
    else:
        name, sent = '', _NEWEST
    if modality.steps == sent:
        return
    difference = f'{where}the server reads {modality.name} at the steps {quoted(modality.steps)}'
    if not name or modality.steps[-1] != 0 or list(modality.steps) != sorted(set(modality.steps)):
        raise PolicyError(f'{difference}, which no robot can give it')
    raise PolicyError(
        f'{difference}; {quoted(sent)} are sent: write steps: {{{name}: {list(modality.steps)}}}'
    )
