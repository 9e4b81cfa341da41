"""A way to a server that takes time: a TCP proxy on loopback that delays each direction by half a round trip.

    with Link(8333, round_trip_ms=50) as link:
        ...                       # clients speak to link.port
        link.counts               # requests, connections, bytes up and down so far

Bandwidth is not limited, but what is under way is: QUEUE pieces of PIECE bytes a direction and connection, then the sender
waits. The first bytes of a connection wait for one round trip more, which is what TCP's handshake takes. Connections
stay open as long as both sides want them, so keep-alive works.
"""
import asyncio, threading
from collections import Counter

PIECE = 64 << 10
QUEUE = 128
HEAD_MAX = 64 << 10


class Requests:
    """Counts HTTP/1.1 requests in what a client sends, without keeping bodies."""

    def __init__(self, counts):
        self.counts = counts
        self.head = b""
        self.body_left = 0
        self.readable = True

    def feed(self, data):
        while data and self.readable:
            if self.body_left:
                passed = min(self.body_left, len(data))
                self.body_left -= passed
                data = data[passed:]
                continue
            head, end, rest = (self.head + data).partition(b"\r\n\r\n")
            if not end:
                self.head = head
                # Not HTTP, then; nothing more is counted of it.
                self.readable = len(head) <= HEAD_MAX
                return
            self.head, data = b"", rest
            self.request(head)

    def request(self, head):
        self.counts["requests"] += 1
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self.body_left = int(value)
            elif name.lower() == b"transfer-encoding":
                # Bodies without a length are not followed; whoever reads the counts is told.
                self.counts["uncounted"] += 1
                self.readable = False


class Link:
    def __init__(self, server_port, round_trip_ms):
        self.server_port = server_port
        self.delay = round_trip_ms / 2000
        self.counts = Counter()
        self.loop = asyncio.new_event_loop()
        self.port = None

    def __enter__(self):
        listening = threading.Event()
        self.thread = threading.Thread(target=self.serve, args=(listening,), daemon=True)
        self.thread.start()
        listening.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def serve(self, listening):
        asyncio.set_event_loop(self.loop)
        start = asyncio.start_server(self.connected, "127.0.0.1", 0, limit=PIECE)
        server = self.loop.run_until_complete(start)
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def connected(self, client, to_client):
        self.counts["connections"] += 1
        to_server = None
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self.server_port, limit=PIECE)
            requests = Requests(self.counts)
            await asyncio.gather(
                self.carry(client, to_server, "up", requests.feed, self.delay * 2),
                self.carry(server, to_client, "down", lambda data: None, 0),
            )
        except (OSError, asyncio.CancelledError):
            # Either side broke off; the other is told by the end of its connection.
            pass
        finally:
            for writer in (to_client, to_server):
                if writer:
                    writer.close()

    async def carry(self, reader, writer, way, seen, handshake):
        """One direction of a connection."""
        waiting = asyncio.Queue(QUEUE)
        sending = asyncio.create_task(self.send(waiting, writer))
        try:
            while data := await reader.read(PIECE):
                self.counts[f"bytes {way}"] += len(data)
                seen(data)
                await self.put(waiting, sending, (self.loop.time() + self.delay + handshake, data))
                handshake = 0
            await self.put(waiting, sending, None)
            await sending
        finally:
            sending.cancel()

    async def put(self, waiting, sending, piece):
        """Waits for room, but not for a sender that has failed."""
        if not waiting.full() and not sending.done():
            return waiting.put_nowait(piece)
        putting = asyncio.ensure_future(waiting.put(piece))
        await asyncio.wait((putting, sending), return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            await sending

    async def send(self, waiting, writer):
        due = 0
        while piece := await waiting.get():
            # In the order in which they came, whatever the first one waited for.
            due = max(due, piece[0])
            if (wait := due - self.loop.time()) > 0:
                await asyncio.sleep(wait)
            writer.write(piece[1])
            await writer.drain()
        writer.write_eof()
