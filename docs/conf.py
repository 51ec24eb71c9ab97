"""Settings of the documentation; `make docs` builds it, offline."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from neuracore_ros import __version__

project = 'neuracore_ros'
author = 'neuracore_ros maintainers'
project_copyright = '%Y, neuracore_ros maintainers'
release = version = __version__

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'from_code']
exclude_patterns = ['_build']
nitpicky = True
# Nothing is fetched, so what other projects document cannot be linked to.
nitpick_ignore_regex = [
    ('py:.*', r'(numpy|np|npt|NDArray|torch|collections|pathlib|Path|typing)\b.*'),
    ('py:.*', r'(Array|Any|Mapping|Sequence|Iterator|Callable|Collection|T)'),
]

html_theme = 'furo'
html_title = f'neuracore_ros {release}'
html_show_sphinx = False
# `--out` must stay what a person types.
smartquotes = False
myst_enable_extensions = ['colon_fence', 'deflist']
myst_heading_anchors = 3
autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
python_use_unqualified_type_names = True
