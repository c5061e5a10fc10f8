#!/usr/bin/env python3
"""A known workload through a recording relay, and whether its log has every connection and every byte of it.

usage: accuracy.py [--watch] [--connections N] [--spread SECONDS] [--seed N] [-- COMMAND...]

COMMAND is any monitor of exercise 3, in any language: {listen}, {target} and {log} in it are replaced. It listens
there, relays to there, and writes a line of JSON for each connection with peer, port, start, end, bytes_in,
bytes_out and how; lines without `bytes_in` are passed over. Without COMMAND it is our own, from target/release.

With --watch the monitor stands beside the way: the workload goes straight to the server, whose port is {port}, and
begins when COMMAND has printed its first line. Without COMMAND it is our own `watch`.

Of 200 connections 131 last a few milliseconds at most, 41 up to 0.2 s and 28 up to 3 s. They end in five ways: client
first, server first, half-closed by the client, reset by the client, reset by the server. Beside it, `ss` is asked ten times
a second, for comparison. Ends with 1 when anything is missing.
"""

import json
import os
import random
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ENDS = ["client", "server", "half", "client-rst", "server-rst"]
HEAD = struct.Struct("!BIII")  # How it ends, bytes up behind the head, bytes down, milliseconds to wait.
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def receive(sock, count):
    got = 0
    while got < count:
        data = sock.recv(min(65536, count - got))
        if not data:
            raise EOFError(f"ended after {got} of {count} bytes")
        got += len(data)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def drain(sock):
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass


def answer(sock, failures):
    try:
        head = b""
        while len(head) < HEAD.size:
            head += sock.recv(HEAD.size - len(head)) or exit_now()
        end, up, down, wait = HEAD.unpack(head)
        receive(sock, up)
        if ENDS[end] == "half":
            drain(sock)
        time.sleep(wait / 1000)
        sock.sendall(b"d" * down)
        if ENDS[end] == "server-rst":
            # Behind a moment in which the client may take the bytes: a reset may overtake them.
            time.sleep(0.002)
            return reset(sock)
        if ENDS[end] not in ("server", "half"):
            drain(sock)
        sock.close()
    except Exception as error:
        failures.append(f"server: {error!r}")


def exit_now():
    raise EOFError("no head")


def ask(front, plan, truth, failures):
    end, up, down, wait = plan
    try:
        sock = socket.create_connection(front, timeout=30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = sock.getsockname()[1]
        began = time.monotonic()
        sock.sendall(HEAD.pack(ENDS.index(end), up, down, wait) + b"u" * up)
        if end == "half":
            sock.shutdown(socket.SHUT_WR)
        receive(sock, down)
        if end in ("server", "half", "server-rst"):
            drain(sock)
        if end == "client-rst":
            reset(sock)
        else:
            sock.close()
        truth.append((port, HEAD.size + up, down, end, time.monotonic() - began))
    except Exception as error:
        failures.append(f"client {plan}: {error!r}")


def plans(count, chance):
    short, medium = round(count * 131 / 200), round(count * 41 / 200)
    for number in range(count):
        wait = 0 if number < short else chance.randint(50, 200) if number < short + medium else chance.randint(1000, 3000)
        yield chance.choice(ENDS), chance.randrange(20000), chance.randrange(20000), wait


def poll(port, seen, over):
    while not over.wait(0.1):
        lines = subprocess.run(["ss", "-tnH", f"sport = :{port}"], capture_output=True, text=True).stdout.splitlines()
        seen.update(line.split()[4] for line in lines if not line.startswith("LISTEN"))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        # Asked of the kernel's table: a trial connection would be one more to record.
        with open("/proc/net/tcp") as table:
            if any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table.readlines()[1:]):
                return
        time.sleep(0.02)
    sys.exit("accuracy.py: the monitor does not listen")


