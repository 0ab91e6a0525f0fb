"""A server that is far away: a proxy that holds back every octet for half of a round trip. LISTEN TO MILLISECONDS."""

from __future__ import annotations

import asyncio
import sys

listen, to, milliseconds = map(int, sys.argv[1:4])


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what arrives, each piece after the time that it spends on its way."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                writer.close()
                return
            writer.write(data)

    delivery = asyncio.create_task(deliver())
    while data := await reader.read(262_144):
        pieces.put_nowait((loop.time() + milliseconds / 2000, data))
    pieces.put_nowait((loop.time() + milliseconds / 2000, b""))
    await delivery


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)


async def main() -> None:
    server = await asyncio.start_server(connected, "127.0.0.1", listen)
    await server.serve_forever()


asyncio.run(main())
