import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter

from neuracore_ros.errors import UserError
from neuracore_ros.node.parameters import SPECS, refuse_change
from neuracore_ros.node.spec import Spec

RATE = Spec('rate', 20.0, 'How often [Hz].', 1.0, 100.0)


@pytest.mark.parametrize('spec', SPECS, ids=lambda spec: spec.name)
def test_every_default_is_allowed_and_every_parameter_described(spec):
    assert spec.read(spec.default) == spec.default
    assert spec.text.endswith('.')
    assert spec.descriptor().description == spec.text


def test_an_integer_will_do_for_a_number():
    assert RATE.read(30) == 30.0
    assert type(RATE.read(30)) is float


@pytest.mark.parametrize(
    ('value', 'shown'),
    [(True, 'true'), ('30', "'30'"), (0.5, '0.5'), (float('nan'), 'nan'), ([1.0], '[1.0]')],
)
def test_a_wrong_value_is_named_with_what_is_allowed(value, shown):
    with pytest.raises(UserError) as said:
        RATE.read(value)
    assert str(said.value) == (
        f'parameter rate is {shown}; it must be a number from 1 to 100 (default 20.0): How often [Hz].'
    )


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('rearm', 'maybe', "parameter rearm is 'maybe'; it must be auto or manual"),
        ('blend', 'cubic', "blend is 'cubic'; it must be none or linear or min"),
        ('profile', 'rukig', "profile is 'rukig'; it must be spline or ruckig"),
        ('delay_steps', -1, 'delay_steps is -1; it must be an integer from 0'),
        ('precision', 'int8', "precision is 'int8'; it must be float32 or"),
        ('debug', 1, 'debug is 1; it must be true or false'),
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_refused(name, value, said):
    spec = next(spec for spec in SPECS if spec.name == name)
    with pytest.raises(UserError) as refused:
        spec.read(value)
    assert said in str(refused.value)


def test_a_truth_value_is_no_integer():
    with pytest.raises(UserError, match='an integer from 0 to 256'):
        next(spec for spec in SPECS if spec.name == 'threads').read(True)


@pytest.mark.parametrize('name', ['start_max', 'use_sim_time'])
def test_a_configured_node_keeps_its_parameters_and_its_time(name):
    result = refuse_change([Parameter(name, value=True)])
    assert (result.successful, result.reason) == (
        False,
        f'{name} is read by configure: clean up the node, then set it',
    )
