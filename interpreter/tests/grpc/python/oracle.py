"""Protobuf's own Python runtime as a judge of encoded messages.

Reads requests from stdin and writes an answer to each on stdout: four bytes of length, big-endian, and JSON. What a request
asks for (`do`) is the name of one of the functions of `Judge`; its other members are the arguments. An answer with `refused`
tells that the runtime refuses a message, one with `failed` that something went wrong that should not.

A message travels as a tree: field number -> value. Integers and enums are numbers, strings strings, bytes hex, floats the hex
of their bits, maps lists of pairs in the order of their keys. Fields that are absent, or zero without presence, are left out.
"""

import json
import random
import struct
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

import cases

F = FieldDescriptor
FLOATS = {F.TYPE_FLOAT: (">f", ">I", 8), F.TYPE_DOUBLE: (">d", ">Q", 16)}
MESSAGES = {F.TYPE_MESSAGE, F.TYPE_GROUP}
# Messages that have a form of their own in WIT.
OTHERS = ["Any", "Duration", "Empty", "FieldMask", "Timestamp"]
SCALARS = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"]
FORMS = {f"google.protobuf.{name}" for name in [*OTHERS, *(f"{scalar}Value" for scalar in SCALARS)]}
# The bits of an integer, and whether it has a sign.
INTEGERS = {
    F.TYPE_INT32: (32, True),
    F.TYPE_SINT32: (32, True),
    F.TYPE_SFIXED32: (32, True),
    F.TYPE_INT64: (64, True),
    F.TYPE_SINT64: (64, True),
    F.TYPE_SFIXED64: (64, True),
    F.TYPE_UINT32: (32, False),
    F.TYPE_FIXED32: (32, False),
    F.TYPE_UINT64: (64, False),
    F.TYPE_FIXED64: (64, False),
}


def is_map(field):
    return field.is_repeated and field.type == F.TYPE_MESSAGE and field.message_type.GetOptions().map_entry


