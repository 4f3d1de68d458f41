# SPDX-License-Identifier: Apache-2.0
"""A world for the tests of networks, in a network and mount namespace of its own:

    unshare -n -m python3 world.py FOLDER

Servers at an address that is public by its number, names for them in /etc/hosts, a
certificate authority in FOLDER/ca.pem.  What arrives is written to FOLDER/seen, one JSON
object a line.  It is ready when FOLDER/world is there, with its process number, and ends
with its standard input.
"""

import http.server
import json
import os
import socket
import socketserver
import ssl
import stat
import subprocess
import sys
import threading

PUBLIC, SECOND, PRIVATE = "203.0.113.7", "203.0.113.8", "10.9.8.7"
HOSTS = f"""127.0.0.1 localhost
{PUBLIC} web.test other.test api.test a.wild.test b.wild.test hidden.test
{PRIVATE} private.test
127.0.0.1 rebound.test
169.254.169.254 metadata.test
"""
folder = sys.argv[1]
seen_lock = threading.Lock()


def seen(**what):
    with seen_lock, open(f"{folder}/seen", "a") as f:
        f.write(json.dumps(what) + "\n")


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_network():
    run("ip", "link", "set", "lo", "up")
    for address in PUBLIC, SECOND, PRIVATE, "169.254.169.254":
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "out1")
    run("ip", "link", "set", "out1", "up")
    run("ip", "address", "add", "198.51.100.2/24", "dev", "out0")
    run("ip", "link", "set", "out0", "up")
    run("ip", "route", "add", "default", "via", "198.51.100.1")
    for name, text in ("hosts", HOSTS), ("resolv.conf", f"nameserver {SECOND}\n"):
        with open(f"{folder}/{name}", "w") as f:
            f.write(text)
        os.chmod(f"{folder}/{name}", 0o644)
        run("mount", "--bind", f"{folder}/{name}", f"/etc/{name}")
    # As most systems have it: for everybody.
    os.mknod(f"{folder}/tun", stat.S_IFCHR, os.makedev(10, 200))
    os.chmod(f"{folder}/tun", 0o666)
    run("mount", "--bind", f"{folder}/tun", "/dev/net/tun")


def make_certificates():
    os.chdir(folder)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "2"]
    run(*new, "-subj", "/CN=world", "-keyout", "ca.key", "-out", "ca.pem")
    run(*new, "-subj", "/CN=api.test", "-keyout", "server.key", "-out", "server.pem",
        "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "subjectAltName=DNS:api.test,DNS:web.test,DNS:*.wild.test")
    os.chmod("ca.pem", 0o644)


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size).decode()
                self.rfile.readline()
            self.rfile.readline()
        what = {
            "method": self.command, "path": self.path, "body": body,
            "headers": self.headers.items(), "tls": self.server.tls,
            "port": self.server.server_address[1], "connection": self.client_address[1],
        }
        seen(**what)
        text = json.dumps({**what, "host": self.headers.get("Host")}).encode() + b"\n"
        if self.path.startswith("/big"):
            text = b"x" * (8 << 20)
        self.send_response(200)
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in text[:5], text[5:]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    tls = False


def serve(address, port, tls=False):
    server = Server((address, port), Echo)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("server.pem", "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.tls = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


class Back(socketserver.StreamRequestHandler):
    """Everything until its end, then all of it back: only after a half-close."""

    def handle(self):
        data = self.rfile.read()
        self.wfile.write(b"%d bytes\n" % len(data))


def answer_datagrams(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    while True:
        data, who = server.recvfrom(2048)
        seen(datagram=data.hex(), port=port)
        if port != 53:
            server.sendto(b"answer", who)
            continue
        # Every name is at the second address.
        question = data[12:data.index(b"\0", 12) + 5]
        head = data[:2] + b"\x81\x80" + b"\0\1\0\1\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(SECOND)
        if question[-4:-2] == b"\0\1":
            server.sendto(head + question + record, who)
        else:
            server.sendto(head[:6] + b"\0\0" + head[8:] + question, who)


def main():
    make_network()
    make_certificates()
    for address in PUBLIC, SECOND, PRIVATE, "169.254.169.254", "127.0.0.1":
        serve(address, 80)
    serve(PUBLIC, 8080)
    serve("127.0.0.1", 8088)
    serve(PRIVATE, 8080)
    serve(PUBLIC, 443, tls=True)
    back = socketserver.ThreadingTCPServer((PUBLIC, 7000), Back)
    back.daemon_threads = True
    threading.Thread(target=back.serve_forever, daemon=True).start()
    for port in 53, 5353:
        threading.Thread(target=answer_datagrams, args=(port,), daemon=True).start()
    with open("world.new", "w") as f:
        f.write(f"{os.getpid()}\n")
    os.rename("world.new", "world")
    sys.stdin.read()


main()
