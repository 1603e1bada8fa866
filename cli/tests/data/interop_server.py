"""The service of the gRPC interoperability tests, over grpcio. Prints its address, then a line for every call that was cancelled.

interop_server.py PROTOS: the folder with `grpc/testing/test.proto`.

Messages are decompressed here and not by grpcio, which would not say whether they were compressed.
"""

import gzip
import pathlib
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc
from grpc import _server
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

protos = sys.argv[1]
made = pathlib.Path(tempfile.mkdtemp()) / "interop.fds"
if protoc.main(["protoc", f"-I{protos}", "--include_imports", f"--descriptor_set_out={made}", "grpc/testing/test.proto"]):
    sys.exit("the protocol does not compile")
files = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)

INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpc.testing.{name}"))


Empty, Payload = message("Empty"), message("Payload")
SimpleRequest, SimpleResponse = message("SimpleRequest"), message("SimpleResponse")
InputRequest, InputResponse = message("StreamingInputCallRequest"), message("StreamingInputCallResponse")
OutputRequest, OutputResponse = message("StreamingOutputCallRequest"), message("StreamingOutputCallResponse")


class Received:
    """A message, and whether it was compressed."""

    def __init__(self, kind, raw):
        # No message begins with the field that the magic number of gzip would be.
        self.compressed = raw[:2] == b"\x1f\x8b"
        self.message = kind.FromString(gzip.decompress(raw) if self.compressed else raw)


def expect(received, context):
    request, compressed = received.message, received.compressed
    if request.HasField("expect_compressed") and request.expect_compressed.value != compressed:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"compressed: {compressed}")


def payload(size):
    return Payload(body=bytes(size))


def metadata(context):
    """Sends back what asks for it."""
    sent = dict(context.invocation_metadata())
    if INITIAL in sent:
        context.send_initial_metadata([(INITIAL, sent[INITIAL])])
    if TRAILING in sent:
        context.set_trailing_metadata([(TRAILING, sent[TRAILING])])


def end(request, context):
    """Ends the call as the request says."""
    if request.HasField("response_status") and request.response_status.code:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[request.response_status.code], request.response_status.message)


def empty_call(_, context):
    return Empty()


def unary_call(received, context):
    request = received.message
    metadata(context)
    expect(received, context)
    end(request, context)
    if request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    return SimpleResponse(payload=payload(request.response_size))


def streaming_output_call(received, context):
    request = received.message
    parameters = request.response_parameters
    if any(p.compressed.value for p in parameters):
        context.set_compression(grpc.Compression.Gzip)
    for p in parameters:
        if p.HasField("compressed") and not p.compressed.value:
            context.disable_next_message_compression()
        yield OutputResponse(payload=payload(p.size))
    end(request, context)


def watch(context, method):
    """Says where the caller gives a call up, unless the server has ended it before."""
    over = threading.Event()

    def ended():
        # What a handler sees first may be an end of the requests. At the end of the call it is known which it was.
        if context._state.client == _server._CANCELLED and not over.is_set():
            print(f"cancelled {method}", flush=True)

    if not context.add_callback(ended):
        ended()
    return over


def streaming_input_call(requests, context):
    over = watch(context, "StreamingInputCall")
    size = 0
    for received in requests:
        if received.message.HasField("expect_compressed"):
            over.set()
        expect(received, context)
        size += len(received.message.payload.body)
    return InputResponse(aggregated_payload_size=size)


def full_duplex_call(requests, context):
    over = watch(context, "FullDuplexCall")
    metadata(context)
    for received in requests:
        request = received.message
        if request.response_status.code:
            over.set()
        end(request, context)
        for p in request.response_parameters:
            time.sleep(p.interval_us / 1e6)
            yield OutputResponse(payload=payload(p.size))


def handlers():
    write = lambda m: m.SerializeToString()  # noqa: E731
    unary, output = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    sink, both = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    methods = {
        "EmptyCall": (unary, empty_call, Empty),
        "UnaryCall": (unary, unary_call, SimpleRequest),
        "StreamingOutputCall": (output, streaming_output_call, OutputRequest),
        "StreamingInputCall": (sink, streaming_input_call, InputRequest),
        "FullDuplexCall": (both, full_duplex_call, OutputRequest),
    }
    read = lambda kind: lambda raw: Received(kind, raw)  # noqa: E731
    return {name: make(run, read(kind), write) for name, (make, run, kind) in methods.items()}


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.per_message_decompression", 0)])
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.testing.TestService", handlers()),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(f"127.0.0.1:{port}", flush=True)
server.wait_for_termination()
