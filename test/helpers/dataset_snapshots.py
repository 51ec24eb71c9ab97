"""Datasets in a form that can be compared."""

import json

from neuracore_ros.cli.main import main


def contents(dataset):
    """Name -> content of every file; frames are compared by the bytes of their video."""
    found = {}
    for path in sorted(p for p in dataset.rglob('*') if p.is_file()):
        name = str(path.relative_to(dataset))
        if path.suffix == '.json':
            found[name] = json.loads(path.read_text())
        elif path.suffix in {'.mp4', '.parquet'}:
            found[name] = path.read_bytes()
        elif not name.endswith('.lock'):
            found[name] = 'leftover'
    return found


def converted_alone(folder, arguments):
    """The contents of what one process makes of recordings, one of which is not there."""
    dataset = folder / 'data'
    assert main(['convert', str(dataset), *arguments]) == 1
    return contents(dataset)
