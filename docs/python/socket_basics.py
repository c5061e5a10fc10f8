"""Chapter 1 in Python: numbers, a fresh socket, names, and four errors.

The same things as `cargo run -p socket-basics`, to compare what each language says and does by itself.
Run it with `python3 docs/python/socket_basics.py`; only the standard library is needed.
"""

import socket

# ANCHOR: numbers
print("families:", int(socket.AF_INET), int(socket.AF_INET6))
print("types:", int(socket.SOCK_STREAM), int(socket.SOCK_DGRAM))
print("protocols:", socket.IPPROTO_TCP, socket.IPPROTO_UDP)
# ANCHOR_END: numbers

# ANCHOR: names
fresh = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print("fresh:", fresh.getsockname())

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
accepted, _ = listener.accept()
print("each other's peer:", client.getsockname() == accepted.getpeername())
# ANCHOR_END: names


# ANCHOR: errors
def say(what, call):
    try:
        call()
    except OSError as error:
        print(f"{what}: {type(error).__name__}: {error}")


client.settimeout(0.2)
say("refused", lambda: socket.create_connection(client.getsockname()))
say("in-use", lambda: fresh.bind(listener.getsockname()))
say("timeout", lambda: client.recv(1))
say("name-not-found", lambda: socket.getaddrinfo("no-such-host.invalid", 80))
# ANCHOR_END: errors
