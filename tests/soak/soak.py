# SPDX-License-Identifier: Apache-2.0
"""Several callers run, create, exec, copy and destroy local sandboxes, while whoever is
involved is killed at random moments, and with "remove" files of the sandboxes' records go
as well.  Afterwards nothing may be left, no answer may have been wrong, and nothing may
have hung.

    reaper SECONDS python3 soak.py SECONDS [SEED [remove]]

The parent is a subreaper, so whatever any of them starts, and whoever loses its parent, is
below it: that is whom to kill, and what must be gone in the end.  SANDPIT_STATE_DIR is a
folder of this run alone.
"""
import collections
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

CALLERS = 4
CALL_SECONDS = 60  # more is a hang
CLEAN_SECONDS = 20
KILL_PAUSE = (0.01, 0.12)
KEPT_MAX = 6
LINES = 4000

seconds = float(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 4711
removes = "remove" in sys.argv[3:]
state = os.environ["SANDPIT_STATE_DIR"]
world = os.path.dirname(state)
wrong = []  # what must not be
counts = collections.Counter()
killed = collections.Counter()
ids = set()  # of all sandboxes seen
over = threading.Event()
lock = threading.Lock()
kept = []

EXPECTED = "".join(f"{i}\n" for i in range(1, LINES + 1)).encode()
CONTENTS = bytes(random.Random(seed).randbytes(200_000))


def complain(text):
    with lock:
        wrong.append(text)


# --- Callers ----------------------------------------------------------------------------
def sandpit(*args, stdin=b""):
    """Exit status and output; None when it did not end in time."""
    child = subprocess.Popen(
        ["sandpit", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = child.communicate(stdin, timeout=CALL_SECONDS)
    except subprocess.TimeoutExpired:
        complain(f"hang: sandpit {' '.join(args)}")
        child.kill()
        child.communicate()
        return None, b"", b""
    return child.returncode, out, err


def expect(name, status, good, got):
    """A success has the right answer.  A failure is the killer's doing."""
    counts[name] += 1
    if status == 0:
        counts[name + " ok"] += 1
    if status == 0 and not good:
        complain(f"{name}: success, and the answer is wrong: {got[:80]!r} ({len(got)} bytes)")


def run_once(rng):
    if rng.random() < 0.5:
        status, out, _ = sandpit("run", "-p", "local", "--", "seq", str(LINES))
        expect("run", status, out == EXPECTED, out)
    else:
        status, out, _ = sandpit("run", "-p", "local", "--", "sh", "-c", "exit 7")
        expect("run 7", status, False, out)
        if status == 7:
            counts["run 7 ok"] += 1


def create(_):
    status, out, _ = sandpit("create", "-p", "local", "--ttl", "600")
    handle = out.decode().strip()
    expect("create", status, handle.startswith("local:"), out)
    if status == 0:
        with lock:
            kept.append(handle)


def fill_pool(_):
    """From here on `run` takes sandboxes that were prepared."""
    status, out, _ = sandpit("pool", "fill", "-p", "local", "--size", "2", "--ttl", "600")
    expect("pool fill", status, True, out)


def drain_pool(_):
    status, out, _ = sandpit("pool", "drain", "--all")
    expect("pool drain", status, True, out)


def pick(rng):
    with lock:
        return rng.choice(kept) if kept else None


def execute(rng):
    handle = pick(rng)
    if handle:
        status, out, _ = sandpit("exec", handle, "--", "seq", str(LINES))
        expect("exec", status, out == EXPECTED, out)


def write_and_read(rng):
    handle = pick(rng)
    if not handle:
        return
    path = f"/tmp/f{rng.randrange(1_000_000)}"
    status, out, _ = sandpit("files", handle, "write", path, stdin=CONTENTS)
    expect("write", status, True, out)
    if status != 0:
        return
    status, out, _ = sandpit("files", handle, "cat", path)
    expect("read", status, out == CONTENTS, out)


def copy_out(rng):
    handle = pick(rng)
    if not handle:
        return
    to = f"{world}/copies/{threading.get_ident()}-{rng.randrange(1_000_000)}"
    status, out, _ = sandpit("cp", f"{handle}:/etc/passwd", to)
    expect("copy", status, os.path.exists(to), out)
    if os.path.exists(to):
        os.unlink(to)


def background(rng):
    handle = pick(rng)
    if not handle:
        return
    status, out, _ = sandpit("exec", "-d", handle, "--", "seq", str(LINES))
    number = out.decode().strip()
    expect("start", status, number.isdigit(), out)
    if status != 0:
        return
    status, out, _ = sandpit("wait", handle, number)
    expect("wait", status, True, out)
    if status != 0:
        return
    status, out, _ = sandpit("logs", handle, number)
    expect("logs", status, out == EXPECTED, out)


def pause(rng):
    handle = pick(rng)
    if handle:
        status, out, _ = sandpit("pause", handle)
        expect("pause", status, True, out)
        status, out, _ = sandpit("resume", handle)
        expect("resume", status, True, out)


def fork(rng):
    handle = pick(rng)
    if not handle:
        return
    status, out, _ = sandpit("fork", handle)
    expect("fork", status, out.startswith(b"local:"), out)
    if status == 0:
        with lock:
            kept.append(out.decode().strip())


def stats(rng):
    handle = pick(rng)
    if handle:
        status, out, _ = sandpit("stats", "--json", "--no-stream", handle)
        expect("stats", status, out.startswith((b"[", b"{")), out)


def destroy(rng):
    with lock:
        handle = kept.pop(rng.randrange(len(kept))) if kept else None
    if handle:
        status, out, _ = sandpit("destroy", handle)
        expect("destroy", status, True, out)


def look(_):
    status, out, _ = sandpit("list", "-p", "local", "--json")
    good = True
    if status == 0:
        try:
            json.loads(out)
        except ValueError:
            good = False
    expect("list", status, good, out)


def caller(number):
    rng = random.Random(seed + number)
    ways = [run_once] * 4 + [execute] * 4 + [
        write_and_read, copy_out, background, pause, fork, stats, create, destroy, look,
        fill_pool, drain_pool]
    while not over.is_set():
        rng.choice(ways)(rng)
        if len(kept) > KEPT_MAX:
            destroy(rng)
        elif len(kept) < 2:
            create(rng)


# --- The killer -------------------------------------------------------------------------
def processes(spared=False):
    """Everybody below the reaper but this program: pid, and what it is."""
    parents, names = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                text = f.read().decode(errors="replace")
        except OSError:
            continue
        pid, rest = int(entry), text.rpartition(")")[2].split()
        names[pid] = text[text.index("(") + 1:text.rindex(")")]
        if rest[0] not in "ZX":
            parents[pid] = int(rest[1])
    top, found = os.getppid(), {}
    for pid in parents:
        at, steps = pid, 0
        while at not in (0, 1, top, None) and steps < 100:
            at, steps = parents.get(at), steps + 1
        if at == top and pid not in (top, os.getpid()):
            found[pid] = names[pid]
    # Who clears away after somebody killed is the last there is.
    return {p: n for p, n in found.items() if not spared or parents[p] != top or n != "sandpit-worker"}


def note_ids():
    try:
        ids.update(os.listdir(f"{state}/local"))
    except OSError:
        pass


def remove_state(rng):
    """Some file of some sandbox's record."""
    files = [f"{top}/{name}" for top, _, names in os.walk(f"{state}/local") for name in names]
    if files:
        path = rng.choice(sorted(files))
        try:
            os.unlink(path)
            killed["file " + os.path.basename(path)] += 1
        except OSError:
            pass


def killer():
    rng = random.Random(seed)
    while not over.wait(rng.uniform(*KILL_PAUSE)):
        note_ids()
        if removes and rng.random() < 0.1:
            remove_state(rng)
        victims = processes(spared=True)
        if not victims:
            continue
        pid = rng.choice(sorted(victims))
        try:
            os.kill(pid, signal.SIGKILL)
            killed[victims[pid]] += 1
        except ProcessLookupError:
            pass
    note_ids()


# --- What is left -----------------------------------------------------------------------
def groups():
    found = []
    for top, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [f"{top}/{d}" for d in folders if d.startswith("sandpit-") and d[8:] in ids]
    return found


def left():
    found = [f"process {pid} {name}" for pid, name in processes().items()]
    found += [f"control group {g}" for g in groups()]
    for folder in ("local", "ids", "pools"):
        path = f"{state}/{folder}"
        if os.path.isdir(path):
            found += [f"{path}/{name}" for name in os.listdir(path)]
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        found += [f"mount {line.split()[4]}" for line in f if world in line]
    found += [f"{world}/copies/{name}" for name in os.listdir(f"{world}/copies")]
    return found


def clean_up():
    """What a person does after a crash; it must be enough."""
    for _ in range(2):
        sandpit("pool", "drain", "--all")
        sandpit("list", "-p", "local")
        status, _, err = sandpit("destroy", "-p", "local", "--all")
    if status != 0:
        complain(f"destroy --all: {err.decode(errors='replace').strip()}")
    status, out, _ = sandpit("list", "-p", "local", "--json")
    if out.strip() != b"[]":
        complain(f"listed after destroy --all: {out[:200]!r}")
    end = time.monotonic() + CLEAN_SECONDS
    while left() and time.monotonic() < end:
        time.sleep(0.1)
    for thing in left():
        complain(f"left: {thing}")


os.makedirs(f"{world}/copies", exist_ok=True)
threads = [threading.Thread(target=caller, args=(n,)) for n in range(CALLERS)]
threads.append(threading.Thread(target=killer))
for t in threads:
    t.start()
time.sleep(seconds)
over.set()
for t in threads:
    t.join()
clean_up()
print("calls: " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items())))
print("killed: " + ", ".join(f"{k} {v}" for k, v in sorted(killed.items())))
for name in ("run", "exec", "create"):
    if not counts[name + " ok"]:
        complain(f"no {name} came to its end: there was nothing to be wrong")
for text in wrong:
    print("WRONG " + text)
sys.exit(1 if wrong else 0)
