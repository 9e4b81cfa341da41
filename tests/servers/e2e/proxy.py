"""A proxy before a server: counts what passes, and makes of it what a test wants to see go wrong."""

import http.client
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASS = None
"""A fault of `PASS` forwards a request as it is; a pair (status, body) answers in the server's
place; `LOSE_ANSWER` forwards, and then breaks the connection."""
LOSE_ANSWER = "lose the answer"


class Proxy:
    """`fault(method, number)` says what becomes of the request of that number, counted from 1."""

    def __init__(self, upstream, fault=lambda method, number: PASS, put_seconds=0.0):
        self.upstream = upstream
        self.fault = fault
        self.put_seconds = put_seconds
        self.counts = Counter()
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), type("Handler", (Handler,), {"proxy": self}))
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def admit(self, method, size):
        """Counts a request and decides what becomes of it."""
        with self.lock:
            self.counts["requests"] += 1
            self.counts[method] += 1
            self.counts["bytes up"] += size
            number = self.counts["requests"]
        return self.fault(method, number)

    def told(self):
        """What passed so far, in words."""
        with self.lock:
            return ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # A client that was killed resets its connections, which is nothing to tell of.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = self.proxy.admit(self.command, len(body))
        if isinstance(fault, tuple):
            return self.answer(fault[0], [], fault[1].encode())
        if self.command == "PUT":
            time.sleep(self.proxy.put_seconds)
        try:
            status, headers, body = self.forward(body)
        except OSError:
            fault = LOSE_ANSWER
        if fault == LOSE_ANSWER:
            self.close_connection = True
            return None
        with self.proxy.lock:
            self.proxy.counts["bytes down"] += len(body)
        try:
            return self.answer(status, headers, body)
        except OSError:
            # Whoever asked was killed.
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = serve

    def forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=60)
        try:
            # The signature covers the host's name, so headers pass unchanged.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError("the server broke off") from error
        finally:
            connection.close()

    def answer(self, status, headers, body):
        ours = {"connection", "keep-alive", "transfer-encoding"}
        if self.command != "HEAD":
            ours.add("content-length")
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ours:
                self.send_header(name, value)
        if "content-length" in ours and status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""
