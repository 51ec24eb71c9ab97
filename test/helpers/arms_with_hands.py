"""Arms of five joints that stand upright, with a hand of two fingers, drawn in several ways."""

BOX = (
    '<collision><origin xyz="{xyz}"/><geometry><box size="0.02 0.02 0.06"/></geometry></collision>'
)


def joint(name, parent, child, kind='revolute', xyz='0 0 0', rpy='0 0 0', axis='0 0 1', more=''):
    """A joint of a URDF; an elbow bends one way only."""
    low, high = (0.0, 0.04) if kind == 'prismatic' else (-2.9, 2.9)
    low = -0.3 if name == 'elbow' else low
    limit = f'<limit lower="{low}" upper="{high}" velocity="2" effort="9"/>'
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/>'
        f'{"" if kind == "fixed" else limit}{more}</joint>'
    )


def arm(size=1.0, flange='0 0 0', facing='0 0 0', fingers=True, tcp='', shapes=True):
    """The URDF of an arm.

    Args:
        size: Of its links, of which upper arm and forearm are 0.4 m and 0.3 m long.
        flange: Turn of the hand's frame as it is drawn, about x, y and z.
        facing: Turn of the base as it is drawn, against all that it carries.
        fingers: Whether it has some; they slide along y of the palm, whose z is the approach.
        tcp: Position of a link that is called tcp, in the palm; '' for none.
        shapes: Whether fingers are drawn.
    """
    box = BOX.format(xyz='0 0 0.03') if shapes else ''
    links = ['world', 'base', 'l1', 'l2', 'l3', 'l4', 'l5', 'palm']
    made = [
        joint('mount', 'world', 'base', 'fixed', '0 0 0.5'),
        joint('pan', 'base', 'l1', xyz=f'0 0 {0.1 * size}', rpy=facing),
        joint('lift', 'l1', 'l2', xyz=f'0 0 {0.1 * size}', axis='0 1 0'),
        joint('elbow', 'l2', 'l3', xyz=f'0 0 {0.4 * size}', axis='0 1 0'),
        joint('wrist', 'l3', 'l4', xyz=f'0 0 {0.3 * size}', axis='0 1 0'),
        joint('roll', 'l4', 'l5', xyz='0 0 0.05', axis='0 0 1'),
        joint('hold', 'l5', 'palm', 'fixed', '0 0 0.05', flange),
    ]
    if fingers:
        mimic = '<mimic joint="finger_a"/>'
        made += [
            joint('finger_a', 'palm', 'fa', 'prismatic', '0 0.01 0.05', axis='0 1 0'),
            joint(
                'finger_b', 'palm', 'fb', 'prismatic', '0 -0.01 0.05', axis='0 -1 0', more=mimic
            ),
        ]
    if tcp:
        made.append(joint('at', 'palm', 'tcp', 'fixed', tcp))
    drawn = ''.join(f'<link name="{name}"/>' for name in links)
    if fingers:
        drawn += f'<link name="fa">{box}</link><link name="fb">{box}</link>'
    drawn += '<link name="tcp"/>' if tcp else ''
    return f'<robot name="upright">{drawn}{"".join(made)}</robot>'


JOINTS = ('pan', 'lift', 'elbow', 'wrist', 'roll')
