//! Values and messages go out and come back, judged by `prost_reflect`.

use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};

use super::generate::{Generator, seeds};
use super::lower::Lowered;
use super::oracle::{same, to_dynamic};
use super::{CLOSED, OPEN, has_table};

/// Deep enough for every message of the tests, shallow enough to stay small.
const DEPTH: u32 = 6;

fn lowered(closed: bool) -> &'static Lowered {
    if closed { &CLOSED } else { &OPEN }
}

fn equal(name: &str, found: &DynamicMessage, expected: &DynamicMessage) -> Result<(), TestCaseError> {
    same(name, found, expected).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Value → bytes: the oracle reads the same message. → value: the same value.
    #[test]
    fn values_come_back(seed in seeds(), closed in any::<bool>()) {
        let lowered = lowered(closed);
        for message in lowered.messages() {
            let name = message.full_name();
            let value = Generator::new(seed).value(&lowered.api, lowered.ty(name), DEPTH);
            prop_assert_eq!(value.conforms(&lowered.api, lowered.ty(name)), Ok(()));
            let bytes = lowered.encode(name, &value).expect("a value of the type is encoded");
            let expected = to_dynamic(&lowered.api, lowered.ty(name), &value, &message);
            let read = DynamicMessage::decode(message.clone(), &bytes[..]).expect("the oracle reads the bytes");
            equal(name, &read, &expected)?;
            let back = lowered.decode(name, &bytes).expect("the bytes are read");
            equal(name, &to_dynamic(&lowered.api, lowered.ty(name), &back, &message), &expected)?;
            prop_assert_eq!(lowered.encode(name, &back), Ok(bytes), "{}", name);
            if !has_table(&lowered.api, lowered.ty(name)) {
                prop_assert_eq!(back, value, "{}", name);
            }
        }
    }

    /// Message → the oracle's bytes → value → bytes: the oracle reads the message it wrote.
    #[test]
    fn messages_come_back(seed in seeds(), closed in any::<bool>()) {
        let lowered = lowered(closed);
        for message in lowered.messages() {
            let name = message.full_name();
            let sent = Generator::new(seed).message(&message, DEPTH);
            let value = lowered.decode(name, &sent.encode_to_vec()).expect("the oracle's bytes are read");
            equal(name, &to_dynamic(&lowered.api, lowered.ty(name), &value, &message), &sent)?;
            let bytes = lowered.encode(name, &value).expect("a decoded value is encoded");
            let back = DynamicMessage::decode(sent.descriptor(), &bytes[..]).expect("the oracle reads the bytes");
            equal(name, &back, &sent)?;
        }
    }

    /// Two messages behind one another are one message: scalars are replaced, messages merged, lists joined, keys replaced.
    #[test]
    fn parts_merge(first in seeds(), second in seeds(), third in seeds(), closed in any::<bool>()) {
        let lowered = lowered(closed);
        for message in lowered.messages() {
            let name = message.full_name();
            let mut bytes = Vec::new();
            for seed in [first, second, third] {
                bytes.extend(Generator::new(seed).message(&message, DEPTH).encode_to_vec());
            }
            let expected = DynamicMessage::decode(message.clone(), &bytes[..]).expect("the oracle reads the parts");
            let value = lowered.decode(name, &bytes).expect("the parts are read");
            equal(name, &to_dynamic(&lowered.api, lowered.ty(name), &value, &message), &expected)?;
        }
    }
}
