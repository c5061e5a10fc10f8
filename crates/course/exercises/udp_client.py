"""The first file of an exercise: a program that could send a file over UDP, and does not yet.

python3 THIS_FILE FILE HOST:PORT
"""

import socket
import sys


def send(path, host, port):
    with open(path, "rb") as file:
        content = file.read()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        sys.exit(f"{len(content)} bytes, and none is sent yet")


if __name__ == "__main__":
    host, _, port = sys.argv[2].rpartition(":")
    send(sys.argv[1], host, int(port))
