"""A TCP server as a Python tutorial writes it: one thread per client, one recv per message."""

import socket
import threading


# ANCHOR: handle
def handle(client, address):
    with client:
        while True:
            data = client.recv(1024)
            if not data:
                break
            message = data.decode("utf-8")
            print(f"Received from {address}: {message}")
            client.send(f"Server received: {message}".encode("utf-8"))


# ANCHOR_END: handle


# ANCHOR: serve
def serve(host="127.0.0.1", port=8888):
    with socket.create_server((host, port)) as listener:
        print(f"Server listening on {host}:{port}")
        while True:
            client, address = listener.accept()
            threading.Thread(target=handle, args=(client, address)).start()


# ANCHOR_END: serve


if __name__ == "__main__":
    serve()
