"""Clients of the server under test, written against the `websockets` package. Arguments: what to do, host:port."""

import asyncio
import sys

import websockets
from websockets.asyncio.client import connect

ADDRESS = sys.argv[2]
URI = f"ws://{ADDRESS}/ws"


async def expect_status(status, **options):
    try:
        await connect(URI, **options)
    except websockets.exceptions.InvalidStatus as error:
        assert error.response.status_code == status, error
    else:
        raise AssertionError(f"let in; expected {status}")


async def expect_close(code, say):
    async with connect(URI, max_size=None) as ws:
        await say(ws)
        try:
            await ws.recv()
        except websockets.exceptions.ConnectionClosed as error:
            assert error.rcvd and error.rcvd.code == code, error
        else:
            raise AssertionError(f"not closed; expected {code}")


async def cases():
    # Text and binary of every length encoding, the compression extension offered and declined.
    async with connect(URI, subprotocols=["chat", "tty"], max_size=None) as ws:
        assert ws.subprotocol == "tty"
        assert ws.protocol.extensions == []
        for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
            await ws.send(b"x" * size)
            assert await ws.recv() == b"x" * size
        await ws.send("κόσμε 🎉")
        assert await ws.recv() == "κόσμε 🎉"
        # Fragments, some of them empty, cut within characters.
        data = "κόσμε".encode()
        await ws.send([data[:1].decode("latin-1"), "", "b"])
        assert await ws.recv() == data[:1].decode("latin-1") + "b"
        await ws.send([b"a", b"", b"b", b"c" * 70000])
        assert await ws.recv() == b"ab" + b"c" * 70000
        # Pings with payloads of every length.
        for size in (0, 1, 125):
            await (await ws.ping(b"p" * size))
        # Many at once come back in order.
        for number in range(2000):
            await ws.send(str(number))
        for number in range(2000):
            assert await ws.recv() == str(number)
        await ws.close(4321, "done")
        assert ws.close_code == 4321, ws.close_code

    await expect_status(403, origin="https://elsewhere.example")
    async with connect(URI, origin=f"http://{ADDRESS}") as ws:
        await ws.send("same origin")
        assert await ws.recv() == "same origin"

    # Too large, and text that is none.
    await expect_close(1009, lambda ws: ws.send(b"x" * ((1 << 20) + 1)))
    await expect_close(1007, lambda ws: ws.send([b"\xff\xfe"], text=True))

    # Fifty at a time.
    async def one(number):
        async with connect(URI) as ws:
            for step in range(20):
                await ws.send(f"{number} {step}")
                assert await ws.recv() == f"{number} {step}"

    await asyncio.gather(*(one(number) for number in range(50)))


async def keepalive():
    async with connect(URI, ping_interval=0.05, ping_timeout=5) as ws:
        # Longer than both sides' pings need to find the other dead.
        await asyncio.sleep(2.5)
        await ws.send("still here")
        assert await ws.recv() == "still here"
        assert ws.latency > 0


asyncio.run({"cases": cases, "keepalive": keepalive}[sys.argv[1]]())
