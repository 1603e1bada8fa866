//! Arbitrary entries.

use proptest::prelude::*;
use witwire_executor::oplog::{
    Class, ClockReading, Completed, ComponentDigest, Digest, Entry, Event, Finished, FunctionName, IdempotencyKey, Invoked,
    IrDigest, Ordinal, Outcome, RandomBytes, Recorded, RequestDigest, Started, Stepped, Timestamp, Wave,
};
use witwire_ir::{Step, Value};

/// Any value, also such as no type has.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<u8>().prop_map(Value::U8),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<i8>().prop_map(Value::S8),
        any::<i16>().prop_map(Value::S16),
        any::<i32>().prop_map(Value::S32),
        any::<i64>().prop_map(Value::S64),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        any::<char>().prop_map(Value::Char),
        any::<String>().prop_map(Value::string),
        prop::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| Value::Bytes(bytes.into())),
        any::<u32>().prop_map(Value::Enum),
        any::<u32>().prop_map(Value::Flags),
        any::<u32>().prop_map(Value::Handle),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let boxed = |inner: BoxedStrategy<Value>| prop::option::of(inner.prop_map(Box::new));
        let inner = inner.boxed();
        let items = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            items.clone().prop_map(Value::list),
            items.clone().prop_map(Value::record),
            items.prop_map(Value::tuple),
            (any::<u32>(), boxed(inner.clone())).prop_map(|(case, payload)| Value::Variant(case, payload)),
            boxed(inner.clone()).prop_map(Value::Option),
            boxed(inner.clone()).prop_map(|v| Value::Result(Ok(v))),
            boxed(inner).prop_map(|v| Value::Result(Err(v))),
        ]
    })
}

/// One of a few keys, so that some are used twice.
pub(super) fn key() -> impl Strategy<Value = IdempotencyKey> {
    (0u8..4).prop_map(|i| IdempotencyKey::new(format!("key-{i}")).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn function() -> impl Strategy<Value = FunctionName> {
    (prop::option::of("[a-z]{1,4}:[a-z]{1,4}/[a-z]{1,4}"), "[a-z]{1,6}")
        .prop_map(|(interface, function)| FunctionName { interface: interface.map(Into::into), function: function.into() })
}

fn wave() -> impl Strategy<Value = Wave> {
    any::<String>().prop_map(Wave::new)
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Safe), Just(Class::Idempotent), Just(Class::Keyed), Just(Class::Unsafe)]
}

fn event() -> impl Strategy<Value = Event> {
    let invoked = (
        0u64..3,
        key(),
        function(),
        prop::collection::vec(wave(), 0..3),
        digest(),
        prop::collection::vec(digest().prop_map(IrDigest), 0..3),
    )
        .prop_map(|(invocation, key, function, arguments, component, irs)| Invoked {
            invocation,
            key,
            function,
            arguments,
            component: ComponentDigest(component),
            irs,
        });
    let request = || prop_oneof![Just(Recorded::Digest), prop::collection::vec(value(), 0..3).prop_map(Recorded::Typed)];
    let step =
        prop::sample::select(vec![Step::Next, Step::NextBatch, Step::Send, Step::Finish, Step::CloseSend, Step::Cancel]);
    let outcome = (prop::option::of(value()), any::<bool>(), prop::option::of(value()));
    let stepped = (any::<u64>(), any::<u64>(), step, digest(), request(), outcome).prop_map(
        |(stream, sequence, step, digest, request, (response, ended, beside))| Stepped {
            stream: Ordinal::new(stream),
            sequence,
            step,
            digest: RequestDigest(digest),
            request,
            response,
            ended,
            beside,
        },
    );
    let started = (function(), digest(), digest(), request(), class(), prop::option::of(key())).prop_map(
        |(function, ir, digest, request, class, key)| Started {
            function,
            ir: IrDigest(ir),
            digest: RequestDigest(digest),
            request,
            class,
            key,
        },
    );
    let outcome =
        prop_oneof![prop::option::of(wave()).prop_map(Outcome::Returned), any::<String>().prop_map(Outcome::Trapped)];
    // Sizes on both sides of what is kept in line.
    let random = prop_oneof![0usize..40, 4000usize..4200, Just(100_000)]
        .prop_flat_map(|len| any::<u8>().prop_map(move |byte| RandomBytes(vec![byte; len].into())));
    prop_oneof![
        3 => invoked.prop_map(Event::from),
        1 => started.prop_map(Event::from),
        1 => stepped.prop_map(Event::from),
        1 => (any::<u64>(), value(), prop::option::of(value()))
            .prop_map(|(call, response, beside)| Finished { call: Ordinal::new(call), response, beside }.into()),
        1 => (any::<u64>(), 0u32..1_000_000_000)
            .prop_map(|(seconds, nanoseconds)| ClockReading::Wall { seconds, nanoseconds }.into()),
        1 => any::<u64>().prop_map(|nanoseconds| ClockReading::Monotonic(nanoseconds).into()),
        1 => random.prop_map(Event::from),
        2 => (0u64..3, outcome).prop_map(|(invocation, outcome)| Completed { invocation, outcome }.into()),
    ]
}

/// Any entry.
pub(super) fn entry() -> impl Strategy<Value = Entry> {
    (any::<u64>(), event()).prop_map(|(millis, event)| Entry { at: Timestamp::from_millis(millis), event })
}
