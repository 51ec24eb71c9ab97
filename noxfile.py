"""What the tests say on each Python, NumPy and ROS 2: ``make matrix``, or ``nox`` with a choice.

nox finds ``python3.10`` to ``python3.13`` on the PATH; what it does not find is not tested, and
the table says so. uv makes the environments: it links packages from one cache, so that PyTorch
lies on the disk once per Python, not once per environment.

Each folder of tests is a part of its own, whose result is kept in ``build/matrix``: who
interrupts loses one part, and a second call runs what is left and what failed.
"""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import nox
from nox.command import CommandFailed

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
EXTRAS = {'none': 'kinematics,train,dev', 'jazzy': 'jazzy,train,dev', 'kilted': 'ros,train,dev'}

EVERYTHING = tuple(
    sorted(
        {
            str(test if test.parent.name == 'test' else test.parent)
            for test in Path('test').rglob('test_*.py')
        }
    )
)
# Files of tests in real time, which a busy machine fails, are parts of their own.
WITH_ROS = (
    *sorted(
        str(test) for area in ('node', 'sim') for test in Path('test', area).glob('test_*.py')
    ),
    'test/observation',
    'test/scaffold/test_live_draft.py',
    'test/faults/test_clock_faults.py',
    'test/faults/test_process_faults.py',
    'test/faults/test_faults_in_motion.py',
)

