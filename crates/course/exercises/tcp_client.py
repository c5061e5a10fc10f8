"""The first file of an exercise: a program that could fetch a URL, and does not yet.

python3 THIS_FILE URL
"""

import socket
import sys
from urllib.parse import urlparse


def fetch(url):
    parts = urlparse(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10):
        sys.exit("connected, and nothing is asked yet")


if __name__ == "__main__":
    fetch(sys.argv[1])
