"""An HTTP client as a Python tutorial writes it, and the same with the standard library."""

import socket
import sys
import urllib.request
from urllib.parse import urlparse


# ANCHOR: by_hand
def by_hand(url, timeout=10.0):
    parsed = urlparse(url)
    host, port, path = parsed.hostname, parsed.port or 80, parsed.path or "/"
    with socket.create_connection((host, port), timeout) as sock:
        sock.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        response = b""
        while data := sock.recv(4096):
            response += data
    headers, content = response.decode().split("\r\n\r\n", 1)
    return content


# ANCHOR_END: by_hand


# ANCHOR: by_library
def by_library(url, timeout=10.0):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read().decode()


# ANCHOR_END: by_library


if __name__ == "__main__":
    way, url = sys.argv[1:]
    try:
        sys.stdout.write({"by_hand": by_hand, "by_library": by_library}[way](url))
    except Exception as error:
        print(f"{way}: {error!r}")
        sys.exit(1)
