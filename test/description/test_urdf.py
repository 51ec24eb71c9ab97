"""URDFs as they are found: other encodings, leftovers of xacro, prefixes, comments."""

import os
from pathlib import Path

import pytest

from neuracore_ros.description.urdf import read_urdf
from neuracore_ros.errors import DescriptionError

JOINT = (
    '<joint name="{name}" type="revolute"><parent link="a"/><child link="b"/>'
    '<limit lower="-2" upper="2" velocity="3"/></joint>'
)
ARM = '<robot name="arm">' + JOINT.format(name='q1') + '</robot>'


@pytest.fixture
def read(tmp_path):
    """Reads a URDF of these bytes or this text; returns the names of its joints."""

    def run(written):
        path = tmp_path / 'arm.urdf'
        path.write_bytes(written if isinstance(written, bytes) else written.encode())
        return list(read_urdf(path).limits)

    return run


@pytest.fixture
def refused(read):
    """Reads what is no URDF; returns the one line that says why."""

    def run(written):
        with pytest.raises(DescriptionError) as error:
            read(written)
        return str(error.value)

    return run


@pytest.mark.parametrize(
    'inside',
    [
        '<!-- <xacro:include filename="$(find somewhere)/hand.xacro"/> -->',
        '<!-- ${prefix} is written out -->',
        '<gazebo><plugin filename="$(find x)/y"><![CDATA[<xacro:if value="${a}"/>]]></plugin></gazebo>',
        '<gazebo:plugin xlink:href="x"/>',
        '<link name="xacro:like"/>',
        '<transmission name="q1"><joint name="q1" type="revolute"/></transmission>',
    ],
)
@pytest.mark.parametrize('space', ['', ' xmlns:xacro="http://www.ros.org/wiki/xacro"'])
def test_only_elements_and_values_of_joints_make_a_urdf_xacro(read, inside, space):
    assert read(
        ARM.replace('<robot', f'<robot{space}').replace('</robot>', f'{inside}</robot>')
    ) == ['q1']


@pytest.mark.parametrize(
    'text',
    [
        ARM.replace('</robot>', '<xacro:arm name="a"/></robot>'),
        ARM.replace('</robot>', '<link name="a"><xacro:inertia/></link></robot>'),
        '<robot xmlns:x="http://www.ros.org/wiki/xacro"><x:arm name="a"/></robot>',
        ARM.replace('q1', '${prefix}q1'),
        ARM.replace('upper="2"', 'upper="$(arg reach)"'),
    ],
)
def test_macros_and_values_that_are_to_be_computed_are_xacro(refused, text):
    assert 'arm.urdf: is xacro, not URDF: xacro ' in refused(text)


def test_a_default_namespace_is_passed_over(read):
    assert read(ARM.replace('<robot', '<robot xmlns="http://drake.mit.edu"')) == ['q1']


def test_space_before_the_declaration_is_passed_over(read):
    assert read(f'\n\n<?xml version="1.0"?>\n{ARM}') == ['q1']


@pytest.mark.parametrize(
    ('encoding', 'name'),
    [
        ('gb2312', '关节'),
        ('gb2312', '镕'),  # of GBK only, as files that say gb2312 have it
        ('gbk', '关节'),
        ('gb18030', '关节'),
        ('Shift_JIS', '関節'),
        ('euc-jp', '関節'),
        ('big5', '關節'),
        ('euc-kr', '관절'),
        ('ISO-8859-1', 'Gelenk_ä'),
        ('windows-1252', 'Gelenk_€'),
        ('koi8-r', 'сустав'),
        ('utf-8', '关节'),
        ('utf-16', '关节'),
    ],
)
def test_a_urdf_is_read_in_the_encoding_that_it_names(read, encoding, name):
    codec = 'gbk' if encoding == 'gb2312' else encoding
    text = f'<?xml version="1.0" encoding="{encoding}"?>{ARM}'.replace('q1', name)
    assert read(text.encode(codec)) == [name]


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32'])
def test_a_byte_order_mark_or_the_width_of_letters_is_enough(read, encoding):
    assert read(ARM.encode(encoding)) == ['q1']


@pytest.mark.parametrize(
    ('declared', 'reason'),
    [
        ('klingon', "names an encoding that is not known, 'klingon': save it in UTF-8"),
        ('hex', "names an encoding that is not known, 'hex'"),
        ('', "names an encoding that is not known, ''"),
        ('undefined', "names an encoding that is not known, 'undefined'"),
        ('é', 'names an encoding that is not known'),
        ('utf-7', 'line 2 is not text in UTF-7'),
        ('utf-8', 'line 2 is not text in UTF-8'),
        ('gbk', 'line 2 is not text in GBK'),
    ],
)
def test_text_that_cannot_be_decoded_is_refused_in_one_line(refused, declared, reason):
    text = f'<?xml version="1.0" encoding="{declared}"?>\n'.encode()
    assert reason in refused(text + b'<robot name="+-\xff\xff"/>')


def test_what_is_no_urdf_is_refused(refused):
    assert 'is not XML' in refused(b'')
    assert 'is not XML' in refused('<robot>&nothing;</robot>')
    assert 'its root is <sdf>' in refused('<sdf/>')
    assert "joint 'q1' is given twice" in refused(ARM.replace('</robot>', ARM[18:]))


def test_a_pipe_is_refused_since_the_robot_file_could_not_name_it(tmp_path):
    os.mkfifo(tmp_path / 'arm.urdf')
    with pytest.raises(DescriptionError, match='is a named pipe, not a file'):
        read_urdf(Path(tmp_path / 'arm.urdf'))
