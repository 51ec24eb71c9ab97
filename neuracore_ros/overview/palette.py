"""What colours mean in the picture of a layout."""

from neuracore_ros.drafting.roles import Role
from neuracore_ros.overview.scene import Colour

GROUND = Colour('#ffffff', '#14181f')
INK = Colour('#1d2430', '#e7ebf2')
QUIET = Colour('#667085', '#98a2b3')
FAINT = Colour('#cfd6e1', '#3a4352')
TRAINED = Colour('#c3ccd9', '#4a5568')
PLAIN = Colour('#edf1f7', '#232b38')
PLAIN_EDGE = Colour('#8fa3bf', '#7388a8')
DOUBT = Colour('#c2660a', '#f5a34a')
REFUSED = Colour('#b42318', '#f97066')
GOOD = Colour('#14713d', '#4ccb86')

# Role -> its ground and its edge; what may share a slot has one colour.
_SWING = Colour('#e4efd5', '#2b3a1f'), Colour('#7ba23f', '#8fbd4c')
ROLES: dict[Role, tuple[Colour, Colour]] = {
    Role.SLIDE: (Colour('#f3ead0', '#3b3420'), Colour('#b08d2e', '#c7a548')),
    Role.BASE_YAW: (Colour('#dde7f8', '#1f2f4a'), Colour('#4b7bd0', '#6b9bf0')),
    Role.SHOULDER_PITCH: (Colour('#d5eeea', '#17383a'), Colour('#2a9d8f', '#45bfb0')),
    Role.UPPER_ARM_ROLL: (Colour('#e9e0f5', '#32274a'), Colour('#8f67c9', '#ab87e2')),
    Role.ELBOW_PITCH: (Colour('#fde6cf', '#452d17'), Colour('#e08a2e', '#eda04d')),
    Role.FOREARM_ROLL: _SWING,
    Role.WRIST_YAW: _SWING,
    Role.WRIST_PITCH: (Colour('#f9dbe0', '#4a222c'), Colour('#d1586f', '#e57f93')),
    Role.FLANGE_ROLL: (Colour('#e3e5ea', '#2e333d'), Colour('#737b8c', '#98a1b3')),
}
