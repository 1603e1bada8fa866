"""Encoded messages of the kinds that protobuf's conformance suite sends to an implementation, made by hand for any message.

Each case has a name and bytes; what is right for it, the runtime says. The categories are those of the suite's binary tests:
ends inside of values, illegal tags, varints that are padded or too long, numbers that are truncated, last-one-wins, merging,
packed and not, maps, oneofs, UTF-8, unknown fields, groups and depth.
"""

import random

from google.protobuf.descriptor import FieldDescriptor as F

VARINT, FIXED64, BYTES, START, END, FIXED32 = range(6)
WIRE = {
    F.TYPE_DOUBLE: FIXED64,
    F.TYPE_FIXED64: FIXED64,
    F.TYPE_SFIXED64: FIXED64,
    F.TYPE_FLOAT: FIXED32,
    F.TYPE_FIXED32: FIXED32,
    F.TYPE_SFIXED32: FIXED32,
    F.TYPE_STRING: BYTES,
    F.TYPE_BYTES: BYTES,
    F.TYPE_MESSAGE: BYTES,
    F.TYPE_GROUP: START,
}
# A number that no message of the suite declares, and the largest.
UNKNOWN, LARGEST = 60_001, (1 << 29) - 1
ALL_ONES = (1 << 64) - 1

# A value of each wire type, and how one looks that ends too early.
WHOLE = {VARINT: b"\x2a", FIXED64: b"abcdefgh", BYTES: b"\x02hi", START: b"", FIXED32: b"abcd"}
CUT = {VARINT: b"\xaa", FIXED64: b"abcdefg", BYTES: b"\xaa", START: b"\x80", FIXED32: b"abc"}

VARINTS = [0, 1, 2, 127, 128, 12_345, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 33, (1 << 63) - 1, 1 << 63, ALL_ONES]
FIXED = {
    FIXED32: [bytes(4), b"\1\0\0\0", b"\xff" * 4, b"\0\0\0\x80", b"\xff\xff\xff\x7f", b"\0\0\xc0\x3f", b"\0\0\x80\x7f"],
    FIXED64: [bytes(8), b"\1" + bytes(7), b"\xff" * 8, bytes(7) + b"\x80", bytes(6) + b"\xf8\x3f", bytes(6) + b"\xf0\x7f"],
}
TEXTS = [b"", b"hi", b"\0", "é漢🦀".encode(), "\uffff\ud7ff\ue000\U0010ffff".encode(), b"x" * 300]
NOT_UTF8 = [b"\xff", b"\x80", b"\xc3", b"a\xc3(", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"ok\xfe"]


def varint(value, padded_to=0):
    out = bytearray()
    while value >= 0x80 or len(out) + 1 < padded_to:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def tag(number, wire):
    return varint(number << 3 | wire)


def delimited(content):
    return varint(len(content)) + content


def wire_of(field):
    return WIRE.get(field.type, VARINT)


def is_map(field):
    return field.is_repeated and field.type == F.TYPE_MESSAGE and field.message_type.GetOptions().map_entry


def is_null(field):
    return field.type == F.TYPE_ENUM and field.enum_type.full_name == "google.protobuf.NullValue"


def packable(field):
    return wire_of(field) in (VARINT, FIXED32, FIXED64)


def framed(field, content):
    """A message in a field, by length or as a group."""
    if wire_of(field) == START:
        return tag(field.number, START) + content + tag(field.number, END)
    return tag(field.number, BYTES) + delimited(content)


def values(field):
    """Encoded values of a scalar, without tags. Enums are asked for numbers that they do not know, too."""
    wire = wire_of(field)
    if is_null(field):
        # Its case has no payload, so that it has one value.
        return [b"\0", b"\0"]
    if field.type == F.TYPE_ENUM:
        known = [value.number & ALL_ONES for value in field.enum_type.values]
        return [varint(number) for number in [*known, *VARINTS, known[-1] ^ 1 << 32]]
    if wire == VARINT:
        return [varint(number) for number in VARINTS]
    if wire == BYTES:
        return [delimited(text) for text in TEXTS]
    return FIXED[wire]


def cases(message, fields):
    """Names and bytes. `fields` gives the fields of a message's descriptor."""
    own = list(fields(message).values())
    yield "Empty", b""
    yield from tags()
    yield from unknown_fields()
    for field in own:
        for name, content in of_field(field, fields):
            yield f"{name}.{field.full_name if field.is_extension else field.name}", content
    for field in [f for f in own if f.containing_oneof]:
        for name, content in of_oneof(field, fields):
            yield f"{name}.{field.name}", content
    yield from depths(own)