def processor_time(pid):
    """Seconds that a process has used; 0 where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drive(front, count, spread, seed):
    """The workload itself; returns what is true of it, and what went wrong."""
    chance = random.Random(seed)
    truth, failures, threads = [], [], []
    for plan in sorted(plans(count, chance), key=lambda _: chance.random()):
        threads.append(threading.Thread(target=ask, args=(front, plan, truth, failures)))
        threads[-1].start()
        time.sleep(chance.expovariate(count / spread) if spread else 0)
    for thread in threads:
        thread.join()
    return truth, failures


def compare(truth, rows):
    """How many connections of the truth are in the log, and how many with every byte and their true end."""
    by_port = {}
    for row in sorted(rows, key=lambda row: row["start"]):
        by_port.setdefault(int(row["peer"].rsplit(":", 1)[1]), []).append(row)
    found = exact = ends = 0
    for port, up, down, end, _ in truth:
        row = by_port.get(port, [None]).pop(0) if by_port.get(port) else None
        if row is None:
            continue
        found += 1
        exact += (row["bytes_in"], row["bytes_out"]) == (up, down)
        was_reset = "reset" in row["how"]
        ends += was_reset == end.endswith("rst")
    return found, exact, ends


def main():
    arguments, command = sys.argv[1:], None
    watch = arguments[:1] == ["--watch"]
    arguments = arguments[watch:]
    if "--" in arguments:
        command = arguments[arguments.index("--") + 1:]
        arguments = arguments[:arguments.index("--")]
    options = {"--connections": 200, "--spread": 5.0, "--seed": 1}
    while arguments:
        if arguments[0] not in options or len(arguments) < 2:
            sys.exit(__doc__)
        options[arguments[0]] = type(options[arguments[0]])(arguments[1])
        arguments = arguments[2:]
    programs = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release")
    ours = "watch {port} --log {log}" if watch else "proxy {listen} {target} --log {log}"
    command = command or shlex.split(f"{programs}/net-monitor {ours}")

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    failures = []

    def serve():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=answer, args=(sock, failures), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    front = listener.getsockname() if watch else ("127.0.0.1", free_port())
    folder = tempfile.mkdtemp()
    # The monitor may run as somebody else.
    os.chmod(folder, 0o777)
    log = os.path.join(folder, "log.jsonl")
    values = {"listen": "127.0.0.1:%d" % front[1], "target": "127.0.0.1:%d" % listener.getsockname()[1], "log": log}
    values["port"] = front[1]
    first_line = subprocess.PIPE if watch else subprocess.DEVNULL
    monitor = subprocess.Popen([part.format(**values) for part in command], stdout=first_line)
    if watch:
        monitor.stdout.readline()
        threading.Thread(target=monitor.stdout.read, daemon=True).start()
    else:
        wait_for(front[1])
    began = time.monotonic()
    polled, over = set(), threading.Event()
    poller = threading.Thread(target=poll, args=(front[1], polled, over))
    poller.start()
    truth, broken = drive(front, options["--connections"], options["--spread"], options["--seed"])
    over.set()
    poller.join()
    time.sleep(0.2)
    lasted = time.monotonic() - began
    spent = processor_time(monitor.pid)
    monitor.send_signal(signal.SIGINT)
    code = monitor.wait(timeout=30)
    with open(log) as lines:
        rows = [row for row in map(json.loads, lines) if "bytes_in" in row]
    found, exact, ends = compare(truth, rows)
    count, short = options["--connections"], sum(1 for row in truth if row[4] < 0.005)
    print(f"workload: {count} connections, {short} shorter than 5 ms; {len(broken) + len(failures)} failed")
    for failure in (broken + failures)[:5]:
        print(f"  {failure}")
    print(f"monitor:  {found} of {count} recorded, {exact} with every byte, {ends} with the right kind of end, "
          f"{len(rows) - found} that nobody made; exit code {code}")
    print(f"processor time: {spent:.2f} s in {lasted:.1f} s, {100 * spent / lasted:.2f} % of one core")
    print(f"ss, ten times a second: {len(polled)} of {count} seen")
    sys.exit(0 if (found, exact, ends, len(rows), len(broken)) == (count, count, count, count, 0) else 1)


if __name__ == "__main__":
    main()
