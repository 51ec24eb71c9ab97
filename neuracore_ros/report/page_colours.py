"""The colours of pages, on light and on dark ground, as variables of a style sheet."""

COLOURS = {
    'ground': ('#ffffff', '#14181f'),
    'raised': ('#eef2f8', '#232b38'),
    'ink': ('#1d2430', '#e7ebf2'),
    'quiet': ('#596273', '#a3adbd'),
    'line': ('#e3e7ee', '#2c3442'),
    'edge': ('#858fa2', '#5d6a80'),
    'link': ('#1f58b8', '#84b1ff'),
    'good': ('#14713d', '#4ccb86'),
    'bad': ('#a8322a', '#ff8f85'),
    'selected': ('#1f58b822', '#84b1ff33'),
    # Lines, told apart by people who see few colours: after Wong, Nature Methods 8 (2011), darker
    # or lighter until text in them can be read.
    'colour0': ('#0069a8', '#5ab4f0'),
    'colour1': ('#b34f00', '#ff9d4d'),
    'colour2': ('#007a58', '#3fcf9f'),
    'colour3': ('#a8437c', '#f092c4'),
    'colour4': ('#5f52b8', '#b5a8ff'),
    'colour5': ('#7a5c00', '#e0bb45'),
    'colour6': ('#333333', '#d5d9e0'),
    # Ground of what happens for a while, behind the lines.
    'band-start': ('#ffe9bf', '#4a3a12'),
    'band-hold': ('#fbd3cf', '#55231f'),
    'band-wait': ('#e3e6ec', '#2b313c'),
    'band-human': ('#fbe0c4', '#4d3317'),
}
"""Name -> its colour on light and on dark ground."""


def page_colours() -> str:
    """Rules that follow the reader's screen, or ``data-theme`` of the page where it is set."""
    light, dark = ('; '.join(_variables(ground)) for ground in (0, 1))
    return (
        f':root {{ color-scheme: light; {light} }}\n'
        '@media screen and (prefers-color-scheme: dark) { '
        f':root:not([data-theme=light]) {{ color-scheme: dark; {dark} }} }}\n'
        f'@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {dark} }} }}\n'
    )


def _variables(ground: int) -> list[str]:
    return [f'--{name}: {pair[ground]}' for name, pair in COLOURS.items()]