def tags():
    for wire in range(8):
        yield f"IllegalZeroFieldNumber.{wire}", tag(0, wire) + WHOLE.get(wire, b"")
    for wire in (6, 7):
        for number in (1, UNKNOWN, LARGEST):
            yield f"IllegalWireType.{wire}.{number}", tag(number, wire) + b"\1"
    for number in (LARGEST, LARGEST + 1, LARGEST + 2, 1 << 30, 1 << 32, (1 << 61) - 1):
        yield f"FieldNumber.{number}", tag(number, VARINT) + b"\1"
    for length in range(1, 12):
        yield f"PaddedTag.{length}", varint(1 << 3 | VARINT, length) + b"\1"
        yield f"PaddedUnknownTag.{length}", varint(UNKNOWN << 3 | VARINT, length) + b"\1"
    yield "TagOfAllOnes", b"\xff" * 9 + b"\1" + b"\1"
    yield "TagBeyond64Bits", b"\x88" + b"\x80" * 8 + b"\x02" + b"\1"


def unknown_fields():
    for wire, whole in WHOLE.items():
        end = tag(UNKNOWN, END) if wire == START else b""
        yield f"Unknown.{wire}", tag(UNKNOWN, wire) + whole + end
        yield f"PrematureEofBeforeUnknownValue.{wire}", tag(UNKNOWN, wire)
        yield f"PrematureEofInsideUnknownValue.{wire}", tag(UNKNOWN, wire) + CUT[wire]
    yield "PrematureEofInDelimitedDataForUnknownValue", tag(UNKNOWN, BYTES) + b"\1"
    for length in (1 << 31, 1 << 32, 1 << 63, ALL_ONES):
        yield f"UnknownLength.{length}", tag(UNKNOWN, BYTES) + varint(length) + b"abc"
    some = tag(UNKNOWN, VARINT) + b"\1"
    yield "UnknownOrdering", tag(UNKNOWN + 1, BYTES) + delimited(b"abc") + some + tag(UNKNOWN + 1, BYTES) + delimited(b"d")
    nested = tag(UNKNOWN, START) + some + tag(UNKNOWN + 1, START) + some + tag(UNKNOWN + 1, END) + tag(UNKNOWN, END)
    yield "UnknownGroups", nested
    yield "UnmatchedEndGroup", tag(UNKNOWN, END)
    yield "UnmatchedEndGroupBehindValue", some + tag(UNKNOWN, END)
    yield "UnmatchedEndGroupOfAnother", tag(UNKNOWN, START) + tag(UNKNOWN + 1, END)
    yield "UnmatchedEndGroupCrossed", tag(UNKNOWN, START) + tag(UNKNOWN + 1, START) + tag(UNKNOWN, END) + tag(UNKNOWN + 1, END)
    yield "IllegalTagInUnknownGroup", tag(UNKNOWN, START) + b"\0" + tag(UNKNOWN, END)
    for length in range(1, 12):
        yield f"PaddedUnknownVarint.{length}", tag(UNKNOWN, VARINT) + varint(1, length)
    yield "UnknownVarintBeyond64Bits", tag(UNKNOWN, VARINT) + b"\xff" * 9 + b"\x7f"


