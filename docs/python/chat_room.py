#!/usr/bin/env python3
"""Chapter 8 in Python: a chat room with a thread for each member, as a tutorial shows it.

Quoted by the book. It speaks enough of the chapter's protocol for `chat-room join`, and it stops for everybody
as soon as one member does not read: that is the subject of the page.
"""

import socket
import sys
import threading

members = {}
lock = threading.RLock()  # tell_all is also called where it is held


# ANCHOR: room
def tell_all(line, but):
    with lock:
        for name, client in members.items():
            if name != but:
                client.sendall(f"{line}\n".encode())


def talk(client):
    lines = client.makefile(encoding="utf-8")
    client.sendall(b"* Welcome to the chat room. What is your name?\n")
    name = lines.readline().strip()
    with lock:
        client.sendall(f"* In the room: {', '.join(members) or '(nobody else)'}\n".encode())
        members[name] = client
        tell_all(f"* {name} has joined", but=name)
    for line in lines:
        tell_all(f"[{name}] {line.rstrip()}", but=name)
    with lock:
        del members[name]
        tell_all(f"* {name} has left", but=name)
    client.close()
# ANCHOR_END: room


def serve(host="127.0.0.1", port=7777):
    with socket.create_server((host, port)) as listener:
        print(f"Chat room listening on {host}:{listener.getsockname()[1]}", flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=talk, args=(client,), daemon=True).start()


if __name__ == "__main__":
    serve(port=int(sys.argv[1]) if len(sys.argv) > 1 else 7777)
