"""The audits of all recordings of a run, added up one by one, so that none is kept."""

from __future__ import annotations

from neuracore_ros.convert.audit import Audit
from neuracore_ros.convert.stream_audit import StreamAudit
from neuracore_ros.description.recorded_checks import Doubt, doubts
from neuracore_ros.description.recorded_values import RecordedValues


class AuditTotal:
    """The sum of the audits of recordings of one robot."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str, tuple[str, ...]], StreamAudit] = {}
        self._values: RecordedValues | None = None

    def add(self, audit: Audit) -> None:
        """Add one more recording; its values, if they are the first, become those of the sum."""
        for each in audit.streams:
            key = each.topic, each.role, each.names
            self._streams.setdefault(key, StreamAudit(*key)).add(each)
        if self._values is None:
            self._values = audit.values
        elif audit.values is not None:
            self._values.merge(audit.values)

    @property
    def streams(self) -> list[StreamAudit]:
        """Every declared stream, over all recordings."""
        return list(self._streams.values())

    def doubts(self) -> list[Doubt]:
        """Doubts about the robot file, over all recordings."""
        return doubts(self._values) if self._values is not None else []
