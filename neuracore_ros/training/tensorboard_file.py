"""Figures of a run for TensorBoard, one event file for each process that trains.

TensorBoard's own writer has a thread that ends with a traceback where the disk is full, and
opens a file whose name can be foreseen.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from neuracore_ros.files import fresh_file, real_folder, writing


class TensorboardFile:
    """An event file of TensorBoard.

    Args:
        folder: What ``tensorboard --logdir`` takes; made where it is missing.
        step: The first; TensorBoard drops those after it in earlier files.

    Raises:
        WriteError: The folder is a link, or the disk is full; so do all methods.
    """

    def __init__(self, folder: Path, step: int) -> None:
        real_folder(folder.parent, Path(folder.name))
        name = f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}'
        self._path, self._file = fresh_file(folder, name)
        self._records = RecordWriter(self._file)
        self._add(step=step, file_version='brain.Event:2')
        self._add(step=step, session_log=SessionLog(status=SessionLog.START))

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add figures of one step."""
        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._add(step=step, summary=Summary(value=values))

    def close(self) -> None:
        """End the file."""
        with writing(self._path):
            self._file.close()

    def _add(self, **content: Any) -> None:
        with writing(self._path):
            self._records.write(Event(wall_time=time.time(), **content).SerializeToString())
            self._file.flush()
