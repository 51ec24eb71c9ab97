"""Treatments of slots as objects of JSON, in manifests of policies and metadata of datasets."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from neuracore_ros.description.chain import Placement
from neuracore_ros.description.crop import Crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.sense import Sense
from neuracore_ros.description.treatment import TreatedFrames, Treatment, Treatments
from neuracore_ros.records import Record

_MOST_PX = 2**31


def plain_treatments(given: Treatments) -> dict[str, dict[str, dict[str, Any]]]:
    """Write treatments as objects of JSON."""
    return {
        kind.value: {name: _plain(each) for name, each in named.items()}
        for kind, named in given.items()
    }


def _plain(treatment: Treatment) -> dict[str, Any]:
    if treatment.frames is not None:
        frames = asdict(treatment.frames)
        return {key: value for key, value in frames.items() if value is not None}
    crop = {} if treatment.crop is None else {'crop': list(treatment.crop)}
    follow_s = {} if treatment.follow_s is None else {'follow_s': treatment.follow_s}
    return crop | follow_s | ({} if treatment.sense is None else _plain_sense(treatment.sense))


def _plain_sense(sense: Sense) -> dict[str, Any]:
    read = {} if sense.read is None else asdict(sense.read)
    around = {} if sense.around is None else {'around': sense.around}
    sent = {} if sense.sent is None else {'sent': asdict(sense.sent)}
    return read | around | sent


def read_treatments(record: Record) -> Treatments:
    """Read what :func:`plain_treatments` writes; what this version does not know is left out.

    Raises:
        UserError: A value is none, of the kind that the record says.
    """
    kinds = {kind.value: kind for kind in DataType}
    return {
        kinds[word]: {name: _read(each) for name, each in named.records()}
        for word, named in record.records()
        if word in kinds
    }


def _read(record: Record) -> Treatment:
    if record.has('base'):
        frames = TreatedFrames(
            record.text('base'),
            record.text('tip'),
            _placement(record.record('base_offset')),
            _placement(record.record('tip_offset')),
            record.number('scale', default=1.0),
            {name: _scale(each) for name, each in record.record('joints').records()}
            if record.has('joints')
            else None,
        )
        return Treatment(frames=frames)
    return Treatment(
        _crop(record),
        record.number('follow_s', 0.0) if record.has('follow_s') else None,
        sense=_sense(record),
    )


def _sense(record: Record) -> Sense | None:
    read = _scale(record) if record.has('scale') else None
    sent = _scale(record.record('sent')) if record.has('sent') else None
    around = record.number('around') if record.has('around') else None
    return Sense(read, around, sent) if read or sent else None


def _scale(record: Record) -> ScaleOffset:
    scale = record.number('scale')
    if scale == 0.0:
        raise record.wrong('scale', 'a number other than 0')
    return ScaleOffset(scale, record.number('offset'))


def _crop(record: Record) -> Crop | None:
    if not record.has('crop'):
        return None
    numbers = record.value('crop')
    is_one = isinstance(numbers, list) and len(numbers) == len(Crop._fields)
    if not is_one or not all(type(each) is int and 0 <= each < _MOST_PX for each in numbers):
        raise record.wrong('crop', f'[{", ".join(Crop._fields)}], integers')
    return Crop(*numbers)


def _placement(record: Record) -> Placement:
    xyz, rpy = (record.numbers(key, 3) for key in ('xyz', 'rpy'))
    if len(xyz) != 3 or len(rpy) != 3 or any(map(math.isnan, (*xyz, *rpy))):
        raise record.error("must have 'xyz' and 'rpy', three numbers each")
    return Placement((xyz[0], xyz[1], xyz[2]), (rpy[0], rpy[1], rpy[2]))
