#!/usr/bin/env python3
"""A TCP echo server on one thread: Python's asyncio streams.

The second Python peer of `scripts/bench/tcp-echo`, with the same service as `tcp_threads.py`.
asyncio sets TCP_NODELAY by itself.
"""

import asyncio
import sys

PREFIX = b"Server received: "


async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while message := await reader.read(1024):
            writer.write(PREFIX + message)
            await writer.drain()
    except ConnectionResetError:
        pass
    finally:
        writer.close()


async def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    server = await asyncio.start_server(serve_client, host, int(port), backlog=4096)
    host, port = server.sockets[0].getsockname()
    print(f"Server listening on {host}:{port}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
