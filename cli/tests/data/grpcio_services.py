"""The services that come with grpcio: health, reflection and channelz. Ends with its standard input.

grpcio_services.py FILE: writes their descriptor set to FILE and prints the address. Then it prints `call METHOD` for each call that
arrives, and answers each line that it reads: `set NAME STATUS` changes the health of a service, `channelz` and `reflection` tell
what Python's own client is told.
"""

import json
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2
from grpc_channelz.v1 import channelz, channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

MODULES = [channelz_pb2, health_pb2, reflection_pb2]
NAMES = sorted(name for module in MODULES for name in (s.full_name for s in module.DESCRIPTOR.services_by_name.values()))


class Calls(grpc.ServerInterceptor):
    def intercept_service(self, continuation, details):
        print("call", details.method, flush=True)
        return continuation(details)


def descriptor_set():
    found = {}

    def add(file):
        for dependency in file.dependencies:
            add(dependency)
        found.setdefault(file.name, descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb))

    for module in MODULES:
        add(module.DESCRIPTOR)
    # What health's own file does not say: to ask has no effect.
    [check] = [m for s in found["grpc_health/v1/health.proto"].service for m in s.method if m.name == "Check"]
    check.options.idempotency_level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    return descriptor_pb2.FileDescriptorSet(file=found.values())


def channelz_view(channel):
    stub = channelz_pb2_grpc.ChannelzStub(channel)
    servers = stub.GetServers(channelz_pb2.GetServersRequest()).server
    channels = stub.GetTopChannels(channelz_pb2.GetTopChannelsRequest()).channel
    return {
        "servers": [s.ref.server_id for s in servers],
        "listening": [socket.socket_id for s in servers for socket in s.listen_socket],
        "channels": [[c.ref.channel_id, c.data.target] for c in channels],
        "started": sum(s.data.calls_started for s in servers),
    }


def main():
    server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[Calls()], options=[("grpc.enable_channelz", 1)])
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(NAMES, server)
    channelz.add_channelz_servicer(server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with open(sys.argv[1], "wb") as file:
        file.write(descriptor_set().SerializeToString())
    print(address, flush=True)
    channel = grpc.insecure_channel(address, options=[("grpc.enable_channelz", 1)])
    for line in sys.stdin:
        command, *words = line.split()
        if command == "set":
            servicer.set(words[0], health_pb2.HealthCheckResponse.ServingStatus.Value(words[1]))
            answer = words
        elif command == "channelz":
            answer = channelz_view(channel)
        else:
            answer = {"services": NAMES, "health": list(health_pb2.DESCRIPTOR.serialized_pb)}
        print("answer", json.dumps(answer), flush=True)
    server.stop(None)


main()
