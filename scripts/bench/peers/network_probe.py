"""Measures what lies between two sockets: loss, delay and rate of datagrams, bulk bytes of streams.

Prints one JSON object. The receiver is a process of its own, so that two cores can work; send times are
inside the datagrams, and both ends read the same clock (CLOCK_MONOTONIC).
"""

import argparse
import json
import multiprocessing
import select
import socket
import struct
import time

HEADER = struct.Struct("!Qd")  # number, time of sending
UDP_BUFFER = 8 * 1024 * 1024


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def receive_datagrams(listener, count_max, quiet, out):
    """Takes datagrams until there are `count_max`, or none for `quiet` seconds."""
    delays, numbers, bytes_in, first, last = [], [], 0, None, None
    listener.settimeout(30)
    buffer = bytearray(65536)
    while len(numbers) < count_max:
        try:
            length = listener.recv_into(buffer)
        except socket.timeout:
            break
        last = time.monotonic()
        first = first or last
        listener.settimeout(quiet)
        number, sent = HEADER.unpack_from(buffer)
        numbers.append(number)
        delays.append(last - sent)
        bytes_in += length
    out.send((numbers, delays, bytes_in, first, last))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def burst_lengths(numbers, count):
    """How many datagrams are missing in a row, on average."""
    came, runs, run = set(numbers), [], 0
    for number in range(count):
        if number not in came:
            run += 1
        elif run:
            runs.append(run)
            run = 0
    return sum(runs) / len(runs) if runs else 0


def datagrams(options):
    """Sends `count` datagrams through `via` to our own receiver at `sink`, `pace` a second."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER)
    listener.bind(address(options.sink))
    ours, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.Process(
        target=receive_datagrams, args=(listener, options.count * 2, options.quiet, theirs))
    receiver.start()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(address(options.via))
    padding = bytes(options.size - HEADER.size)
    begin = time.monotonic()
    for number in range(options.count):
        if options.pace:
            wait = begin + number / options.pace - time.monotonic()
            if wait > 0:
                time.sleep(wait)
        try:
            sender.send(HEADER.pack(number, time.monotonic()) + padding)
        except OSError:
            pass  # Nobody listened a moment ago, or the buffer is full.
    numbers, delays, bytes_in, first, last = ours.recv()
    receiver.join()
    unique = len(set(numbers))
    span = (last or 1) - (first or 0)
    return {
        "sent": options.count,
        "received": unique,
        "loss": 1 - unique / options.count,
        "burst": burst_lengths(numbers, options.count),
        "delay_p50_ms": percentile(delays, 0.5) * 1e3 if delays else 0,
        "delay_p99_ms": percentile(delays, 0.99) * 1e3 if delays else 0,
        "datagrams_per_s": len(numbers) / span,
        # The first one's bytes came before the clock ran.
        "bits_per_s": (bytes_in - options.size) * 8 / span,
    }


def swallow(listener, count):
    """Reads what the first `count` connections send, and throws it away."""
    buffer = bytearray(1 << 18)
    for _ in range(count):
        stream, _ = listener.accept()
        with stream:
            while stream.recv_into(buffer):
                pass


def bulk(options):
    """Sends for `seconds` through each of `via`, taking turns, to our own receiver at `sink`."""
    listener = socket.create_server(address(options.sink))
    count = len(options.via) * options.rounds
    receiver = multiprocessing.Process(target=swallow, args=(listener, count))
    receiver.start()
    block, rates = bytes(1 << 18), {via: [] for via in options.via}
    for _ in range(options.rounds):
        for via in options.via:
            with socket.create_connection(address(via)) as stream:
                sent, begin = 0, time.monotonic()
                while time.monotonic() < begin + options.seconds:
                    stream.sendall(block)
                    sent += len(block)
                stream.shutdown(socket.SHUT_WR)
                select.select([stream], [], [], 10)
                rates[via].append(sent / (time.monotonic() - begin) / 1e6)
    receiver.join(10)
    return {f"mb_per_s_{at}": sorted(rates[via])[len(rates[via]) // 2] for at, via in enumerate(options.via)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    udp = commands.add_parser("udp")
    udp.add_argument("via")
    udp.add_argument("sink")
    udp.add_argument("--count", type=int, default=10_000)
    udp.add_argument("--size", type=int, default=1400)
    udp.add_argument("--pace", type=float, default=0, help="datagrams a second; 0 is as fast as possible")
    udp.add_argument("--quiet", type=float, default=1.5)
    udp.set_defaults(run=datagrams)
    tcp = commands.add_parser("tcp")
    tcp.add_argument("sink")
    tcp.add_argument("via", nargs="+")
    tcp.add_argument("--seconds", type=float, default=1)
    tcp.add_argument("--rounds", type=int, default=5)
    tcp.set_defaults(run=bulk)
    options = parser.parse_args()
    print(json.dumps(options.run(options), separators=(",", ":")))


if __name__ == "__main__":
    main()
