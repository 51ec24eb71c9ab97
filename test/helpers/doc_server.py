"""Runs programs in processes that have imported everything: what costs seconds is paid once.

A client hands over its words, its folder, its environment and its terminal, and passes signals on.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 300.0
TEST = Path(__file__).resolve().parents[1]
PROGRAMS = {
    'sim_robot': 'neuracore_ros.sim.robot_node',
    'mujoco_robot': 'neuracore_ros.physics.robot_node',
    'neuracore_ros': 'helpers.doc_cut_down',
    'ros2': 'helpers.doc_ros2',
    'python': 'helpers.doc_python',
}
HEAVY = (
    *('torch', 'cv2', 'pyarrow.parquet', 'av', 'rosbags.rosbag2', 'rclpy', 'sensor_msgs.msg'),
    *('trajectory_msgs.msg', 'std_srvs.srv', 'diagnostic_msgs.msg', 'lifecycle_msgs.srv'),
    *('torchvision', 'torch.utils.tensorboard', 'pinocchio', 'onnx'),
    *('neuracore_ros.convert.convert', 'neuracore_ros.training.loop'),
    *('neuracore_ros.node.recorder', 'neuracore_ros.scaffold.draft'),
    *('neuracore_ros.evaluation.evaluate', *PROGRAMS.values()),
)
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
process, early = 0, []
def pass_on(number, _):
    os.kill(process, number) if process else early.append(number)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, pass_on)
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
wish = json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), dict(os.environ)])
socket.send_fds(server, [wish.encode() + b'\\n'], [0, 1, 2])
answer = server.makefile()
process = int(answer.readline())
for number in early:
    os.kill(process, number)
sys.exit(int(answer.readline()))
"""


def write_clients(folder: Path, address: Path) -> None:
    """One program for each name, to be put on the path."""
    folder.mkdir()
    for name in PROGRAMS:
        client = folder / name
        client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
        client.chmod(0o755)


def start(address: Path, environment: dict[str, str]) -> subprocess.Popen:
    """Start the server, and wait for it."""
    # The server itself, a script, has not found this folder yet when it imports.
    from helpers.waiting import wait_until

    server = subprocess.Popen([sys.executable, __file__, address], env=environment)
    wait_until(lambda: address.exists() or server.poll() is not None, PATIENCE_S, address)
    assert server.poll() is None, 'the server of the documentation has ended'
    return server


def serve(address: str) -> None:
    """Answer each client in a process of its own, until this one is ended."""
    sys.path[:0] = [str(TEST), str(TEST.parent / 'docs')]
    for name in HEAVY:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    # What is here already is never collected, and so stays shared between the processes.
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    # Clients look for the file: it is there once they can connect.
    listener.bind(f'{address}.new')
    listener.listen()
    Path(f'{address}.new').rename(address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return answer(client)
        client.close()


def answer(client: socket.socket) -> None:
    """Fork the program, tell its process id, and at its end its status.

    A client that is gone, such as one that was killed, takes its program with it.
    """
    data, terminal, _, _ = socket.recv_fds(client, 1 << 20, 3)
    while not data.endswith(b'\n'):
        data += client.recv(1 << 20)
    # Closed by the program's end.
    ended, alive = os.pipe()
    process = os.fork()
    if process == 0:
        client.close()
        return work(terminal, *json.loads(data))
    for descriptor in (*terminal, alive):
        os.close(descriptor)
    client.sendall(f'{process}\n'.encode())
    if client in select.select([client, ended], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):
        client.sendall(f'{code if code >= 0 else 128 - code}\n'.encode())
    os._exit(0)


def work(
    terminal: list[int], name: str, words: list[str], folder: str, environment: dict[str, str]
) -> None:
    """Be that program."""
    for number, descriptor in enumerate(terminal):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, 'w', buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, 'w', buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [name, *words]
    code: object = 1
    try:
        code = importlib.import_module(PROGRAMS[name]).main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    # As an interpreter ends, but for taking all libraries apart, which costs a second.
    threading._shutdown()
    atexit._run_exitfuncs()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else bool(code))


if __name__ == '__main__':
    serve(sys.argv[1])
