"""Names of files are text on the page, whatever they hold."""

import pytest

from neuracore_ros.viewer import markup

NASTY = '<img src=x onerror="alert(1)">&\x1b[0m'
MADE = {
    'line': markup.line(NASTY),
    'grey': markup.grey(NASTY),
    'warnings': markup.warnings([NASTY]),
    'listed': markup.listed([NASTY]),
    'table': markup.table([NASTY], [[NASTY]], [True]),
    'diff': markup.diff([f'+{NASTY}']),
}


@pytest.mark.parametrize('made', MADE.values(), ids=MADE)
def test_a_name_is_no_tag(made):
    assert '<img' not in made and 'onerror="' not in made and '\x1b' not in made
    assert '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;' in made


def test_nothing_is_nothing():
    assert markup.warnings([]) == ''