class Judge:
    """The messages of one set of sources."""

    lossy = entries = False

    def compile(self, includes, files, messages, set):
        """Compiles sources with protoc. `set` is where a descriptor set goes that has one method per chosen message, which takes
        and returns it; `messages` chooses them: by name, or so many of those with fields that the files declare, spread evenly.
        """
        with tempfile.TemporaryDirectory() as directory:
            raw = Path(directory, "api.fds")
            protoc = [sys.executable, "-m", "grpc_tools.protoc", "--experimental_editions", "--include_imports", "-o", raw]
            ended = subprocess.run([*protoc, *(f"-I{i}" for i in includes), *files], capture_output=True, text=True)
            if ended.returncode != 0:
                raise RuntimeError(ended.stderr)
            sources = descriptor_pb2.FileDescriptorSet.FromString(raw.read_bytes())
        self.pool = descriptor_pool.DescriptorPool()
        for file in sources.file:
            self.pool.AddSerializedFile(file.SerializeToString())
            file.ClearField("service")
        self.classes = {}
        self.fields_of = {}
        own = [f for f in sources.file if any(str(name).endswith("/" + f.name) for name in files)]
        declared = sorted(name for file in own for name in declared_messages(file.package, file.message_type))
        declared = [name for name in declared if self.fields(self.descriptor(name))]
        declared = [name for name in declared if not requires_itself(self.descriptor(name))]
        if isinstance(messages, int):
            chosen = declared if len(declared) <= messages else spread(declared, messages)
        else:
            chosen = messages
        methods = {}
        for package in sorted({self.package(name) for name in chosen}):
            file = sources.file.add(name=f"chosen/{package}.proto", package=package, syntax="proto3")
            service = file.service.add(name="ChosenMessages")
            for index, name in enumerate(name for name in chosen if self.package(name) == package):
                service.method.add(name=f"Echo{index}", input_type="." + name, output_type="." + name)
                methods["/" + ".".join(filter(None, [package, service.name])) + f"/Echo{index}"] = name
                origin = self.descriptor(name).file.name
                if origin not in file.dependency:
                    file.dependency.append(origin)
        Path(set).write_bytes(sources.SerializeToString())
        return {"declared": len(declared), "methods": methods}

    def descriptor(self, name):
        return self.pool.FindMessageTypeByName(name)

    def package(self, name):
        return self.descriptor(name).file.package

    def judge(self, message, bytes, tree):
        """How a message reads, and the bytes of the one that a tree describes."""
        built = self.build(self.new(message), tree).SerializeToString(deterministic=True)
        return {**self.read(message, bytes), "built": built.hex()}

    def read(self, message, bytes):
        """How a message reads. `again` is how the runtime writes it, unknown fields included. `lossy` tells of what a value in
        WIT cannot hold: strings of proto2 that are not UTF-8, nulls that are not 0, unknown fields of messages without fields or
        with a form of their own; `unreadable` of strings that the runtime takes but cannot show; `entries` of entries of maps
        that it keeps as unknown fields because it does not know all of them.
        """
        try:
            read = self.new(message)
            read.ParseFromString(bytes_of(bytes))
            if not read.IsInitialized():
                return {"refused": "a required field is absent"}
            again = read.SerializePartialToString(deterministic=True).hex()
            self.lossy = self.entries = False
            return {"tree": self.dump(read), "again": again, "lossy": self.lossy, "entries": self.entries}
        except DecodeError as e:
            return {"refused": str(e) or type(e).__name__}
        except UnicodeDecodeError:
            return {"unreadable": again}

    def cases(self, message):
        """What the conformance suite's categories make of a message: names and bytes. Required fields go before each."""
        required = self.fill(self.new(message), random.Random(0), 0, absent=1).SerializeToString(deterministic=True).hex()
        return {"cases": [[name, required + case.hex()] for name, case in cases.cases(self.descriptor(message), self.fields)]}

    def damaged(self, message, seed, count):
        """Damaged encodings of a message by its descriptor alone."""
        whole = self.fill(self.new(message), random.Random(seed), 2).SerializeToString(deterministic=True)
        return {"cases": [[name, content.hex()] for name, content in cases.damaged(whole, seed, count)]}

    def make(self, message, seed, depth):
        """A message by its descriptor alone."""
        made = self.fill(self.new(message), random.Random(seed), depth)
        return {"bytes": made.SerializeToString(deterministic=True).hex(), "tree": self.dump(made)}

    def new(self, name):
        if name not in self.classes:
            self.classes[name] = message_factory.GetMessageClass(self.descriptor(name))
        return self.classes[name]()

    def fields(self, descriptor):
        """The fields of a message by number, extensions among them. Members of message sets are not fields."""
        fields = self.fields_of.get(descriptor.full_name)
        if fields is None:
            extensions = [] if descriptor.GetOptions().message_set_wire_format else self.pool.FindAllExtensions(descriptor)
            fields = {f.number: f for f in [*descriptor.fields, *extensions]}
            self.fields_of[descriptor.full_name] = fields
        return fields

    def dump(self, message):
        tree = {}
        known = self.fields(message.DESCRIPTOR)
        unknown = [known.get(field.field_number) for field in UnknownFieldSet(message)]
        self.entries |= any(field and is_map(field) for field in unknown)
        self.lossy |= bool(unknown) and message.DESCRIPTOR.full_name in FORMS or not known and message.ByteSize() > 0
        for field, value in message.ListFields():
            if field.number not in known:
                continue
            if is_map(field):
                of = field.message_type.fields_by_name
                pairs = [[self.dump_one(of["key"], key), self.dump_one(of["value"], item)] for key, item in value.items()]
                content = sorted(pairs, key=lambda pair: pair[0])
            elif field.is_repeated:
                content = [self.dump_one(field, item) for item in value]
            else:
                content = self.dump_one(field, value)
            tree[str(field.number)] = content
        return tree

    def dump_one(self, field, value):
        if field.type in MESSAGES:
            return self.dump(value)
        if field.type in FLOATS:
            form, bits, width = FLOATS[field.type]
            return format(struct.unpack(bits, struct.pack(form, value))[0], f"0{width}x")
        if field.type == F.TYPE_STRING and isinstance(value, bytes):
            self.lossy = True
            return value.decode(errors="replace")
        if cases.is_null(field) and field.containing_oneof and not field.containing_oneof.name.startswith("_"):
            # A case without payload; the oneof of an `optional` field is none.
            self.lossy |= value != 0
            return 0
        return value.hex() if field.type == F.TYPE_BYTES else value

    def build(self, message, tree):
        fields = self.fields(message.DESCRIPTOR)
        for number, value in tree.items():
            field = fields[int(number)]
            if is_map(field):
                of = field.message_type.fields_by_name
                for key, item in value:
                    if of["value"].type in MESSAGES:
                        self.build(get(message, field)[key], item)
                    else:
                        get(message, field)[key] = scalar(of["value"], item)
            elif field.is_repeated and field.type in MESSAGES:
                for item in value:
                    self.build(get(message, field).add(), item)
            elif field.is_repeated:
                get(message, field).extend(scalar(field, item) for item in value)
            elif field.type in MESSAGES:
                inner = get(message, field)
                inner.SetInParent()
                self.build(inner, value)
            else:
                put(message, field, scalar(field, value))
        return message

    def fill(self, message, rng, depth, absent=0.4):
        for field in self.fields(message.DESCRIPTOR).values():
            deep = field.type in MESSAGES
            required = field.is_required or behaves_required(field) and depth > -5
            if not required and (rng.random() < absent or deep and depth <= 0):
                continue
            count = rng.choice([0, 1, 2, 5]) if field.is_repeated else 1
            for _ in range(count):
                if is_map(field):
                    of = field.message_type.fields_by_name
                    key = random_scalar(of["key"], rng)
                    if of["value"].type in MESSAGES:
                        self.fill(get(message, field)[key], rng, depth - 1, absent)
                    else:
                        get(message, field)[key] = random_scalar(of["value"], rng)
                elif field.is_repeated and deep:
                    self.fill(get(message, field).add(), rng, depth - 1, absent)
                elif field.is_repeated:
                    get(message, field).append(random_scalar(field, rng))
                elif deep:
                    inner = get(message, field)
                    inner.SetInParent()
                    self.fill(inner, rng, depth - 1, absent)
                else:
                    put(message, field, random_scalar(field, rng))
        return message


