#!/usr/bin/env python3
"""A TCP echo server as a beginner's text would write it: one thread per connection.

The peer that `scripts/bench/tcp-echo` measures tcp-server against. It answers what each `recv`
gives with `Server received: ` and the same bytes. It prints no line per message, for tcp-server does
not either; it sets TCP_NODELAY and a long backlog, for without them it would be measured waiting.
"""

import socket
import sys
import threading

PREFIX = b"Server received: "


def serve_client(stream: socket.socket) -> None:
    with stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := stream.recv(1024):
            stream.sendall(PREFIX + message)


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    with socket.create_server((host, int(port)), backlog=4096) as listener:
        host, port = listener.getsockname()
        print(f"Server listening on {host}:{port}", flush=True)
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=serve_client, args=(stream,), daemon=True).start()


if __name__ == "__main__":
    main()
