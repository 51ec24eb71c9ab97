"""Every fault of a policy server that is provoked while the robot moves, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.fault_table import ASKED_S
from helpers.faulty_server import GROOT, OPENPI, OWN
from helpers.swaying import HORIZON, RATE_HZ, STEP_S

# How long a prediction is waited for, as by default.
TIMEOUT_S = 0.9 * HORIZON / RATE_HZ
WORDS = {OWN: 'server', OPENPI: 'openpi', GROOT: 'gr00t'}
# An answer that is wrong is known at the next request, at most half a second later.
AT_ONCE_S = ASKED_S + STEP_S
# One that does not come is missed when the plan ends, which covers a second from its request on.
AT_THE_END_S = HORIZON * STEP_S + STEP_S
NO_ANSWER = f'no answer within {TIMEOUT_S:g} s'
GONE = 'nothing listens there'


@dataclass(frozen=True)
class ServerFault:
    """One thing that goes wrong with a server, or on the way to it.

    Attributes:
        name: Which server, and what.
        provoke: Done to it.
        says: Part of a reason on /diagnostics.
        within_s: From the fault to HOLDING.
        still: Whether nothing moves from the stop until the fault is over.
        passes: Whether it is over by itself.
    """

    name: str
    provoke: Callable[[Any], object]
    says: str
    within_s: float
    still: bool = True
    passes: bool = False

    @property
    def is_of_network(self):
        return self.name.startswith('network')

    @property
    def row(self):
        """What docs/faults.md says of it."""
        return f'| {self.name} | `{self.says}` | {self.within_s:.2f} s | by itself |'


def ordered(protocol, what, order, says, within_s=AT_ONCE_S, **more):
    """A fault that a server is ordered to make."""
    name = f'{WORDS[protocol]}: {what}'
    return ServerFault(name, lambda server: server.order(order), says, within_s, **more)


def done(protocol, what, provoke, says, within_s=AT_ONCE_S, **more):
    """A fault that its process suffers."""
    return ServerFault(f'{WORDS[protocol]}: {what}', provoke, says, within_s, **more)


def of_a_process(protocol, another):
    """What happens to a server of any protocol."""
    # To a new connection of ZeroMQ, a frozen server does not even say what it is.
    late = f'within {TIMEOUT_S:g} s' if protocol == GROOT else NO_ANSWER
    return (
        ordered(protocol, 'killed in a request', 'die', 'closed the connection'),
        done(protocol, 'killed between requests', lambda s: s.kill(), GONE),
        ordered(protocol, 'frozen in a request', 'stop', late, AT_THE_END_S),
        done(protocol, 'frozen for 4 s', lambda s: s.thaw_after(4.0), late,
             AT_THE_END_S, passes=True),
        ordered(protocol, 'answers after the deadline', 'slow 1.3', NO_ANSWER, AT_THE_END_S),
        done(protocol, 'restarted', lambda s: s.restart(), GONE, passes=True),
        *another,
    )  # fmt: skip


ANOTHER = 'serves another policy now'
OWN_FAULTS = (
    *of_a_process(
        OWN,
        [
            done(OWN, 'restarted with another policy', lambda s: s.restart('b'), ANOTHER, 1.5),
            done(OWN, 'restarted with a key', lambda s: s.restart(key='k'), 'the API key', 1.5),
        ],
    ),
    ordered(OWN, 'computes for 4 s', 'block 4', NO_ANSWER, AT_THE_END_S, passes=True),
    ordered(OWN, 'answers after 0.8 s', 'slow 0.8', 'prediction late', AT_THE_END_S, still=False),
    ordered(OWN, 'NaN', 'nan', 'with nan at index 1, step 3'),
    ordered(OWN, 'too narrow', 'narrow', 'shape (1, 20, 5)'),
    ordered(OWN, 'integers', 'integers', 'as int32; it must be float32'),
    ordered(OWN, 'the answer to another request', 'another number', 'answered another request'),
    ordered(OWN, 'an error', 'error', 'the server failed: RuntimeError: out of memory'),
    ordered(OWN, 'garbage', 'garbage', 'is no MessagePack'),
    ordered(OWN, 'a frame of 2 GB', 'huge', 'a frame that is too large'),
    ordered(OWN, 'a frame of 16 million lists', 'lists', 'exceeds max_array_len', 1.0),
    ordered(OWN, 'half a frame, then silence', 'half', NO_ANSWER, AT_THE_END_S),
    # The first of them is an answer, with which the robot goes on until it asks again.
    ordered(
        OWN, 'frames without end', 'flood', 'a frame that nobody asked for', 1.05, still=False
    ),
    ordered(OWN, 'closes without an answer', 'leave', 'closed the connection'),
    ordered(OWN, 'no metadata', 'no metadata', NO_ANSWER),
)
OPENPI_FAULTS = (
    *of_a_process(OPENPI, []),
    ordered(OPENPI, 'a traceback', 'error and close', 'RuntimeError: out of memory'),
    ordered(OPENPI, 'an error map', 'error map', 'answered with an error: no session'),
    ordered(OPENPI, 'NaN', 'nan', 'the server gave nan in row 3, column 1'),
    ordered(OPENPI, 'too few rows', 'short', 'the server gave shape (5, 6)'),
    ordered(OPENPI, 'a frame of 2 GB', 'huge', 'a frame that is too large'),
    ordered(OPENPI, 'half a frame, then silence', 'half', NO_ANSWER, AT_THE_END_S),
)
GROOT_FAULTS = (
    *of_a_process(
        GROOT,
        [done(GROOT, 'restarted with another policy', lambda s: s.restart('b'), ANOTHER, 1.5)],
    ),
    ordered(GROOT, 'an error', 'error', 'the server failed: out of memory'),
    ordered(GROOT, 'garbage', 'garbage', 'is no MessagePack'),
    ordered(GROOT, 'NaN', 'nan', 'the server gave nan in row 3, column 1'),
    ordered(GROOT, 'too narrow', 'narrow', 'the server gave shape (1, 20, 5)'),
    ordered(GROOT, 'an answer of 100 MB', 'huge', 'answered with more than 16 MiB', 1.0),
)
SERVER_FAULTS = {OWN: OWN_FAULTS, OPENPI: OPENPI_FAULTS, GROOT: GROOT_FAULTS}


def on_the_way(what, provoke, **more):
    """A fault of the network, which is done to a rig."""
    return ServerFault(f'network: {what}', provoke, NO_ANSWER, AT_THE_END_S, **more)


def vanish(rig):
    """The other computer loses its power: nobody says goodbye."""
    rig.network.order(is_cut=True)
    rig.server.kill()


NETWORK_FAULTS = (
    on_the_way('cut', lambda rig: rig.network.order(is_cut=True)),
    on_the_way('the other computer is gone without a word', vanish),
    on_the_way('answers come after 1.2 s', lambda rig: rig.network.order(delay_s=0.6)),
)
NETWORK_ODDITIES = (
    ('0.1 s each way', {'delay_s': 0.1}),
    ('0.1 to 0.15 s each way', {'delay_s': 0.1, 'jitter_s': 0.05}),
)

# What is unusual and must simply work: the protocol, what it is, the order.
SERVER_ODDITIES = (
    (OWN, 'answers after 0.3 s', 'slow 0.3'),
    (OWN, 'closes after every answer, and greets after 0.3 s', 'close, late greeting'),
    (GROOT, 'answers after 0.3 s', 'slow 0.3'),
)

# What takes a processor of the computer for itself: predictions may be late meanwhile.
SERVER_FLOODS = (
    ('pings without end', 'pings'),
    ('pieces of a message without end', 'pieces'),
)
