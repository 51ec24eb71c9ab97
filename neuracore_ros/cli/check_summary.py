"""Lines of one check: errors, warnings and facts, each text once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from neuracore_ros.errors import UserError
from neuracore_ros.policy.hazards import HazardKind


@dataclass(slots=True)
class CheckSummary:
    """The result of a check.

    Attributes:
        errors: Problems that stop the node, one line each, with the correction.
        warnings: Other problems, one line each.
        facts: Results without a problem, one line each.
        means: Kinds of hazards that the user intends.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    means: frozenset[HazardKind] = frozenset()

    def suspect(self, kind: HazardKind, text: str) -> None:
        """Add a hazard: an error, unless the user allows its kind."""
        if kind in self.means:
            self.add('warning', text)
        else:
            self.add('error', f'{text} (if that is meant: --allow {kind})')

    def add(self, kind: str, text: str) -> None:
        """Add a line of kind ``ok``, ``warning`` or ``error``; each text once."""
        lines = {'ok': self.facts, 'warning': self.warnings, 'error': self.errors}[kind]
        if text not in lines:
            lines.append(text)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Collect a user error of the block as a line; each text once."""
        try:
            yield
        except UserError as error:
            self.add('error', str(error))
