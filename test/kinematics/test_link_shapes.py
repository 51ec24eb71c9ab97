"""Points on the shapes of links."""

import numpy as np
import pytest

from neuracore_ros.kinematics.link_shapes import link_points


@pytest.fixture
def points(tmp_path):
    def of(*shapes, more=''):
        path = tmp_path / 'robot.urdf'
        drawn = ''.join(f'<collision>{shape}</collision>' for shape in shapes)
        path.write_text(f'<robot name="r"><link name="a">{drawn}{more}</link></robot>')
        return link_points(path, {'a'}).get('a')

    return of


def ends(found):
    return np.round([found.min(axis=0), found.max(axis=0)], 4).tolist()


def test_boxes_cylinders_and_spheres_have_the_corners_of_their_boxes(points):
    box = '<geometry><box size="0.2 0.4 0.6"/></geometry>'
    assert ends(points(box)) == [[-0.1, -0.2, -0.3], [0.1, 0.2, 0.3]]
    placed = '<origin xyz="1 0 0" rpy="0 0 1.5707963"/>' + box
    assert ends(points(placed)) == [[0.8, -0.1, -0.3], [1.2, 0.1, 0.3]]
    cylinder = '<geometry><cylinder radius="0.1" length="1"/></geometry>'
    sphere = '<geometry><sphere radius="0.2"/></geometry>'
    assert ends(points(cylinder, sphere)) == [[-0.2, -0.2, -0.5], [0.2, 0.2, 0.5]]


def test_what_collides_goes_before_what_is_seen(points):
    seen = '<visual><geometry><box size="2 2 2"/></geometry></visual>'
    box = '<geometry><box size="0.2 0.4 0.6"/></geometry>'
    assert ends(points(box, more=seen))[1] == [0.1, 0.2, 0.3]
    assert ends(points(more=seen))[1] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    'shape',
    [
        '',
        '<geometry/>',
        '<geometry><box size="1 2"/></geometry>',
        '<geometry><box size="a b c"/></geometry>',
        '<geometry><box size="nan 1 1"/></geometry>',
        '<geometry><cylinder radius="1"/></geometry>',
        '<geometry><sphere radius="inf"/></geometry>',
        '<geometry><mesh filename="package://nowhere/a.stl"/></geometry>',
        '<geometry><mesh filename="robot.urdf"/></geometry>',
        '<geometry><mesh/></geometry>',
        '<origin xyz="1 2"/><geometry><box size="1 1 1"/></geometry>',
    ],
)
def test_a_shape_that_cannot_be_read_is_left_out(points, shape):
    assert points(shape) is None


STL = """solid a
facet normal 0 0 1
outer loop
vertex 0 0 0
vertex 0.5 0 0
vertex 0 0.25 0
endloop
endfacet
endsolid a
"""


def test_a_mesh_gives_its_points_in_its_scale(points, tmp_path):
    pytest.importorskip('coal')
    (tmp_path / 'meshes').mkdir()
    (tmp_path / 'meshes' / 'a.stl').write_text(STL)
    mesh = '<geometry><mesh filename="{}" scale="2 1 1"/></geometry>'
    for name in ('meshes/a.stl', 'package://its_package/meshes/a.stl'):
        assert ends(points(mesh.format(name))) == [[0, 0, 0], [1.0, 0.25, 0]]


def test_a_mesh_that_is_none_is_left_out(points, tmp_path):
    pytest.importorskip('coal')
    for name, content in (('a.stl', 'solid'), ('a.dae', '<no>'), ('a.obj', 'v 1')):
        (tmp_path / name).write_text(content)
        assert points(f'<geometry><mesh filename="{name}"/></geometry>') is None
