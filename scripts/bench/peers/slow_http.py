"""Servers that are slow in every way, and how late a client gives up on each.

    python3 slow_http.py TIMEOUT_S COMMAND...

Runs COMMAND with a URL behind it, once for each way; COMMAND has a timeout of TIMEOUT_S. Prints a line of
JSON per way: how many milliseconds off its timeout the program ended, start and end of its process
included, its exit code, and what it said. Every server ends when its client has gone.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time

PACE = 0.05
OK = b"HTTP/1.1 200 OK\r\n"


def drip(data):
    """One byte, a pause, one byte, for ever."""

    def serve(client):
        while True:
            for byte in data:
                client.sendall(bytes([byte]))
                time.sleep(PACE)

    return serve


def then(first, more):
    def serve(client):
        client.sendall(first)
        more(client)

    return serve


def hold(client):
    while client.recv(65536):
        pass


def flood(client):
    """Bytes as fast as they go: the deadline must be looked at while reading never waits."""
    while True:
        client.sendall(b"x" * 65536)


def redirects(client):
    """A redirect to somewhere else every 300 ms: each is in time, together they are not."""
    for number in range(100):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            data = client.recv(65536)
            if not data:
                return
            request += data
        time.sleep(0.3)
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % number)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WAYS = {
    "says nothing": hold,
    "drips the status line": drip(b"HTTP/1.1 200 " + b"O" * 10000),
    "stops inside the status line": then(b"HTTP/1.1 2", hold),
    "drips the header section": then(OK, drip(b"X-Field: value\r\n")),
    "stops inside the header section": then(OK + b"X: ", hold),
    "drips interim responses": drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips content": then(OK + b"Content-Length: 100000\r\n\r\n", drip(b"x")),
    "stops inside the content": then(OK + b"Content-Length: 10\r\n\r\nhello", hold),
    "drips content without end": then(OK + b"\r\n", drip(b"x")),
    "floods content without end": then(OK + b"\r\n", flood),
    "drips a chunk size": then(CHUNKED, drip(b"0" * 100)),
    "drips chunks": then(CHUNKED, drip(b"1\r\nx\r\n")),
    "stops behind the last chunk": then(CHUNKED + b"0\r\n", hold),
    "drips trailers": then(CHUNKED + b"0\r\n", drip(b"X-Field: value\r\n")),
    "drips gzip": then(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\x03", drip(b"name")),
    "redirects slowly": redirects,
    "never shakes hands (https)": hold,
    "drips its handshake (https)": drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 10000),
    "does not take the connection": None,
    "does not read what is posted": lambda client: time.sleep(60),
}


def listen(serve):
    listener = socket.create_server(("127.0.0.1", 0), backlog=0 if serve is None else 8)
    port = listener.getsockname()[1]
    fillers = []
    if serve is None:
        # A full backlog: the kernel answers no further SYN.
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.1)
        return listener, port, fillers

    def run():
        client, _ = listener.accept()
        try:
            serve(client)
        except OSError:
            pass

    threading.Thread(target=run, daemon=True).start()
    return listener, port, fillers


def main():
    timeout, command = float(sys.argv[1]), sys.argv[2:]
    with tempfile.NamedTemporaryFile() as large:
        # More than the buffers of both ends hold.
        large.write(b"x" * 12_000_000)
        large.flush()
        for name, serve in WAYS.items():
            listener, port, _fillers = listen(serve)
            scheme = "https" if "https" in name else "http"
            more = ["--data", "@" + large.name] if "posted" in name else []
            begin = time.perf_counter()
            client = subprocess.run(
                command + more + [f"{scheme}://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            off = abs(time.perf_counter() - begin - timeout) * 1000
            listener.close()
            line = {"way": name, "off_ms": round(off, 1), "code": client.returncode, "words": client.stderr.decode()}
            print(json.dumps(line, separators=(",", ":"), ensure_ascii=False), flush=True)


main()
