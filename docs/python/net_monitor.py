"""A recording relay as one writes it on an afternoon: two threads for each connection, a line when both are done."""

import json
import socket
import sys
import threading
import time


# ANCHOR: relay
def pump(source, sink, counts, index):
    try:
        while data := source.recv(4096):
            counts[index] += len(data)
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def relay(client, peer, port, target, log):
    start, counts = time.time(), [0, 0]
    server = socket.create_connection(target)
    up = threading.Thread(target=pump, args=(client, server, counts, 0))
    up.start()
    pump(server, client, counts, 1)
    up.join()
    client.close()
    server.close()
    row = {"peer": f"{peer[0]}:{peer[1]}", "port": port, "start": start, "end": time.time(),
           "bytes_in": counts[0], "bytes_out": counts[1], "how": "closed"}
    log.write(json.dumps(row) + "\n")
# ANCHOR_END: relay


def main(listen, target, path):
    with socket.create_server(listen, backlog=128) as listener, open(path, "w") as log:
        print(f"Recording, listening on {listen[0]}:{listen[1]}", flush=True)
        while True:
            client, peer = listener.accept()
            threading.Thread(target=relay, args=(client, peer, listen[1], target, log), daemon=True).start()


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


if __name__ == "__main__":
    try:
        main(address(sys.argv[1]), address(sys.argv[2]), sys.argv[3])
    except KeyboardInterrupt:
        pass
