"""Three datagrams, one right behind the other: the smallest sender with more than one on its way."""

import socket
import sys


def send_three(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for message in ["一", "二", "三"]:
            sender.sendto(message.encode("utf-8"), (host, port))


if __name__ == "__main__":
    host, port = sys.argv[1].rsplit(":", 1)
    send_three(host, int(port))