def get(message, field):
    return message.Extensions[field] if field.is_extension else getattr(message, field.name)


def put(message, field, value):
    if field.is_extension:
        message.Extensions[field] = value
    else:
        setattr(message, field.name, value)


def bytes_of(text):
    return bytes.fromhex(text)


def scalar(field, value):
    """A scalar of a tree, as the runtime takes it."""
    if field.type in FLOATS:
        form, bits, _ = FLOATS[field.type]
        return struct.unpack(form, struct.pack(bits, int(value, 16)))[0]
    return bytes_of(value) if field.type == F.TYPE_BYTES else value


def random_scalar(field, rng):
    """Limits as often as what lies between."""
    if field.type in INTEGERS:
        bits, signed = INTEGERS[field.type]
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return rng.choice([0, 1, low, high, rng.randint(low, high), rng.randint(0, 300)])
    if field.type in FLOATS:
        limits = [0.0, -0.0, 1.5, float("inf"), float("-inf"), 5e-324]
        value = rng.choice([*limits, rng.uniform(-1e30, 1e30)])
        return struct.unpack(">f", struct.pack(">f", value))[0] if field.type == F.TYPE_FLOAT else value
    if field.type == F.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == F.TYPE_STRING:
        return "".join(rng.choice("az \0é漢🦀\"") for _ in range(rng.choice([0, 1, 3, 20, 200])))
    if field.type == F.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 3, 20, 200]))
    values = [value.number for value in field.enum_type.values]
    if cases.is_null(field):
        return 0
    if not field.enum_type.is_closed and rng.random() < 0.2:
        return rng.randint(-(1 << 31), (1 << 31) - 1)
    return rng.choice(values)


def declared_messages(scope, messages):
    """Full names, map entries left out."""
    for message in messages:
        if not message.options.map_entry:
            name = f"{scope}.{message.name}" if scope else message.name
            yield name
            yield from declared_messages(name, message.nested_type)


def behaves_required(field):
    """Whether `(google.api.field_behavior)`, number 1052, says `REQUIRED`, 2: its absence cannot be told from its default."""
    return any(option.field_number == 1052 and option.data == 2 for option in UnknownFieldSet(field.GetOptions()))


def requires_itself(descriptor, above=()):
    """Whether there is no finite message."""
    required = [f.message_type for f in descriptor.fields if f.is_required and f.type in MESSAGES]
    return descriptor in above or any(requires_itself(message, (*above, descriptor)) for message in required)


def spread(items, count):
    return [items[index * len(items) // count] for index in range(count)]


def serve(source, sink):
    judge = Judge()
    while header := source.read(4):
        request = json.loads(source.read(int.from_bytes(header, "big")))
        try:
            answer = getattr(judge, request.pop("do"))(**request)
        except Exception:
            answer = {"failed": traceback.format_exc()}
        answer = json.dumps(answer).encode()
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
