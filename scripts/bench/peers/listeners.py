"""Ten listeners for the scanner's benchmark: prints their ports, then accepts and closes for ever.

usage: listeners.py            ten free ports of 127.0.0.1
       listeners.py IP PORT... these ports
"""

import selectors
import socket
import sys

address, ports = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("127.0.0.1", [0] * 10)
listeners = [socket.create_server((address, int(port)), backlog=128) for port in ports]
ready = selectors.DefaultSelector()
for listener in listeners:
    ready.register(listener, selectors.EVENT_READ)
print(*(listener.getsockname()[1] for listener in listeners), flush=True)
while True:
    for key, _ in ready.select():
        try:
            key.fileobj.accept()[0].close()
        except OSError:
            pass  # The scanner had closed with an RST before we accepted.
