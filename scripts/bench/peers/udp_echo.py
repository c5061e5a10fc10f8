#!/usr/bin/env python3
"""A UDP echo server as a beginner's text would write it: one datagram at a time.

The peer that `scripts/bench/udp-echo` measures udp-server against. It answers each datagram with
`Server received: ` and the same bytes, whoever sent it, so it also shows the echo loop that
udp-server must not join.
"""

import socket
import sys

PREFIX = b"Server received: "


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, int(port)))
        host, port = server.getsockname()
        print(f"Server listening on {host}:{port}", flush=True)
        while True:
            message, client = server.recvfrom(1024)
            server.sendto(PREFIX + message, client)


if __name__ == "__main__":
    main()
