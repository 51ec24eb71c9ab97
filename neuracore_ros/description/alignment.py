"""What looks misaligned in a layout: no error, but worth a second look."""

from neuracore_ros.description.cross_embodiment import Descriptions
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout


def alignment_warnings(descriptions: Descriptions) -> list[str]:
    """One line for each name at several indices, and for each slot that one robot fills.

    Sharing a slot is what lets robots learn from one another; a name that sits elsewhere on
    another robot probably means the same joint at two slots.
    """
    if descriptions.input == descriptions.output:
        return _of_role('', descriptions.input)
    return _of_role('input ', descriptions.input) + _of_role('output ', descriptions.output)


def _of_role(role: str, robots: CrossEmbodimentDescription) -> list[str]:
    found = []
    for kind, width in Layout.of(robots.values()).widths.items():
        indices: dict[str, dict[int, list[str]]] = {}
        for robot, description in robots.items():
            for index, name in description.get(kind, {}).items():
                indices.setdefault(name, {}).setdefault(index, []).append(robot)
        for name, places in indices.items():
            if len(places) > 1:
                where = ', '.join(f'{i} ({", ".join(who)})' for i, who in sorted(places.items()))
                found.append(
                    f"{role}{kind}: '{name}' sits at several indices: {where}. If it means the "
                    'same on each robot, give it one index'
                )
        for index in range(width):
            users = [robot for robot in robots if index in robots[robot].get(kind, {})]
            if len(users) == 1 and len(robots) > 1:
                name = robots[users[0]][kind][index]
                found.append(
                    f"{role}{kind} index {index}: only '{users[0]}' fills it ('{name}'): "
                    'it learns this slot from no other robot'
                )
            elif not users:
                found.append(f'{role}{kind} index {index}: no robot fills it')
    return found
