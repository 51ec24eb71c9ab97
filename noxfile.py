"""What the tests say on each Python, NumPy and ROS 2: ``make matrix``, or ``nox`` with a choice.

nox finds ``python3.10`` to ``python3.13`` on the PATH; what it does not find is not tested, and
the table says so. uv makes the environments: it links packages from one cache, so that PyTorch
lies on the disk once per Python, not once per environment.
"""

import json
import time
from pathlib import Path
from xml.etree import ElementTree

import nox

nox.needs_version = '>=2025.2.9'
nox.options.default_venv_backend = 'uv'
nox.options.download_python = 'never'
nox.options.stop_on_first_error = False

# Python 3.12 with NumPy 1.26 is what Ubuntu 24.04, so ROS 2 Jazzy and Kilted, has. There is no
# NumPy 1.26 for Python 3.13; for Python 3.10, NumPy 2 ends with 2.2.
TOOLS = [('3.10', '1.26'), ('3.11', '2'), ('3.12', '1.26'), ('3.12', '2'), ('3.13', '2')]
ROS = [
    ('3.12', '1.26', 'jazzy'),
    ('3.13', '2', 'jazzy'),
    ('3.10', '2', 'kilted'),
    ('3.11', '2', 'kilted'),
    ('3.12', '1.26', 'kilted'),
    ('3.13', '2', 'kilted'),
]
EXTRAS = {'none': 'train,dev', 'jazzy': 'jazzy,train,dev', 'kilted': 'ros,train,dev'}

# In processes of their own, for the reason that the Makefile gives.
EVERYTHING = (
    ('--ignore', 'test/policy', '--ignore', 'test/training'),
    ('test/policy',),
    ('test/training',),
)
WITH_ROS = (
    (
        'test/node',
        'test/sim',
        'test/observation',
        'test/drafting/test_live_draft.py',
        'test/faults/test_clock_faults.py',
        'test/faults/test_process_faults.py',
        'test/faults/test_faults_in_motion.py',
    ),
)

PYTEST = ('python', '-m', 'pytest', '-q', '--continue-on-collection-errors')
ROWS = Path('build', 'matrix')
VERSIONS = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
def of(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return ''
print(json.dumps({'python': platform.python_version(), **{p: of(p) for p in %r}}))
"""
# A second ROS 2 in the environment would be tested instead of the wheels.
NO_OTHER_ROS = dict.fromkeys(
    ('AMENT_PREFIX_PATH', 'COLCON_PREFIX_PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'ROS_DISTRO')
)
BEGIN, END = '<!-- made by: nox -s table -->', '<!-- table ends -->'


@nox.session
@nox.parametrize(('python', 'numpy'), TOOLS)
def tools(session: nox.Session, numpy: str) -> None:
    """The core and the tools where no ROS 2 is; what needs one skips itself."""
    test(session, numpy, 'none', EVERYTHING)


@nox.session
@nox.parametrize(('python', 'numpy', 'distribution'), ROS)
def ros(session: nox.Session, numpy: str, distribution: str) -> None:
    """What uses ROS 2, on the wheels of a distribution."""
    test(session, numpy, distribution, WITH_ROS)


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Print what was tested; with ``-- PAGE.md`` also write it into that page."""
    text = '\n'.join(('', BEGIN, *table_lines(), END))
    print(text)
    for page in map(Path, session.posargs):
        before, _, rest = page.read_text(encoding='utf-8').partition(f'\n{BEGIN}')
        after = rest.partition(END)[2]
        page.write_text(before + text + after, encoding='utf-8')


def test(
    session: nox.Session, numpy: str, distribution: str, runs: tuple[tuple[str, ...], ...]
) -> None:
    """Install, run pytest once per entry of ``runs`` (or once with what follows ``--``), count."""
    row = ROWS / f'{distribution}-{session.python}-{numpy}.json'
    row.unlink(missing_ok=True)
    row.parent.mkdir(parents=True, exist_ok=True)
    session.env.update(NO_OTHER_ROS)
    pin = f'numpy=={numpy}.*'
    session.install('--editable', f'.[{EXTRAS[distribution]}]', pin)
    versions = session.run('python', '-c', VERSIONS % (PACKAGES,), silent=True)
    if versions is None:  # --install-only
        return
    begin_s = time.monotonic()
    counts = dict.fromkeys(('tests', 'skipped', 'failures', 'errors'), 0)
    for number, words in enumerate([tuple(session.posargs)] if session.posargs else runs):
        report = row.with_suffix(f'.{number}.xml')
        report.unlink(missing_ok=True)
        # 1: a test failed, 5: none was there. Go on and count.
        session.run(*PYTEST, f'--junitxml={report}', *words, success_codes=[0, 1, 5])
        suite = ElementTree.parse(report).getroot()[0]
        counts = {key: counts[key] + int(suite.get(key, 0)) for key in counts}
    minutes = round((time.monotonic() - begin_s) / 60)
    found = {**json.loads(str(versions)), **counts, 'ros': distribution, 'minutes': minutes}
    found['chosen'] = bool(session.posargs)
    row.write_text(json.dumps(found), encoding='utf-8')
    if counts['failures'] + counts['errors']:
        session.error(f'{counts["failures"]} tests failed, {counts["errors"]} could not run')


PACKAGES = ('numpy', 'torch', 'opencv-python-headless', 'pyarrow', 'av', 'ros-rclpy')
HEADS = 'Python', 'NumPy', 'ROS 2', 'PyTorch', 'OpenCV', 'passed', 'failed', 'skipped', 'tests'


def table_lines() -> list[str]:
    """The rows of the matrix as a Markdown table, with those that were not tested."""
    lines = ['| ' + ' | '.join(HEADS) + ' |', '| ---' * len(HEADS) + ' |']
    for python, numpy, distribution in [(*pair, 'none') for pair in TOOLS] + ROS:
        path = ROWS / f'{distribution}-{python}-{numpy}.json'
        if not path.is_file():
            cells = [python, numpy, distribution, 'not tested', *[''] * (len(HEADS) - 4)]
        else:
            row = json.loads(path.read_text(encoding='utf-8'))
            failed = row['failures'] + row['errors']
            cells = [
                row['python'],
                row['numpy'],
                ' '.join(filter(None, (distribution, row['ros-rclpy']))),
                row['torch'],
                row['opencv-python-headless'],
                row['tests'] - failed - row['skipped'],
                failed,
                row['skipped'],
                'a choice' if row.get('chosen', True) else 'all of them',
            ]
        lines.append('| ' + ' | '.join(map(str, cells)) + ' |')
    return lines
