"""The XML of a URDF: its text in whatever encoding it names, and its elements."""

import codecs
import re
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from neuracore_ros.errors import DescriptionError, unreadable
from neuracore_ros.given_path import in_shell
from neuracore_ros.regular_file import read_bytes

_DECLARED = re.compile(rb'\s*<\?xml[^>]*?\sencoding\s*=\s*["\']([^"\']*)["\']')
_MARKS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF32_LE: 'utf-32',
    codecs.BOM_UTF32_BE: 'utf-32',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
    b'<\0': 'utf-16-le',
    b'\0<': 'utf-16-be',
}
# Files that name the older standard are written with letters of the newer one.
_SUPERSETS = {
    'gb2312': 'gb18030',
    'gbk': 'gb18030',
    'shift_jis': 'cp932',
    'euc_kr': 'cp949',
    'big5': 'cp950',
}
_XACRO = 'xacro'


def read_urdf_text(path: Path) -> str:
    """The text of a URDF file.

    Raises:
        DescriptionError: There is no such file, or it is not text in the encoding that it names.
    """
    try:
        written = read_bytes(path)
    except OSError as error:
        raise DescriptionError(unreadable(path, error, ('.urdf',))) from error
    encoding = _encoding(written)
    try:
        codec = codecs.lookup(encoding).name
        return written.decode(_SUPERSETS.get(codec, codec))
    except UnicodeDecodeError as error:
        line = written[: error.start].count(b'\n') + 1
        raise DescriptionError(
            f'{path}: is no URDF: line {line} is not text in {encoding.upper()}'
        ) from error
    except (LookupError, ValueError) as error:
        raise DescriptionError(
            f"{path}: names an encoding that is not known, '{encoding}': save it in UTF-8"
        ) from error


def parse_robot_element(text: str, where: Path | str) -> ElementTree.Element:
    """The element ``robot`` of a URDF.

    Prefixes of names are kept as they are written, and need not be bound to a namespace: what
    reads URDFs on a robot knows no namespaces either. The encoding that the text names is of no
    interest any more.

    Raises:
        DescriptionError: It is not XML, no URDF, or xacro that is not yet expanded.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    try:
        parser.Parse(text.lstrip('\ufeff \t\r\n'), True)
        root = builder.close()
    except (expat.ExpatError, ValueError) as error:
        raise DescriptionError(f'{where}: is not XML: {error}') from error
    if root.tag != 'robot':
        raise DescriptionError(f'{where}: is no URDF: its root is <{root.tag}>, not <robot>')
    if _is_xacro(root):
        how = f': xacro {in_shell(where)} > robot.urdf' if isinstance(where, Path) else ''
        raise DescriptionError(f'{where}: is xacro, not URDF{how}')
    return root


def _encoding(written: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if written.startswith(mark):
            return encoding
    declared = _DECLARED.match(written)
    return declared[1].decode('ascii', 'replace') if declared else 'utf-8'


def _is_xacro(root: ElementTree.Element) -> bool:
    """True if macros or values of joints are not yet expanded."""
    prefixes = {_XACRO}
    for element in root.iter():
        for key, value in element.attrib.items():
            if key.startswith('xmlns:') and _XACRO in value:
                prefixes.add(key.removeprefix('xmlns:'))
        if element.tag.partition(':')[0] in prefixes and ':' in element.tag:
            return True
    read = [root.attrib]
    read += [part.attrib for joint in root.findall('joint') for part in joint.iter()]
    values = [value for attributes in read for value in attributes.values()]
    return any('${' in value or '$(' in value for value in values)
