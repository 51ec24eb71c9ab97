"""The mark of a dataset that ``edit`` has begun to write, and not completed.

Its metadata come last: until then no tool takes the folder for a dataset.
"""

from __future__ import annotations

from pathlib import Path

UNFINISHED_NAME = '.unfinished_edit'


def unfinished_edit(root: Path) -> str:
    """The end of a message about a folder that is no dataset yet; '' if no edit began there."""
    if not (root / UNFINISHED_NAME).is_file():
        return ''
    return (
        f'{root}: an edit that has not ended: run the same command again, which goes on where it '
        'was, or delete the folder'
    )