def of_field(field, fields):
    wire, number = wire_of(field), field.number
    if is_map(field):
        yield from of_map(field, fields)
        return
    yield "PrematureEofBeforeKnownValue", tag(number, wire)
    yield "PrematureEofInsideKnownValue", tag(number, wire) + CUT[wire]
    for other, whole in WHOLE.items():
        if other != wire:
            end = tag(number, END) if other == START else b""
            yield f"WireType.{other}", tag(number, other) + whole + end
    yield "EndGroup", tag(number, END)
    if wire == BYTES:
        yield "PrematureEofInDelimitedDataForKnownValue", tag(number, BYTES) + b"\1"
        for length in (1 << 31, 1 << 32, 1 << 63, ALL_ONES):
            yield f"Length.{length}", tag(number, BYTES) + varint(length) + b"abc"
        for length in range(1, 12):
            yield f"PaddedLength.{length}", tag(number, BYTES) + varint(0, length)
    if field.type in (F.TYPE_MESSAGE, F.TYPE_GROUP):
        yield from of_message(field, fields)
        return
    several = values(field)
    for index, value in enumerate(several):
        yield f"ValidData.{index}", tag(number, wire) + value
        yield f"LastOneWins.{index}", tag(number, wire) + several[-1] + tag(number, wire) + value
    yield "ValidData.All", b"".join(tag(number, wire) + value for value in several)
    yield "Interleaved", b"".join(tag(number, wire) + value + tag(UNKNOWN, VARINT) + b"\1" for value in several)
    if wire == VARINT and not is_null(field):
        for length in range(1, 12):
            yield f"PaddedVarint.{length}", tag(number, wire) + varint(1, length)
        for last in (1, 2, 3, 0x7F):
            yield f"VarintBeyond64Bits.{last}", tag(number, wire) + b"\xff" * 9 + bytes([last])
    if packable(field):
        yield "Packed", tag(number, BYTES) + delimited(b"".join(several))
        yield "PackedTwice", 2 * (tag(number, BYTES) + delimited(b"".join(several[:3])))
        yield "PackedAndNot", tag(number, BYTES) + delimited(several[0]) + tag(number, wire) + several[1]
        yield "PackedOfNothing", tag(number, BYTES) + b"\0"
        yield "PrematureEofInPackedField", tag(number, BYTES) + b"\x7f" + several[1]
        yield "PrematureEofInPackedFieldValue", tag(number, BYTES) + delimited(several[1] + CUT[wire])
        if wire == VARINT:
            yield "PaddedInPackedField", tag(number, BYTES) + delimited(varint(1, 10) + varint(2, 5))
            yield "TooLongInPackedField", tag(number, BYTES) + delimited(varint(1, 11))
    if field.type == F.TYPE_STRING:
        for index, text in enumerate(NOT_UTF8):
            yield f"RejectInvalidUtf8.{index}", tag(number, BYTES) + delimited(text)


def of_message(field, fields):
    number = field.number
    inner = list(fields(field.message_type).values())
    unknown = tag(UNKNOWN, VARINT) + b"\1"
    yield "EmptyMessage", framed(field, b"")
    yield "EmptyMessageTwice", framed(field, b"") * 2
    yield "UnknownInMessage", framed(field, unknown)
    if inner:
        # In a message without fields this runtime lets it pass.
        yield "IllegalTagInMessage", framed(field, b"\0\1")
    yield "UnmatchedEndGroupInMessage", framed(field, tag(UNKNOWN, END))
    yield "PrematureEofInSubmessageValue", framed(field, tag(UNKNOWN, VARINT) + CUT[VARINT])
    if wire_of(field) == START:
        yield "GroupWithoutEnd", tag(number, START) + unknown
        yield "GroupWithAnotherEnd", tag(number, START) + tag(number + 1, END)
        yield "GroupInGroup", framed(field, framed(field, unknown))
    scalars = [f for f in inner if not f.is_repeated and f.type not in (F.TYPE_MESSAGE, F.TYPE_GROUP)]
    lists = [f for f in inner if f.is_repeated and packable(f)]
    for one in scalars[:3]:
        several = [tag(one.number, wire_of(one)) + value for value in values(one)[-3:]]
        yield f"MessageMerge.{one.name}", b"".join(framed(field, value) for value in several)
        yield f"MessageMergeWithEmpty.{one.name}", framed(field, several[-1]) + framed(field, b"")
        for other in scalars[:3]:
            if other is not one:
                second = tag(other.number, wire_of(other)) + values(other)[-1]
                yield f"MessageMerge.{one.name}.{other.name}", framed(field, several[0]) + unknown + framed(field, second)
    for one in lists[:2]:
        several = [tag(one.number, wire_of(one)) + value for value in values(one)[:3]]
        yield f"MessageMergeOfLists.{one.name}", b"".join(framed(field, value) for value in several)


