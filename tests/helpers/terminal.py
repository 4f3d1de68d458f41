# SPDX-License-Identifier: Apache-2.0
"""Somebody at a terminal: runs a command on one of its own, types, and looks.

    terminal.py STEP... -- COMMAND...

A step is  expect:TEXT  (within 30 s), send:TEXT (with Python's escapes), size:ROWS,COLUMNS,
raw: (each key is handed on by now) or signal:NAME.
Prints what showed, then "exit N" or "signal N", and whether the modes are as they were.
"""
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

split = sys.argv.index("--")
steps, command = sys.argv[1:split], sys.argv[split + 1:]
master, slave = os.openpty()
if os.environ.get("AS_USER") and os.getuid() == 0:
    os.fchown(slave, 65534, 65534)
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 100)
    os.execvp(command[0], command)

seen = b""
looked = 0
status = None


def fail(why):
    print(seen.decode(errors="replace"))
    print("terminal.py:", why)
    if status is None:
        os.kill(pid, signal.SIGKILL)
    sys.exit(1)


def has_ended():
    global status
    if status is None:
        got, code = os.waitpid(pid, os.WNOHANG)
        if got:
            status = code
    return status is not None


def look(seconds):
    """Take what shows; False when nothing came in that time."""
    global seen
    if not select.select([master], [], [], seconds)[0]:
        return False
    try:
        seen += os.read(master, 65536)
    except OSError:
        return False
    return True


def until(what, found):
    end = time.monotonic() + 30
    while not found():
        if time.monotonic() > end:
            fail(f"waited for {what}")
        if not look(0.05) and has_ended() and not look(0.05) and not found():
            fail(f"ended before {what}")


for step in steps:
    kind, _, text = step.partition(":")
    data = text.encode().decode("unicode_escape").encode("latin-1")
    if kind == "expect":
        until(step, lambda: seen.find(data, looked) >= 0)
        looked = seen.find(data, looked) + len(data)
    elif kind == "send":
        os.write(master, data)
    elif kind == "size":
        rows, columns = map(int, text.split(","))
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    elif kind == "raw":
        until(step, lambda: not termios.tcgetattr(slave)[3] & termios.ICANON)
    elif kind == "signal":
        os.kill(pid, getattr(signal, "SIG" + text))

end = time.monotonic() + 30
while not has_ended():
    look(0.05)
    if time.monotonic() > end:
        fail("the command does not end")
while look(0):
    pass
print(seen.decode(errors="replace"))
print("modes", "kept" if termios.tcgetattr(slave) == before else "changed")
if os.WIFSIGNALED(status):
    print("signal", os.WTERMSIG(status))
else:
    print("exit", os.WEXITSTATUS(status))
