"""Examples that hypothesis draws: the same in every process, whatever else is imported there."""

import importlib.util
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_what_else_is_imported_does_not_change_the_examples(tmp_path: Path):
    before = examples()
    numbers = random.Random(0).sample(range(10**6), 1000)
    module = tmp_path / 'imported_meanwhile.py'
    module.write_text(f'numbers = {numbers}\n')
    spec = importlib.util.spec_from_file_location(module.stem, module)
    assert spec is not None and spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.stem, imported)
        spec.loader.exec_module(imported)
        assert examples() == before


def examples() -> list[int]:
    drawn = []

    @settings(max_examples=300)
    @given(st.integers(0, 10**6))
    def draw(number: int) -> None:
        drawn.append(number)

    draw()
    return drawn
