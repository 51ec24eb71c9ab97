"""The colours of a layout's picture, on light and on dark ground, as classes of a style sheet."""

from neuracore_ros.alignment.roles import Role

# Class -> its colour on light and on dark ground.
_COLOURS = {
    'ground': ('#ffffff', '#14181f'),
    'ink': ('#1d2430', '#e7ebf2'),
    'quiet': ('#667085', '#98a2b3'),
    'faint': ('#cfd6e1', '#3a4352'),
    'trained': ('#c3ccd9', '#4a5568'),
    'plain': ('#edf1f7', '#232b38'),
    'plain-bar': ('#8fa3bf', '#7388a8'),
    'doubt': ('#c2660a', '#f5a34a'),
    'refused': ('#b42318', '#f97066'),
    'good': ('#14713d', '#4ccb86'),
    'slide': ('#f3ead0', '#3b3420'),
    'slide-bar': ('#b08d2e', '#c7a548'),
    'yaw': ('#dde7f8', '#1f2f4a'),
    'yaw-bar': ('#4b7bd0', '#6b9bf0'),
    'shoulder': ('#d5eeea', '#17383a'),
    'shoulder-bar': ('#2a9d8f', '#45bfb0'),
    'upper-arm': ('#e9e0f5', '#32274a'),
    'upper-arm-bar': ('#8f67c9', '#ab87e2'),
    'elbow': ('#fde6cf', '#452d17'),
    'elbow-bar': ('#e08a2e', '#eda04d'),
    'swing': ('#e4efd5', '#2b3a1f'),
    'swing-bar': ('#7ba23f', '#8fbd4c'),
    'wrist': ('#f9dbe0', '#4a222c'),
    'wrist-bar': ('#d1586f', '#e57f93'),
    'flange': ('#e3e5ea', '#2e333d'),
    'flange-bar': ('#737b8c', '#98a1b3'),
}
_EDGES = ('faint', 'doubt', 'refused')
_SANS = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
_EQUAL = "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"

ROLES = {
    Role.SLIDE: 'slide',
    Role.BASE_YAW: 'yaw',
    Role.SHOULDER_PITCH: 'shoulder',
    Role.UPPER_ARM_ROLL: 'upper-arm',
    Role.ELBOW_PITCH: 'elbow',
    Role.FOREARM_ROLL: 'swing',
    Role.WRIST_YAW: 'swing',
    Role.WRIST_PITCH: 'wrist',
    Role.FLANGE_ROLL: 'flange',
    Role.TORSO_LIFT: 'slide',
    Role.TORSO_YAW: 'yaw',
    Role.TORSO_PITCH: 'shoulder',
    Role.TORSO_ROLL: 'upper-arm',
    Role.HEAD_PAN: 'yaw',
    Role.HEAD_TILT: 'wrist',
    Role.HEAD_ROLL: 'flange',
}
"""Role -> class of a joint's ground, and with ``-bar`` of its bar; what may share a slot has one
colour, and of torso and head what moves like it in an arm."""


def style_sheet(in_page: bool) -> str:
    """The element with fonts and colours, on light and dark ground as the reader's screen is.

    In a page, ``data-theme`` of its root decides where it is set; printed, it is light.
    """
    dark = ['@media (prefers-color-scheme: dark) {', *_rules(1), '}']
    if in_page:
        dark = [
            '@media screen and (prefers-color-scheme: dark) {',
            *_rules(1, ':root:not([data-theme=light]) '),
            '}',
            '@media screen {',
            *_rules(1, ':root[data-theme=dark] '),
            '}',
        ]
    return '\n'.join(
        [
            '<style>',
            f'.layout text {{ font-family: {_SANS}; white-space: pre }}',
            f'.layout .mono {{ font-family: {_EQUAL} }}',
            *_rules(0),
            *dark,
            '</style>',
        ]
    )


def _rules(ground: int, where: str = '') -> list[str]:
    colours = {name: pair[ground] for name, pair in _COLOURS.items()}
    return [
        *(f'{where}.layout .{name} {{ fill: {colour} }}' for name, colour in colours.items()),
        *(f'{where}.layout .{name}-edge {{ stroke: {colours[name]} }}' for name in _EDGES),
    ]
