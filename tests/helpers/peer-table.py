# SPDX-License-Identifier: Apache-2.0
"""Judge what the attempts got under sandpit and its peers, and print it as Markdown.

    peer-table.py FOLDER

FOLDER holds KIND-FAMILY, the rows of attack_FAMILY in a sandbox of KIND, and what
peers.sh says of itself.  The rows' own judgement is about sandpit: it wants one certain
answer.  A peer's attempt is held whenever it was refused, in whatever way, or met nothing
but the peer's own; what is "open" let the attempt through.
"""
import os
import re
import sys

KINDS = {
    "root": "sandpit, root inside",
    "user": "sandpit, user 1000 inside",
    "rootless": "sandpit, started by a user",
    "bwrap": "bubblewrap, started by a user",
    "docker": "docker run, root inside",
}
DETAILED = ["root", "rootless", "bwrap", "docker"]
FAMILIES = {
    "files": "files, devices, settings",
    "process": "processes",
    "calls": "system calls",
    "net": "network, sockets",
    "given": "handed in, privileges",
    "limits": "limits",
}
# A refusal by the filter, by a missing capability, or for want of such a thing here.
REFUSED = {"EPERM", "ENOSYS", "EACCES", "EAFNOSUPPORT", "ENODEV", "ENOTTY"}
# The sandbox's own view, which says nothing about the host.
OWN_VIEW = re.compile(r"^(list /(?!sys)|read /etc/passwd|make a file in /dev)")
# In an image of one's own.
OWN_IMAGE = re.compile(r"/usr")
# It tells of the last family it tried, so only its own judgement is of use.
UNCLEAR = {"sockets of 60 other families"}


def rows(folder, kind, family):
    path = f"{folder}/{kind}-{family}"
    found = {}
    if os.path.exists(path):
        for line in open(path, encoding="utf-8", errors="replace"):
            m = re.match(r"(not )?ok [^:]*: (.*) \| (.*?)(?: \(wanted .*\))?$", line.rstrip("\n"))
            if m and m[2] not in UNCLEAR:
                found[m[2]] = (m[1] is None, m[3])
    return found


def is_errno(got):
    return re.fullmatch(r"E[A-Z0-9]+", got) is not None or got.startswith("killed by")


def held_by_given(what, got, host):
    if "descriptors" in what:
        return all(int(n) <= 2 for n in re.findall(r"(\d+) (?:pipe|something)", got))
    if "name of the host" in what:
        return got != host
    if "set-user-ID" in what:
        return got != "uid 0"
    return is_errno(got)


def is_held(kind, family, what, ok, got, host):
    if ok:
        return True
    if kind == "docker" and family == "process" and ("process 1" in what or "/proc/1/" in what):
        return "and arguments" not in got  # process 1 is the attacker itself
    if kind == "docker" and OWN_IMAGE.search(what):
        return True
    if family == "files" and OWN_VIEW.match(what):
        return True
    if family == "calls":
        return got in REFUSED or got.startswith("killed by")
    if family == "process":
        return is_errno(got) and got != "EFAULT"
    if family == "given":
        return held_by_given(what, got, host)
    return is_errno(got)


def main(folder):
    host = open(f"{folder}/host-name").read().strip()
    print(f"With {open(f'{folder}/versions').read().strip()}. Held, of as many as were tried:\n")
    kinds = [k for k in KINDS if rows(folder, k, "files")]
    print("| | " + " | ".join(KINDS[k] for k in kinds) + " |\n|---" + "|---" * len(kinds) + "|")
    total = {k: [0, 0] for k in kinds}
    differ = []
    for family, heading in FAMILIES.items():
        tables = {k: rows(folder, k, family) for k in kinds}
        cells = []
        for k in kinds:
            held = sum(is_held(k, family, w, *r, host) for w, r in tables[k].items())
            total[k][0] += held
            total[k][1] += len(tables[k])
            cells.append(f"{held} of {len(tables[k])}")
        print(f"| {heading} | " + " | ".join(cells) + " |")
        for what in tables[kinds[0]]:
            got = {k: tables[k].get(what, (True, "")) for k in DETAILED if k in kinds}
            held = {k: is_held(k, family, what, *got[k], host) for k in got}
            if not all(held.values()):
                differ.append((family, what, got, held))
    print("| **together** | " + " | ".join(f"**{h} of {n}**" for h, n in total.values()) + " |")
    shown = [k for k in DETAILED if k in kinds]
    print(f"\nThe {len(differ)} attempts that were not held everywhere; **bold** is open:\n")
    print("| attempt | " + " | ".join(KINDS[k] for k in shown) + " |\n|---" + "|---" * len(shown) + "|")
    for family, what, got, held in differ:
        if family == "calls" and what.isidentifier():
            what = "call " + what
        texts = [got[k][1] if held[k] else f"**{got[k][1][:60]}**" for k in shown]
        print(f"| {what} | " + " | ".join(texts) + " |")


main(sys.argv[1])
