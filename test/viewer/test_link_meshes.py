"""Triangles of links: found, read, made coarse, and replaced where a file is missing."""

import struct
import sys

import numpy as np
import pytest

from helpers.drawn_arms import joint, urdf
from helpers.known_urdfs import known_urdf
from helpers.three_arms import CONFIG
from neuracore_ros.viewer import link_meshes as link_meshes_module
from neuracore_ros.viewer.coarse_mesh import Triangles, area, coarse
from neuracore_ros.viewer.link_meshes import link_meshes

BOX = '<geometry><box size="0.2 0.4 0.6"/></geometry>'


def mesh_of(name, scale=''):
    return f'<geometry><mesh filename="{name}" {scale}/></geometry>'


def drawn(folder, visual, collision='', more=''):
    """The meshes of a URDF whose link `a` hangs on a joint and has such shapes."""
    shapes = f'<visual>{visual}</visual>' if visual else ''
    shapes += f'<collision>{collision}</collision>' if collision else ''
    links = f'<link name="pan">{shapes}</link>{more}'
    path = folder / 'robot.urdf'
    path.write_text(urdf(joint('pan')).replace('<joint', f'{links}<joint', 1))
    return link_meshes(path)


def write_stl(path, corners=((0, 0, 0), (1, 0, 0), (0, 1, 0))):
    """A binary STL of one triangle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.array([(0, 0, 1), *corners], np.float32).tobytes()
    path.write_bytes(bytes(80) + struct.pack('<I', 1) + numbers + bytes(2))


def bounds(meshes, link='pan'):
    points = np.concatenate([mesh.points for mesh in meshes.meshes if mesh.link == link])
    return np.round([points.min(axis=0), points.max(axis=0)], 4).tolist()


def test_boxes_cylinders_spheres_and_capsules_are_drawn_in_their_size(tmp_path):
    half_turn = '<origin xyz="1 0 0" rpy="0 0 1.5707963"/>'
    assert bounds(drawn(tmp_path, half_turn + BOX)) == [[0.8, -0.1, -0.3], [1.2, 0.1, 0.3]]
    cylinder = '<geometry><cylinder radius="0.1" length="1"/></geometry>'
    assert bounds(drawn(tmp_path, cylinder))[1] == pytest.approx([0.1, 0.1, 0.5])
    sphere = '<geometry><sphere radius="0.2"/></geometry>'
    assert bounds(drawn(tmp_path, sphere))[1] == pytest.approx([0.2, 0.2, 0.2])
    capsule = '<geometry><capsule radius="0.1" length="1"/></geometry>'
    assert bounds(drawn(tmp_path, capsule))[1] == pytest.approx([0.1, 0.1, 0.6], abs=2e-3)


@pytest.mark.parametrize(
    ('name', 'size', 'why'),
    [
        ('a.glb', 10, 'a.glb (.glb is none of STL, COLLADA and OBJ): '),
        ('a.stl', 40_000_000, 'a.stl (40 MB; up to 30 are read): '),
        ('a.stl', 10, 'a.stl (no triangle is read from it): '),
        ('a.stl', None, 'a.stl: '),
    ],
)
def test_the_note_says_why_a_file_is_not_read(tmp_path, name, size, why):
    if size is not None:
        with (tmp_path / name).open('wb') as file:
            file.truncate(size)
    assert f'such as {why}' in drawn(tmp_path, mesh_of(name)).note


@pytest.mark.parametrize(
    ('name', 'lies'),
    [
        ('meshes/a.stl', 'meshes/a.stl'),
        ('file://meshes/a.stl', 'meshes/a.stl'),
        ('package://arm_description/meshes/a.stl', 'arm_description/meshes/a.stl'),
        ('package://arm_description/meshes/a.STL', 'meshes/a.STL'),
        ('package://arm_description/a.stl', 'ros1/src/arm_description/a.stl'),
        ('package://arm_description/a.stl', 'prefix/share/arm_description/a.stl'),
        ('model://arm_description/a.stl', 'prefix/share/arm_description/a.stl'),
    ],
)
def test_a_mesh_is_found_where_ros_and_the_urdf_have_it(tmp_path, monkeypatch, name, lies):
    monkeypatch.setenv('ROS_PACKAGE_PATH', f'/nowhere:{tmp_path}/ros1/src')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path}/prefix:/nowhere')
    write_stl(tmp_path / lies)
    found = drawn(tmp_path, mesh_of(name, 'scale="1 2 1"'))
    assert bounds(found) == [[0, 0, 0], [1, 2, 0]]
    assert (found.missing, found.note) == ((), '')


@pytest.mark.parametrize('content', [None, b'', b'solid nothing', b'\0' * 84, b'\xff' * 2000])
def test_a_link_whose_mesh_is_missing_or_damaged_is_drawn_by_its_collision_shape(
    tmp_path, content
):
    if content is not None:
        (tmp_path / 'a.stl').write_bytes(content)
    found = drawn(tmp_path, mesh_of('a.stl'), BOX)
    assert bounds(found) == [[-0.1, -0.2, -0.3], [0.1, 0.2, 0.3]]
    assert found.missing == ('a.stl',)


def test_an_older_pinocchio_reads_meshes_by_the_older_name_of_its_library(tmp_path, monkeypatch):
    coal = pytest.importorskip('coal')
    monkeypatch.setitem(sys.modules, 'coal', None)
    write_stl(tmp_path / 'b.stl', ((0, 0, 0), (2, 0, 0), (0, 3, 0)))
    assert drawn(tmp_path, mesh_of('b.stl')).missing == ('b.stl',)
    link_meshes_module._link_meshes.cache_clear()
    link_meshes_module._file_triangles.cache_clear()
    monkeypatch.setitem(sys.modules, 'hppfcl', coal)
    assert bounds(drawn(tmp_path, mesh_of('b.stl'))) == [[0, 0, 0], [2, 3, 0]]


def test_a_link_that_has_nothing_else_is_drawn_as_a_rod_and_one_note_counts_them(tmp_path):
    more = ''.join(
        f'<link name="x{n}"><visual>{mesh_of(f"package://arms/{n}.dae")}</visual></link>'
        for n in range(3)
    )
    found = drawn(tmp_path, mesh_of('package://arms/a.stl'), more=more)
    assert {mesh.link for mesh in found.meshes} == {'pan', 'x0', 'x1', 'x2'}
    assert found.note.startswith('4 of 4 mesh files cannot be read, such as package://arms/a.stl')
    assert 'copy it beside the URDF' in found.note and '\n' not in found.note


@pytest.mark.parametrize(
    'shape',
    [
        '<geometry><box size="0 0 0"/></geometry>',
        '<geometry><box size="-1 1 1"/></geometry>',
        '<geometry><sphere radius="0"/></geometry>',
        '<geometry><cylinder radius="-1" length="1"/></geometry>',
        '<geometry><capsule radius="1" length="0"/></geometry>',
        '<geometry/>',
        '',
    ],
)
def test_shapes_without_size_are_no_traceback(tmp_path, shape):
    for mesh in drawn(tmp_path, shape).meshes:
        assert np.isfinite(mesh.points).all()


def test_colours_are_those_of_materials_named_or_own(tmp_path):
    more = '<material name="sky"><color rgba="0 0.5 1 1"/></material>'
    by_name = drawn(tmp_path, BOX + '<material name="sky"/>', more=more)
    assert [mesh.colour for mesh in by_name.meshes] == [(0.0, 0.5, 1.0, 1.0)]
    own = drawn(tmp_path, BOX + '<material name="x"><color rgba="2 0 0 0.4"/></material>')
    assert [mesh.colour for mesh in own.meshes] == [(1.0, 0.0, 0.0, 0.4)]
    wrong = drawn(tmp_path, BOX + '<material name="x"><color rgba="red"/></material>')
    assert [mesh.colour for mesh in wrong.meshes] == [None]


def test_a_urdf_without_shapes_is_drawn_from_joint_to_joint():
    found = link_meshes(CONFIG / 'franka.urdf')
    assert found.note == '' and {mesh.link for mesh in found.meshes} == {
        f'panda_link{number}' for number in range(8)
    }
    # The rod of the upper arm ends where the elbow is.
    low, high = bounds(found, 'panda_link3')
    assert high[0] > 0.0825 and low[1] <= 0.0


def test_a_sphere_of_many_triangles_becomes_one_of_few_in_its_place():
    around = np.linspace(0.0, 2 * np.pi, 200)
    up = np.linspace(-np.pi / 2, np.pi / 2, 100)
    a, b = np.meshgrid(around, up)
    points = np.stack([np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b)], -1).reshape(-1, 3)
    row, column = (each.ravel() for each in np.meshgrid(np.arange(99), np.arange(199)))
    corner = row * 200 + column
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + 200], -1),
            np.stack([corner + 1, corner + 201, corner + 200], -1),
        ]
    )
    fine = Triangles(points, triangles)
    few = coarse(fine, 500)
    assert 100 < len(few.triangles) <= 500
    assert area(few) == pytest.approx(4 * np.pi, rel=0.15)
    assert np.abs(np.linalg.norm(few.points, axis=1) - 1.0).max() < 0.1
    assert coarse(few, 500) is few


@pytest.mark.parametrize('name', ['panda', 'ur5', 'so101', 'tiago_dual', 'baxter'])
def test_well_known_robots_are_drawn_whole_by_few_triangles(name):
    found = link_meshes(known_urdf(name))
    assert found.missing == ()
    assert sum(len(mesh.triangles) for mesh in found.meshes) < 25_000
    for mesh in found.meshes:
        assert mesh.triangles.max() < len(mesh.points) and len(mesh.triangles)
        assert np.isfinite(mesh.points).all() and np.abs(mesh.points).max() < 2.0
