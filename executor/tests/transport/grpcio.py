"""A server over grpcio, for the tests beside it. Messages are bytes. Prints its port, and ends with its standard input.

grpcio.py [CERTIFICATE KEY CLIENTS]: under TLS, and with a client certificate of the authority CLIENTS.
"""

import sys
import threading
from concurrent import futures

import grpc

lock = threading.Lock()
counts = {"echo": 0, "flaky": 0}
hanging = threading.Event()
cancelled = threading.Event()


def echo(request, context):
    with lock:
        counts["echo"] += 1
    sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
    context.send_initial_metadata([("x-initial", "a"), ("x-initial-bin", b"\xab\xcd")])
    context.set_trailing_metadata(sent)
    return request


def echoes(_, context):
    return str(counts["echo"]).encode()


def remaining(_, context):
    return str(context.time_remaining()).encode()


def fail(_, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "nö: 100%")


def flaky(request, context):
    with lock:
        counts["flaky"] += 1
        number = counts["flaky"]
    if number < 3:
        context.set_trailing_metadata([("grpc-retry-pushback-ms", "0")])
        context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
    return str(number).encode()


def hang(_, context):
    context.add_callback(cancelled.set)
    hanging.set()
    cancelled.wait()
    return b""


def wait_for_hang(_, context):
    hanging.wait()
    return b""


def wait_for_cancel(_, context):
    cancelled.wait()
    return b""


def compressed(request, context):
    context.set_compression(grpc.Compression.Gzip)
    return request * 100


def large(request, context):
    return b"x" * int(request)


methods = [echo, echoes, remaining, fail, flaky, hang, wait_for_hang, wait_for_cancel, compressed, large]
handlers = {method.__name__: grpc.unary_unary_rpc_method_handler(method) for method in methods}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.max_receive_message_length", 100_000)])
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Real", handlers),))
if len(sys.argv) > 1:
    certificate, key, clients = (open(path, "rb").read() for path in sys.argv[1:4])
    credentials = grpc.ssl_server_credentials([(key, certificate)], clients, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
else:
    port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
server.stop(None)
