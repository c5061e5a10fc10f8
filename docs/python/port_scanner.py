"""A port scanner as a first program does it: a hundred threads, a queue, connect_ex."""

import queue
import socket
import sys
import threading
import time


# ANCHOR: scan_port
def scan_port(target, ports, open_ports, timeout):
    while True:
        try:
            port = ports.get_nowait()
        except queue.Empty:
            return
        with socket.socket() as sock:
            sock.settimeout(timeout)
            if sock.connect_ex((target, port)) == 0:
                open_ports.add(port)
                print(f"Port {port} is open")


# ANCHOR_END: scan_port


# ANCHOR: scan
def scan(target, first, last, timeout=1.0, count=100):
    print(f"Scanning {target} from port {first} to {last}")
    begin = time.time()
    ports, open_ports = queue.Queue(), set()
    for port in range(first, last + 1):
        ports.put(port)
    arguments = (target, ports, open_ports, timeout)
    threads = [threading.Thread(target=scan_port, args=arguments) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"\nScan completed in {time.time() - begin:.2f} seconds")
    print(f"Found {len(open_ports)} open ports")
    print("Open ports:", sorted(open_ports))


# ANCHOR_END: scan


if __name__ == "__main__":
    scan("127.0.0.1", *(int(port) for port in sys.argv[1:3] or (1, 1024)))
