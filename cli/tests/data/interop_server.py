"""The service of the gRPC interoperability tests, over grpcio. Prints its address, then a line for every call that was cancelled."""

import pathlib
import sys
import tempfile
from concurrent import futures

import grpc
from grpc_tools import protoc
from importlib import resources

here = pathlib.Path(__file__).parent
made = tempfile.mkdtemp()
wrappers = str(resources.files("grpc_tools") / "_proto")
if protoc.main(["protoc", f"-I{here}", f"-I{wrappers}", f"--python_out={made}", f"--grpc_python_out={made}", "interop.proto"]):
    sys.exit("the protocol does not compile")
sys.path.insert(0, made)
import interop_pb2 as messages  # noqa: E402
import interop_pb2_grpc as service  # noqa: E402


def payload(size):
    return messages.Payload(body=bytes(size))


def end(request, context):
    """Ends the call as the request says."""
    if request.HasField("response_status") and request.response_status.code:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[request.response_status.code], request.response_status.message)


class TestService(service.TestServiceServicer):
    def EmptyCall(self, request, context):
        return messages.Empty()

    def UnaryCall(self, request, context):
        end(request, context)
        if request.HasField("response_compressed") and request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        if len(request.payload.body) not in (0, 271828):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a payload of {len(request.payload.body)} bytes")
        return messages.SimpleResponse(payload=payload(request.response_size))

    def StreamingOutputCall(self, request, context):
        parameters = request.response_parameters
        if any(p.HasField("compressed") and p.compressed.value for p in parameters):
            context.set_compression(grpc.Compression.Gzip)
        for p in parameters:
            if p.HasField("compressed") and not p.compressed.value:
                context.disable_next_message_compression()
            yield messages.StreamingOutputCallResponse(payload=payload(p.size))
        end(request, context)

    def StreamingInputCall(self, requests, context):
        try:
            size = sum(len(request.payload.body) for request in requests)
        except grpc.RpcError:
            # Requests end in this way where the caller cancels.
            print("cancelled StreamingInputCall", flush=True)
            raise
        return messages.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests, context):
        context.add_callback(lambda: over(context, "FullDuplexCall"))
        for request in requests:
            end(request, context)
            for p in request.response_parameters:
                yield messages.StreamingOutputCallResponse(payload=payload(p.size))
        context.finished = True


def over(context, method):
    """Called at the end of every call, whichever way it ended."""
    if not getattr(context, "finished", False) and context.code() is None:
        print(f"cancelled {method}", flush=True)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
service.add_TestServiceServicer_to_server(TestService(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(f"127.0.0.1:{port}", flush=True)
server.wait_for_termination()
