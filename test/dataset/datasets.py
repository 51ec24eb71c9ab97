"""Datasets in a form that can be compared."""

import json


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
