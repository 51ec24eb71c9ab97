"""Every script of benchmarks/ and experiments/ loads, so that its figures can be made again."""

import runpy

import pytest

from helpers.doc_workspace import ROOT

SCRIPTS = [*sorted(ROOT.glob('benchmarks/*.py')), *sorted(ROOT.glob('experiments/*.py'))]


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.stem)
def test_a_script_loads(script, monkeypatch):
    monkeypatch.syspath_prepend(str(script.parent))
    try:
        runpy.run_path(str(script), run_name='loaded')
    except ModuleNotFoundError as error:
        own = (error.name or '').split('.')[0]
        assert own not in {'neuracore_ros', *(path.stem for path in SCRIPTS)}, error
        pytest.skip(f'needs {error.name}')
