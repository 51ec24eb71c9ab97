"""Messages of chunks that may overlap in time, in the order of their log times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count

from neuracore_ros.bags.chunk import Chunk, ChunkContent
from neuracore_ros.bags.storage import RawMessage

# Messages that wait for chunks which begin before them: a few, where chunks follow each other.
MOST_WAITING_BYTES = 1 << 30
# Of a message in memory, beside its data.
_OVERHEAD_BYTES = 300
_NEVER_NS = 1 << 65


def in_log_order(
    found: Iterable[tuple[Chunk, ChunkContent]],
    chunks: Sequence[Chunk],
    wanted: frozenset[int],
    losses: dict[object, str],
) -> Iterator[RawMessage]:
    """Messages as they were logged; equal times in the order of the file.

    Args:
        found: Each of the chunks, with what is in it.
        chunks: In the order of their first messages.
        wanted: Numbers of connections.
        losses: What must be left out is added to it.
    """
    starts_ns = [chunk.start_ns for chunk in chunks[1:]]
    order = count()
    waiting: list[tuple[int, int, RawMessage]] = []
    room = MOST_WAITING_BYTES
    for (chunk, content), next_ns in zip(found, [*starts_ns, _NEVER_NS], strict=True):
        early = 0
        for raw in content.messages:
            if raw.connection not in wanted:
                continue
            if raw.log_time_ns < chunk.start_ns:
                early += 1
                continue
            kept = raw
            if raw.log_time_ns >= next_ns:
                size = len(raw.data) + _OVERHEAD_BYTES
                if size > room:
                    losses[chunk.offset, 'overlap'] = (
                        f'the chunk at byte {chunk.offset} overlaps others in time, with more '
                        'messages than can be sorted: the rest of it is left out'
                    )
                    break
                room -= size
                # Not a view, which would keep the whole chunk in memory.
                kept = raw._replace(data=bytes(raw.data))
            heappush(waiting, (kept.log_time_ns, next(order), kept))
        if early:
            losses[chunk.offset, 'early'] = (
                f'{early} messages are dated before their chunk, and left out'
            )
        while waiting and waiting[0][0] < next_ns:
            first = heappop(waiting)[2]
            if isinstance(first.data, bytes):
                room += len(first.data) + _OVERHEAD_BYTES
            yield first
