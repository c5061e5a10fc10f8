#!/usr/bin/env python3
"""What a watcher costs those whom it watches: bulk bytes and short connections, unobserved and watched, in turn.

usage: watched.py LOAD ROUNDS SECONDS -- COMMAND...

LOAD is ../peers/relay_load.rs, compiled. COMMAND is a monitor that prints a line when it watches and ends at Ctrl-C;
{port} in it is replaced. Prints a line of JSON for each measurement: LOAD's own, with `way` (`alone` or `watched`),
`what` (`bulk` or `rate`), and for a watched one `processor`, the monitor's share of one core in per cent.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

CLIENTS = "2"


def processor_seconds(pid):
    """What all threads have used, in nanoseconds where the kernel counts them: clock ticks are too coarse for 1 %."""
    used = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
            used += int(stat.read().split()[0])
    return used / 1e9


def start(command, said):
    monitor = subprocess.Popen(command, stdout=said)
    deadline = time.monotonic() + 30
    while os.fstat(said.fileno()).st_size == 0:
        if monitor.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"watched.py: {command[0]} does not say that it watches")
        time.sleep(0.01)
    return monitor


def main():
    arguments, command = sys.argv[1:], []
    if "--" in arguments:
        command = arguments[arguments.index("--") + 1:]
        arguments = arguments[:arguments.index("--")]
    if len(arguments) != 3 or not command:
        sys.exit(__doc__)
    load, rounds, seconds = arguments
    sink = subprocess.Popen([load, "sink"], stdout=subprocess.PIPE, text=True)
    addr = sink.stdout.readline().split()[-1]
    command = [part.format(port=addr.rsplit(":", 1)[1]) for part in command]
    for number in range(int(rounds)):
        # Who comes first changes, so that what slows the machine down meets both.
        for way in ["alone", "watched"][::1 if number % 2 else -1]:
            for what, more in [("bulk", []), ("rate", [CLIENTS])]:
                with tempfile.TemporaryFile() as said:
                    monitor = start(command, said) if way == "watched" else None
                    began, used = time.monotonic(), processor_seconds(monitor.pid) if monitor else 0
                    output = subprocess.run([load, what, addr, seconds] + more, stdout=subprocess.PIPE, text=True, timeout=60)
                    line = {"way": way, "what": what, **json.loads(output.stdout)}
                    if monitor:
                        used = processor_seconds(monitor.pid) - used
                        line["processor"] = round(100 * used / (time.monotonic() - began), 2)
                        monitor.send_signal(signal.SIGINT)
                        monitor.wait(timeout=60)
                print(json.dumps(line, separators=(",", ":")), flush=True)
    sink.kill()


if __name__ == "__main__":
    main()