def of_map(field, fields):
    number = field.number
    of = field.message_type.fields_by_name
    key, value = of["key"], of["value"]

    def element(one, index):
        if one.type in (F.TYPE_MESSAGE, F.TYPE_GROUP):
            scalars = [f for f in fields(one.message_type).values() if not f.is_repeated and packable(f)]
            content = b"".join(tag(f.number, wire_of(f)) + values(f)[1] for f in scalars[index : index + 1])
            return framed(one, content)
        several = values(one)
        return tag(one.number, wire_of(one)) + several[index % len(several)]

    def entry(*parts):
        return tag(number, BYTES) + delimited(b"".join(parts))

    # An entry with unknown fields is not here: this runtime keeps it whole as unknown, others read it.
    yield "Map.Default", entry()
    yield "Map.MissingKey", entry(element(value, 1))
    yield "Map.MissingValue", entry(element(key, 1))
    yield "Map.NonDefault", entry(element(key, 1), element(value, 1))
    yield "Map.Unordered", entry(element(value, 1), element(key, 1))
    yield "Map.DuplicateKey", entry(element(key, 1), element(value, 1)) + entry(element(key, 1), element(value, 0))
    yield "Map.DuplicateKeyInMapEntry", entry(element(key, 1), element(value, 1), element(key, 0))
    yield "Map.DuplicateValueInMapEntry", entry(element(key, 1), element(value, 1), element(value, 0))
    yield "Map.PrematureEof", tag(number, BYTES) + b"\x7f" + element(key, 1)
    yield "Map.IllegalTagInEntry", entry(b"\0\1")
    yield "Map.EndGroupInEntry", entry(element(key, 1), tag(1, END))
    for wire, whole in WHOLE.items():
        if wire != BYTES:
            yield f"Map.WireType.{wire}", tag(number, wire) + whole + (tag(number, END) if wire == START else b"")
    keys = len(values(key))
    yield "Map.AllKeys", b"".join(entry(element(key, i), element(value, i % 3)) for i in range(keys))
    if value.type not in (F.TYPE_MESSAGE, F.TYPE_GROUP):
        for index in range(len(values(value))):
            yield f"Map.Value.{index}", entry(element(key, 1), element(value, index))
    for one, name in ((key, "Key"), (value, "Value")):
        if one.type == F.TYPE_STRING:
            for index, text in enumerate(NOT_UTF8):
                yield f"Map.{name}InvalidUtf8.{index}", entry(tag(one.number, BYTES) + delimited(text))


def of_oneof(field, fields):
    def some(one, index):
        if one.type in (F.TYPE_MESSAGE, F.TYPE_GROUP):
            scalars = [f for f in fields(one.message_type).values() if not f.is_repeated and packable(f)]
            return framed(one, b"".join(tag(f.number, wire_of(f)) + values(f)[1] for f in scalars[index : index + 1]))
        several = values(one)
        return tag(one.number, wire_of(one)) + several[index % len(several)]

    yield "Oneof.DefaultValue", some(field, 0)
    yield "Oneof.MultipleValuesForSameField", some(field, 1) + some(field, 0)
    yield "Oneof.Merge", some(field, 0) + some(field, 1) + some(field, 2)
    for other in field.containing_oneof.fields:
        if other is not field:
            yield f"Oneof.MultipleValuesForDifferentField.{other.name}", some(field, 1) + some(other, 1)
            yield f"Oneof.ThereAndBack.{other.name}", some(field, 1) + some(other, 0) + some(field, 0)
            wrong = START if wire_of(other) != START else VARINT
            close = tag(other.number, END) if wrong == START else WHOLE[VARINT]
            yield f"Oneof.OtherByWireType.{other.name}", some(field, 1) + tag(other.number, wrong) + close


def depths(own):
    """Messages in messages of their own type, and groups that are unknown, around the limit."""
    recursive = [f for f in own if f.type == F.TYPE_MESSAGE and f.message_type is f.containing_type and not f.is_repeated]
    for levels in (1, 2, 50, 98, 99, 100, 101, 102, 150):
        content = b""
        for _ in range(levels):
            content = tag(UNKNOWN, START) + content + tag(UNKNOWN, END)
        yield f"Depth.UnknownGroups.{levels}", content
        for field in recursive[:1]:
            content = b""
            for _ in range(levels):
                content = framed(field, content)
            yield f"Depth.{field.name}.{levels}", content


def damaged(whole, seed, count):
    """A message with a few bytes changed, dropped, doubled or cut off, and cut at every place where it is short."""
    rng = random.Random(seed)
    for end in range(len(whole) if len(whole) < 200 else 0):
        yield f"CutAt.{end}", whole[:end]
    for index in range(count if whole else 0):
        damaged = bytearray(whole)
        for _ in range(rng.choice([1, 1, 2, 4])):
            at = rng.randrange(len(damaged))
            what = rng.randrange(5)
            if what == 0:
                damaged[at] ^= 1 << rng.randrange(8)
            elif what == 1:
                damaged[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            elif what == 2:
                del damaged[at : at + rng.randint(1, 4)]
            elif what == 3:
                damaged[at:at] = damaged[at : at + rng.randint(1, 12)]
            else:
                del damaged[at:]
            if not damaged:
                break
        yield f"Damaged.{index}", bytes(damaged)
