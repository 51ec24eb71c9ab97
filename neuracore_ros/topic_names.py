"""Names of topics that are alike, where one is looked for in vain."""

import difflib

# What every camera's topic is called, whichever camera it is.
_ANY_CAMERA = {
    'camera', 'color', 'compressed', 'compressedDepth', 'depth', 'image', 'image_color',
    'image_raw', 'image_rect', 'image_rect_color', 'raw', 'rgb',
}  # fmt: skip


def likeness(wanted: str, name: str) -> float:
    """How much a topic's name is like the one that is looked for: 0 to about 2.

    What tells one device from another counts, not what all cameras' topics end in. A name that
    is the other one in a namespace, or with an ending, is most like it.
    """
    wanted, name = wanted.strip('/'), name.strip('/')
    longer, shorter = sorted((wanted, name), key=len, reverse=True)
    is_part = longer.endswith(f'/{shorter}') or longer.startswith(f'{shorter}/')
    own = _ratio(_device(wanted), _device(name))
    return is_part + 0.9 * own + 0.1 * _ratio(wanted, name)


def _device(name: str) -> str:
    words = [word for word in name.split('/') if word not in _ANY_CAMERA]
    return '/'.join(words) or name


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
