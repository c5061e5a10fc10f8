"""Chapter 9's exercise in Python: files over UDP, one datagram, one answer, and only then the next.

`python3 docs/python/simple_file.py send FILE HOST:PORT` and `… receive HOST:PORT FOLDER`, the latter for one file.
The protocol is drawn in crates/09-file-transfer/src/simple/mod.rs; only the standard library is needed.
"""

import os
import random
import socket
import sys
import zlib

CHUNK = 1024
WAIT = 0.25
TRIES = 40


# ANCHOR: crc
def pack(line, data=b""):
    rest = line.encode() + b"\n" + data
    return b"%08x " % zlib.crc32(rest) + rest


def unpack(datagram):
    """The words of the line and the bytes behind it; None when the datagram is damaged."""
    crc, rest = datagram[:8], datagram[9:]
    if crc != b"%08x" % zlib.crc32(rest) or b"\n" not in rest:
        return None
    line, _, data = rest.partition(b"\n")
    return line.decode().split(" ", 3), data
# ANCHOR_END: crc


# ANCHOR: ask
def ask(sock, question, wanted):
    """Sends a datagram until the answer to it comes; every other answer is late, and says nothing new."""
    for _ in range(TRIES):
        sock.send(question)
        sock.settimeout(WAIT)
        try:
            while True:
                answer = unpack(sock.recv(2048))
                if answer and answer[0] == wanted:
                    return
                if answer and answer[0][:2] == ["NO", wanted[1]]:
                    sys.exit("refused: " + " ".join(answer[0][2:]))
        except TimeoutError:
            pass
    sys.exit("no answer")


def send(path, address):
    host, _, port = address.rpartition(":")
    with open(path, "rb") as file:
        content = file.read()
    number = str(random.randrange(2**32))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        name = os.path.basename(path)
        ask(sock, pack(f"FILE {number} {len(content)} {name}"), ["OK", number, "0"])
        for start in range(0, len(content), CHUNK):
            chunk = content[start:start + CHUNK]
            ask(sock, pack(f"DATA {number} {start}", chunk), ["OK", number, str(start + len(chunk))])
        ask(sock, pack(f"END {number} {zlib.crc32(content):08x}"), ["SAVED", number])
        sock.send(pack(f"BYE {number}"))
    print(f"{name}: {len(content)} bytes saved")
# ANCHOR_END: ask


# ANCHOR: receive
def receive(address, folder):
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, int(port)))
        print("File receiver listening on %s:%d" % sock.getsockname())
        number, size, name, content, saved = None, 0, "", b"", False
        while True:
            datagram, peer = sock.recvfrom(2048)
            words, data = unpack(datagram) or ([""], b"")
            if words[0] == "FILE" and number in (None, words[1]):
                number, size, name = words[1], int(words[2]), words[3]
            elif len(words) < 2 or words[1] != number:
                continue
            elif words[0] == "DATA" and int(words[2]) == len(content):
                content += data
            elif words[0] == "END" and not saved and len(content) == size and words[2] == "%08x" % zlib.crc32(content):
                with open(os.path.join(folder, os.path.basename(name)), "wb") as file:
                    file.write(content)
                print(f"{name}: {size} bytes saved")
                saved = True
            elif words[0] == "BYE":
                return
            answer = f"SAVED {number}" if saved else f"OK {number} {len(content)}"
            sock.sendto(pack(answer), peer)
# ANCHOR_END: receive


if __name__ == "__main__":
    {"send": send, "receive": receive}[sys.argv[1]](*sys.argv[2:])
