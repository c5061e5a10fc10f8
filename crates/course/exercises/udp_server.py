"""The first file of an exercise: a UDP server that receives, and answers nothing yet.

python3 THIS_FILE HOST:PORT [FOLDER]
"""

import socket
import sys


def serve(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, port))
        # Port 0 takes a free one: whoever started us must be told which, and at once.
        print("listening on %s:%d" % server.getsockname(), flush=True)
        while True:
            datagram, peer = server.recvfrom(65536)
            print(f"{len(datagram)} bytes from {peer}, and no answer yet", flush=True)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    try:
        serve(host, int(port))
    except KeyboardInterrupt:
        pass
