"""Chapter 3's client in Python: send, wait, send again.

Run it with `python3 docs/python/udp_client.py HOST:PORT MESSAGE...`; only the standard library is needed.
"""

import socket
import sys


# ANCHOR: ask
def ask(client, message):
    """Sends `message` up to three times, waiting twice as long each time; its answer, or None."""
    for timeout in (1, 2, 4):
        client.send(message)
        client.settimeout(timeout)
        try:
            # One recv per attempt: a late answer to the message before would be taken for this one's.
            return client.recv(65535)
        except TimeoutError:
            pass
    return None
# ANCHOR_END: ask


def main(address, *messages):
    """Asks each of `messages`; the exit code is 1 when one of them got no answer."""
    host, _, port = address.rpartition(":")
    code = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((host, int(port)))
        for message in messages:
            why = "no answer"
            try:
                answer = ask(client, message.encode())
            except ConnectionRefusedError:
                answer, why = None, f"nothing is listening on {address}"
            if answer is None:
                print(why)
                code = 1
            else:
                print(f"Server response: {answer.decode()}")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
