#!/usr/bin/env python3
"""What echoload does not do to an echo server, each a line of JSON: bulk, halfclose, hold.

    echo_checks.py bulk ADDRESS PID SECONDS     one connection, as much as it takes, both ways at once
    echo_checks.py halfclose ADDRESS BYTES      send, send a FIN, then read: does every byte come back?
    echo_checks.py hold ADDRESS PID CLIENTS     more clients than descriptors: who waits, and at what cost?

Used by `scripts/bench/event-server`. Linux, because processor time is read from /proc.
"""

import json
import os
import socket
import sys
import threading
import time

PREFIX = b"Server received: "
# No byte of it is in the prefix, so that the prefix can be taken out of what comes back.
DATA = "網路程式設計，".encode()
DEADLINE = 30.0


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=DEADLINE)


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bulk(address: str, pid: str, seconds: str) -> dict[str, float]:
    with connect(address) as connection:
        until, sent = time.monotonic() + float(seconds), 0
        received, buffer = 0, bytearray(256 * 1024)

        def send() -> None:
            nonlocal sent
            block = DATA * (64 * 1024 // len(DATA))
            while time.monotonic() < until:
                connection.sendall(block)
                sent += len(block)
            connection.shutdown(socket.SHUT_WR)

        began, cpu = time.monotonic(), cpu_seconds(int(pid))
        sender = threading.Thread(target=send)
        sender.start()
        while count := connection.recv_into(buffer):
            received += count
        sender.join()
        took = time.monotonic() - began
    if received < sent:
        raise SystemExit(f"echo_checks: {received} of {sent} bytes came back")
    return {"mib_per_s": sent / took / 2**20, "cpu_ns_per_kib": (cpu_seconds(int(pid)) - cpu) * 1e9 / (sent / 1024)}


def halfclose(address: str, size: str) -> dict[str, int]:
    data = (DATA * (int(size) // len(DATA) + 1))[: int(size)]
    with connect(address) as connection:
        # Nothing is read meanwhile. The buffers of both ends have room for some hundred kB and their answers; a server
        # that reads no more while its answers do not fit into its own would make much more than that wait for ever.
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        got = bytearray()
        while part := connection.recv(64 * 1024):
            got += part
    return {"wrong": int(bytes(got).replace(PREFIX, b"") != data), "bytes": len(got)}


def hold(address: str, pid: str, clients: str) -> dict[str, float]:
    waiting = [connect(address) for _ in range(int(clients))]
    for client in waiting:
        client.sendall(DATA)
    inside = []
    for client in waiting:
        client.settimeout(0.5)
        try:
            inside.append((client, client.recv(1024)))
        except TimeoutError:
            break
    outside = waiting[len(inside) :]
    began, cpu = time.monotonic(), cpu_seconds(int(pid))
    time.sleep(3)
    percent = (cpu_seconds(int(pid)) - cpu) / (time.monotonic() - began) * 100
    slowest = 0.0
    for (leaving, _), next_one in zip(inside, outside[:10]):
        began = time.monotonic()
        leaving.close()
        next_one.settimeout(DEADLINE)
        next_one.recv(1024)
        slowest = max(slowest, time.monotonic() - began)
    return {"inside": len(inside), "idle_cpu_percent": percent, "next_ms": slowest * 1000}


if __name__ == "__main__":
    check = {"bulk": bulk, "halfclose": halfclose, "hold": hold}[sys.argv[1]]
    print(json.dumps(check(*sys.argv[2:]), separators=(",", ":")))
