"""A bad network as one writes it on an afternoon: UDP, one client, loss and delay by a seeded generator."""

import random
import select
import socket
import sys
import time


# ANCHOR: relay
def relay(listen, target, loss, delay, seed):
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind(listen)
    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    back.connect(target)
    chance = random.Random(seed)
    client, waiting = None, []
    while True:
        ready, _, _ = select.select([front, back], [], [], 0.01)
        for sock in ready:
            data, address = sock.recvfrom(2048)
            if sock is front:
                client = address
            if chance.random() >= loss:
                waiting.append((time.monotonic() + delay, sock, data))
        while waiting and waiting[0][0] <= time.monotonic():
            _, sock, data = waiting.pop(0)
            back.send(data) if sock is front else front.sendto(data, client)


# ANCHOR_END: relay


if __name__ == "__main__":
    here, there = ((host, int(port)) for host, port in (text.rsplit(":", 1) for text in sys.argv[1:3]))
    relay(here, there, loss=0.5, delay=0.05, seed=7)
