"""A small dataset, one thread, and a port."""

import socket
from pathlib import Path

import pytest
import torch

from helpers.squares_dataset import write


@pytest.fixture(scope='session')
def dataset(tmp_path_factory) -> Path:
    """Fifteen episodes of the long arm, five of the short one, 16 steps each."""
    return write(tmp_path_factory.mktemp('data') / 'squares', {'long': 15, 'short': 5})


@pytest.fixture(scope='session')
def unused_port() -> int:
    """For processes that talk to each other."""
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


@pytest.fixture(autouse=True)
def one_thread():
    """Colleagues' tests share the machine; and more threads round in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
