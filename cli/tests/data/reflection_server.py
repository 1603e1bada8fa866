"""A gRPC server over grpcio that describes itself, by one version of reflection only.

Arguments: `v1`, `v1alpha`, or `v1-partial`, which tells nothing of imports; a port (0: any free one), a proto file. Prints its address. Its services have no methods
that could be called: what counts is what it tells.
"""

import pathlib
import sys
import tempfile
from concurrent import futures
from importlib import import_module, resources

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_tools import protoc

version, port, proto = sys.argv[1:]
folder, made = pathlib.Path(proto).resolve().parent, tempfile.mkdtemp()
google = str(resources.files("grpc_tools") / "_proto")
if protoc.main(["protoc", f"-I{folder}", f"-I{google}", f"--python_out={made}", pathlib.Path(proto).name]):
    sys.exit("the protocol does not compile")
sys.path.insert(0, made)
described = import_module(pathlib.Path(proto).stem + "_pb2").DESCRIPTOR

# What the server of `v1alpha` answers is `v1` under another name.
name = f"grpc.reflection.{version.split('-')[0]}.ServerReflection"
names = [service.full_name for service in described.services_by_name.values()] + [name]
servicer = reflection.ReflectionServicer(names)


def answers(requests, context):
    """As `v1`, a file is told without its imports, as some servers do."""
    for answer in servicer.ServerReflectionInfo(requests, context):
        if version == "v1-partial" and answer.original_request.HasField("file_by_filename"):
            error = reflection._reflection_pb2.ErrorResponse(error_code=5, error_message="not here")
            answer = reflection._reflection_pb2.ServerReflectionResponse(error_response=error)
        if version != "v1alpha" and answer.HasField("file_descriptor_response"):
            del answer.file_descriptor_response.file_descriptor_proto[1:]
        yield answer


method = grpc.stream_stream_rpc_method_handler(
    answers,
    request_deserializer=reflection._reflection_pb2.ServerReflectionRequest.FromString,
    response_serializer=reflection._reflection_pb2.ServerReflectionResponse.SerializeToString,
)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})])
bound = server.add_insecure_port(f"127.0.0.1:{port}")
if not bound:
    sys.exit("the port is taken")
server.start()
print(f"127.0.0.1:{bound}", flush=True)
server.wait_for_termination()
