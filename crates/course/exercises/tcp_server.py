"""The first file of an exercise: a TCP server that accepts, and does nothing for its clients yet.

python3 THIS_FILE HOST:PORT
"""

import socket
import sys


def serve(host, port):
    with socket.create_server((host, port)) as listener:
        # Port 0 takes a free one: whoever started us must be told which, and at once.
        print("listening on %s:%d" % listener.getsockname()[:2], flush=True)
        while True:
            client, address = listener.accept()
            with client:
                print(f"{address} is here, and nothing is done for it yet", flush=True)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    try:
        serve(host, int(port))
    except KeyboardInterrupt:
        pass
