#!/usr/bin/env python3
"""Chapter 6 in Python: chapter 2's service on one thread, with `selectors`, as a tutorial shows it.

Quoted by the book. What it does not do is the subject of the page: `send` may take only a part.
"""

import selectors
import socket

selector = selectors.DefaultSelector()


# ANCHOR: attend
def accept(listener):
    client, address = listener.accept()
    print(f"Accepted connection from {address}")
    client.setblocking(False)
    selector.register(client, selectors.EVENT_READ, answer)


def answer(client):
    data = client.recv(65536)
    if data:
        client.send(b"Server received: " + data)
    else:
        selector.unregister(client)
        client.close()
# ANCHOR_END: attend


# ANCHOR: serve
def serve(host="127.0.0.1", port=8888):
    with socket.create_server((host, port)) as listener:
        print(f"Server listening on {host}:{port}")
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, accept)
        while True:
            for key, _ in selector.select():
                key.data(key.fileobj)
# ANCHOR_END: serve


if __name__ == "__main__":
    serve()
