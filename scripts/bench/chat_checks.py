"""Hostile clients beside a good pair: how long the pair waits, and what the server costs meanwhile.

Each kind gets a fresh server with its limits as they are by default, except that all may come from one
address. While the hostile clients are there, a good pair asks and answers; then everybody falls silent,
and the server's processor time is read over a second. Run by scripts/bench/chat-room; needs Linux.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time

PAIR_MS_MAX = 5.0
IDLE_PERCENT_MAX = 2.0


def connect(address, receive_buffer=None):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(address)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.settimeout(10)
    return client


def until(client, wanted, begun=b""):
    while wanted not in begun:
        more = client.recv(65536)
        if not more:
            raise EOFError(f"the stream ended before {wanted}")
        begun += more
    return begun


def join(address, name, **options):
    client = connect(address, **options)
    client.sendall(name.encode() + b"\n")
    until(client, b"* In the room")
    return client


def silent(address, turn):
    return [connect(address) for _ in range(200)] if turn == 0 else []


def never_reads(address, turn):
    clients = [join(address, f"stuck{turn}_{i}", receive_buffer=4096) for i in range(5)]
    return clients


def flood(address, turn):
    client = join(address, f"flood{turn}")
    client.setblocking(False)
    try:
        client.send(b"spam\n" * 20000)
    except BlockingIOError:
        pass
    return [client]


def endless_line(address, turn):
    client = join(address, f"long{turn}")
    client.setblocking(False)
    try:
        client.send(b"x" * 1000000)
    except BlockingIOError:
        pass
    return [client]


def rubbish(address, turn):
    client = join(address, f"rubbish{turn}")
    client.sendall(b"\xff\xfe\n\x1b]52;c;aGk=\x07\n\xe2\x80\xae\n" * 5)
    return [client]


def byte_by_byte(address, turn):
    client = join(address, f"slow{turn}")
    for byte in "一個字一個字\n".encode():
        client.sendall(bytes([byte]))
    return [client]


def resets(address, turn):
    for i in range(50):
        client = join(address, f"reset{turn}_{i}")
        client.sendall("說到一半".encode())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    return []


def one_name(address, turn):
    clients = [connect(address) for _ in range(32)]
    for client in clients:
        client.sendall(b"wanted\n")
    return clients


def many(address, turn):
    clients = []
    for _ in range(250):
        clients.append(connect(address))
    return clients


def asks(address, turn):
    client = join(address, f"asks{turn}", receive_buffer=4096)
    client.setblocking(False)
    try:
        for _ in range(100):
            client.send(b"/help\n/who\n" * 100)
    except BlockingIOError:
        pass
    return [client]


KINDS = [silent, never_reads, flood, endless_line, rubbish, byte_by_byte, resets, one_name, many, asks]
TURNS = 20


def processor_seconds(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))


def check(program, kind):
    command = [program, "serve", "127.0.0.1:0", "--max-per-address", "0"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        address = ("127.0.0.1", int(server.stdout.readline().rsplit(b":", 1)[1]))
        os.set_blocking(server.stdout.fileno(), False)
        one, two = join(address, "甲"), join(address, "乙")
        hostile, times = [], []
        for turn in range(TURNS):
            hostile += kind(address, turn)
            # Below the rate that a member may keep up: the pair is not to be metered itself.
            for there, back in ((one, two), (two, one)):
                text = f"第 {turn} 句 {time.monotonic_ns()}"
                began = time.perf_counter()
                there.sendall(f"{text}\n".encode())
                until(back, text.encode())
                times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.1)
        time.sleep(0.3)
        before = processor_seconds(server.pid)
        time.sleep(1)
        idle = (processor_seconds(server.pid) - before) * 100
        times.sort()
        return times[len(times) // 2], times[-1], idle, peak_kib(server.pid) / 1024
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def main():
    program = sys.argv[1]
    wanted = sys.argv[2:]
    missed = 0
    print(f"  {'kind':<14} {'pair ms':>8} {'worst ms':>9} {'idle %':>7} {'peak MiB':>9}")
    for kind in KINDS:
        if wanted and kind.__name__ not in wanted:
            continue
        median, worst, idle, peak = check(program, kind)
        good = worst < PAIR_MS_MAX and idle < IDLE_PERCENT_MAX
        missed += not good
        word = "" if good else f"  MISSED (worst under {PAIR_MS_MAX:.0f} ms, idle under {IDLE_PERCENT_MAX:.0f} %)"
        print(f"  {kind.__name__:<14} {median:8.2f} {worst:9.2f} {idle:7.2f} {peak:9.1f}{word}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