PYTEST = ('python', '-m', 'pytest', '-q', '--continue-on-collection-errors')
FAILED = ('--last-failed', '--last-failed-no-failures', 'none')
ROWS = Path('build', 'matrix')
VERSIONS = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
def of(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return ''
print(json.dumps({'Python': platform.python_version(), **{p: of(p) for p in %r}}))
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
    test(session, numpy, 'none')


@nox.session
@nox.parametrize(('python', 'numpy', 'distribution'), ROS)
def ros(session: nox.Session, numpy: str, distribution: str) -> None:
    """What uses ROS 2, on the wheels of a distribution."""
    test(session, numpy, distribution)


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Print what was tested; with ``-- PAGE.md`` also write it into that page."""
    text = '\n'.join(('', BEGIN, *table_lines(), END))
    print(text)
    for page in map(Path, session.posargs):
        before, _, rest = page.read_text(encoding='utf-8').partition(f'\n{BEGIN}')
        after = rest.partition(END)[2]
        page.write_text(before + text + after, encoding='utf-8')


def parts_of(distribution: str) -> tuple[str, ...]:
    """The folders and files whose tests make a row."""
    return EVERYTHING if distribution == 'none' else WITH_ROS


def row_of(python: object, numpy: str, distribution: str) -> Path:
    """The folder that keeps what was found."""
    return ROWS / f'{distribution}-{python}-{numpy}'


def result(row: Path, part: str) -> Path:
    """The file that keeps what was found of a part."""
    return row / f'{part.replace("/", "-")}.json'


def passed(row: Path, part: str) -> bool:
    """Whether a part was tested, and nothing failed."""
    path = result(row, part)
    return path.is_file() and not json.loads(path.read_text(encoding='utf-8'))['failed']


def write(path: Path, found: dict[str, object]) -> None:
    """Whole or not at all."""
    draft = path.with_suffix('.part')
    draft.write_text(json.dumps(found), encoding='utf-8')
    draft.replace(path)


def test(session: nox.Session, numpy: str, distribution: str) -> None:
    """Install, and run the parts that are left; or of them those named after ``--``."""
    row, environment = row_of(session.python, numpy, distribution), session.virtualenv.location
    words = tuple(session.posargs) or ('test',)
    parts = [part for part in parts_of(distribution) if part.startswith(words)]
    if not parts:
        session.error(f'{" ".join(words)}: choose among {" ".join(parts_of(distribution))}')
    left = [part for part in parts if not passed(row, part)]
    if not left:
        shutil.rmtree(environment)
        session.skip(f'nothing is left of it; to test it again, remove {row}')
    session.log(f'{len(parts) - len(left)} parts have passed; left: {" ".join(left)}')
    row.mkdir(parents=True, exist_ok=True)
    session.env.update(NO_OTHER_ROS)
    session.install('--editable', f'.[{EXTRAS[distribution]}]', f'numpy=={numpy}.*')
    versions = session.run('python', '-c', VERSIONS % (PACKAGES,), silent=True)
    if versions is None:  # --install-only
        return
    write(row / 'versions.json', json.loads(str(versions)))
    commit = session.run('git', 'rev-parse', '--short', 'HEAD', external=True, silent=True)
    failed: list[str] = []
    for part in left:
        found = {**run(session, row, part), 'commit': str(commit).strip()}
        write(result(row, part), found)
        failed += found['failed']
    if failed:
        session.error(f'{len(failed)} failed: {" ".join(failed)}')
    # That of a row that failed stays for who looks into it, with `nox -R`.
    if all(passed(row, part) for part in parts_of(distribution)):
        shutil.rmtree(environment)


def run(session: nox.Session, row: Path, part: str) -> dict[str, object]:
    """Test a part, and what failed a second time, alone: the machine may have been busy."""
    report, cache = row / 'report.xml', f'cache_dir={row.resolve()}/.cache'
    runs = []
    for words in ((part,), (part, *FAILED)):
        report.unlink(missing_ok=True)
        try:
            # 1: a test failed, 5: none was there. Go on and count.
            session.run(
                *PYTEST, '-o', cache, f'--junitxml={report}', *words, success_codes=[0, 1, 5]
            )
        except CommandFailed:
            return {'tests': 0, 'skipped': 0, 'at_first': 0, 'failed': [f'{part} (all of it)']}
        suite = ElementTree.parse(report).getroot()[0]
        runs.append(suite)
        if not failures(suite):
            break
    first, last = runs[0], runs[-1]
    return {
        'tests': int(first.get('tests', 0)),
        'skipped': int(first.get('skipped', 0)),
        'at_first': len(failures(first)),
        'failed': failures(last),
    }


def failures(suite: ElementTree.Element) -> list[str]:
    """The tests of a report that failed or could not run."""
    return [
        f'{case.get("classname")}.{case.get("name")}'
        for case in suite.iter('testcase')
        if case.find('failure') is not None or case.find('error') is not None
    ]


PACKAGES = ('numpy', 'torch', 'opencv-python-headless', 'pyarrow', 'av', 'ros-rclpy')
HEADS = 'Python', 'NumPy', 'ROS 2', 'PyTorch', 'OpenCV', 'result', 'tests', 'command'


def table_lines() -> list[str]:
    """The rows of the matrix as a Markdown table, and the names of what failed."""
    lines = ['| ' + ' | '.join(HEADS) + ' |', '| ---' * len(HEADS) + ' |']
    failed = []
    for python, numpy, distribution in [(*pair, 'none') for pair in TOOLS] + ROS:
        row, parts = row_of(python, numpy, distribution), parts_of(distribution)
        done = [part for part in parts if result(row, part).is_file()]
        if not done:
            cells = [python, numpy, distribution, '', '', 'not tested', '']
        else:
            versions = json.loads((row / 'versions.json').read_text(encoding='utf-8'))
            found = [json.loads(result(row, part).read_text(encoding='utf-8')) for part in done]
            total = {key: sum(one[key] for one in found) for key in COUNTS}
            names = [name for one in found for name in one['failed']]
            failed += [f'* {distribution}, Python {python}, NumPy {numpy}: `{n}`' for n in names]
            cells = [
                versions['Python'],
                versions['numpy'],
                ' '.join(filter(None, (distribution, versions['ros-rclpy']))),
                versions['torch'],
                versions['opencv-python-headless'],
                result_of(total, len(names)),
                chosen(done, [part for part in parts if part not in done]),
            ]
        cells.append(command(python, numpy, distribution))
        lines.append('| ' + ' | '.join(map(str, cells)) + ' |')
    return [*lines, *(['', 'What failed twice:', '', *failed] if failed else [])]


COUNTS = 'tests', 'skipped', 'at_first'


def result_of(total: dict[str, int], failed: int) -> str:
    """Say what became of the tests of a row."""
    again = total['at_first'] - failed
    parts = [
        f'{failed} failed' if failed else '',
        f'{total["tests"] - failed - total["skipped"]} passed',
        f'{again} of them at the second attempt' if again else '',
        f'{total["skipped"]} skipped' if total['skipped'] else '',
    ]
    return ', '.join(filter(None, parts))


def command(python: str, numpy: str, distribution: str) -> str:
    """Name the command that tests a row."""
    if distribution == 'none':
        return f"`nox -s \"tools(python='{python}', numpy='{numpy}')\"`"
    where = f"python='{python}', numpy='{numpy}', distribution='{distribution}'"
    return f'`nox -s "ros({where})"`'


def chosen(done: list[str], left: list[str]) -> str:
    """Say in few words which parts were tested."""
    if not left:
        return 'all'
    counts: dict[str, list[int]] = {}
    for part in sorted(done + left):
        counts.setdefault(part.split('/')[1], []).append(part in done)
    lacking = [area for area, parts in counts.items() if not all(parts)]
    if len(lacking) < len(counts) / 2 and not any(any(counts[area]) for area in lacking):
        return 'all but ' + ', '.join(lacking)
    return ', '.join(
        area if all(parts) else f'{area} ({sum(parts)} of {len(parts)} files)'
        for area, parts in counts.items()
        if any(parts)
    )
