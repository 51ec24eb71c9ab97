"""Units of the joints of a chain, where a source does not report them in the URDF's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain
from neuracore_ros.description.limits import JointLimit, Range
from neuracore_ros.description.routes import ScaleOffset, parse_scale
from neuracore_ros.description.units import Unit, far_outside, likely_units
from neuracore_ros.wording import few
from neuracore_ros.yaml_value import YamlValue

_KEYS = ('scale', 'offset')
_UNCHANGED = ScaleOffset()
# Single values of a sensor may be wrong.
_OUTLIERS_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class ChainScales:
    """Scales and offsets of the joints of a chain, from a source's unit to the URDF's.

    Attributes:
        common: For each joint that is not named.
        named: Joint -> its own.
    """

    common: ScaleOffset = _UNCHANGED
    named: Mapping[str, ScaleOffset] | None = None

    def of(self, joint: str) -> ScaleOffset:
        """The scale and offset of one joint."""
        return (self.named or {}).get(joint, self.common)


def parse_chain_scales(value: YamlValue, what: str) -> ChainScales:
    """Read ``{scale: 0.0174533}``, or joint -> such options, or both.

    Raises:
        DescriptionError: Another option, or a wrong number.
    """
    entries = value.mapping(what)
    common = _scale({key: v for key, (_, v) in entries.items() if key in _KEYS}, what)
    named: dict[str, ScaleOffset] = {}
    for joint, (key, own) in entries.items():
        if joint in _KEYS:
            continue
        if not own.is_mapping():
            raise key.error(f'{what}: {key} is neither scale, offset nor joint: {{scale: ...}}')
        inner = f"{what} '{joint}'"
        named[joint] = _scale(own.fields(inner, _KEYS), inner, common)
    return ChainScales(common, named)


def _scale(
    fields: Mapping[str, YamlValue], what: str, usual: ScaleOffset = _UNCHANGED
) -> ScaleOffset:
    scale, offset = fields.get('scale'), fields.get('offset')
    return ScaleOffset(
        parse_scale(scale, f'scale of {what}') if scale else usual.scale,
        offset.number(f'offset of {what}') if offset else usual.offset,
    )


def other_unit_of_joints(
    chain: Chain, positions: FloatArray, limits: Sequence[JointLimit], where: str
) -> str:
    """Say in one line that the joints of a chain are in another unit; '' if they need not be.

    Args:
        chain: Whose pose is computed from them.
        positions: As they are taken, (N, J), [rad] or [m] if the unit is right.
        limits: Of the J joints.
        where: The section and the DataType of the source, as ``sources: END_EFFECTOR_POSES``.
    """
    if not len(positions):
        return ''
    percents = [_OUTLIERS_PERCENT, 100.0 - _OUTLIERS_PERCENT]
    lows, highs = np.percentile(positions, percents, axis=0).tolist()
    spans = list(zip(lows, highs, strict=True))
    ends = [(limit.lower, limit.upper) for limit in limits]
    far = [
        place
        for place, limit in enumerate(limits)
        if far_outside(spans[place], ends[place], limit.slides)
    ]
    if not far:
        return ''
    worst = max(far, key=lambda place: max(map(abs, spans[place])))
    names = [chain.joints[place] for place in far if place != worst]
    likewise = f' (likewise {few(names)})' if names else ''
    text = (
        f"'{chain.joints[worst]}' of chain '{chain.name}' goes from {_text(spans[worst])}, far "
        f'outside of its limits {_text(ends[worst])}{likewise}'
    )
    # One driver reports all joints in one unit.
    units = {place: likely_units(spans[place], ends[place], limits[place].slides) for place in far}
    common = [u.name for u in units[worst] if all(_named(units[p], u.name) for p in far)]
    if not common:
        return f'{text}: in no unit that is known. Write under {where}: {{joints: {{scale: ...}}}}'
    lines = [
        f'in {name}{_calibrated(_named(units[worst], name))}: {_options(chain, units, name)}'
        for name in common
    ]
    return f'{text}. Write under {where} what is true: {"; ".join(lines)}'


def _named(units: Sequence[Unit], name: str) -> Unit | None:
    return next((unit for unit in units if unit.name == name), None)


def _calibrated(unit: Unit | None) -> str:
    return ', if the ends are its limits' if unit and unit.of_limits else ''


def _options(chain: Chain, units: Mapping[int, Sequence[Unit]], name: str) -> str:
    """The option ``joints``, for all at once where they are alike."""
    own = {
        chain.joints[place]: unit.options()
        for place, found in units.items()
        if (unit := _named(found, name))
    }
    if len({*own.values()}) == 1:
        return f'{{joints: {{{next(iter(own.values()))}}}}}'
    return f'{{joints: {{{", ".join(f"{joint}: {{{o}}}" for joint, o in own.items())}}}}}'


def _text(ends: Range) -> str:
    return f'{ends[0]:.3g} to {ends[1]:.3g}'
