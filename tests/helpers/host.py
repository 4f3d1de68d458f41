# SPDX-License-Identifier: Apache-2.0
"""What a sandbox must not reach: a process that listens on loopback, on an abstract socket
and on one with a path, writes down who came, and shares a piece of memory.

    host.py FOLDER

Makes FOLDER/share/socket; FOLDER/ready holds "PID PORT NAME KEY" once all of them listen, and
FOLDER/reached names each connection.  Ends with its standard input.
"""
import ctypes
import os
import selectors
import socket
import sys


def listen(family, address):
    s = socket.socket(family)
    s.bind(address)
    s.listen()
    return s


folder = sys.argv[1]
name = f"sandpit-test-{os.getpid()}"
sockets = {"127.0.0.1": listen(socket.AF_INET, ("127.0.0.1", 0))}
port = sockets["127.0.0.1"].getsockname()[1]
try:
    sockets["::1"] = listen(socket.AF_INET6, ("::1", port))
except OSError:
    pass  # a host without IPv6
sockets["abstract"] = listen(socket.AF_UNIX, "\0" + name)
sockets["path"] = listen(socket.AF_UNIX, folder + "/share/socket")
os.chmod(folder + "/share/socket", 0o777)

# Made anew and open to all: 01000 is IPC_CREAT, 02000 IPC_EXCL.
libc = ctypes.CDLL(None)
key = 0x5A000000 + os.getpid()
memory = libc.shmget(key, 4096, 0o3666)

waits = selectors.DefaultSelector()
waits.register(sys.stdin, selectors.EVENT_READ)
for kind, s in sockets.items():
    waits.register(s, selectors.EVENT_READ, kind)
with open(folder + "/ready.new", "w") as ready:
    ready.write(f"{os.getpid()} {port} {name} {key}\n")
os.rename(folder + "/ready.new", folder + "/ready")

while True:
    for key, _ in waits.select():
        if key.data is None:
            libc.shmctl(memory, 0, None)  # IPC_RMID
            sys.exit()
        key.fileobj.accept()[0].close()
        with open(folder + "/reached", "a") as reached:
            reached.write(key.data + "\n")
