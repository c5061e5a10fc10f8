"""Chapter 3's server in Python: receive, answer, forget.

It answers whoever asks, in the words of `cargo run -p udp-server`, so each works with the other's client.
Run it with `python3 docs/python/udp_server.py [HOST:PORT]`; only the standard library is needed.
"""

import socket
import sys


def main(host, port):
    # ANCHOR: serve
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, port))
        print("UDP Server listening on %s:%d" % server.getsockname())
        while True:
            message, (host, port) = server.recvfrom(1024)
            print(f"Received from {host}:{port}: {message.decode()}")
            server.sendto(b"Server received: " + message, (host, port))
    # ANCHOR_END: serve


if __name__ == "__main__":
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9999").rpartition(":")
    try:
        main(host, int(port))
    except KeyboardInterrupt:
        print("Server shutting down...")
