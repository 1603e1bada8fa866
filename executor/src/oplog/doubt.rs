//! What becomes of a call in doubt. Pure.

use std::time::Duration;

use witwire_ir::{CallClass, InDoubt};

use super::entry::Started;
use super::id::{IdempotencyKey, Timestamp};

/// What becomes of a call in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It is sent again.
    SendAgain {
        /// With the key that it carried at first.
        key: Option<IdempotencyKey>,
    },
    /// The guest gets `outcome-unknown`, which is recorded as the call's result.
    OutcomeUnknown,
    /// The worker is suspended until a person decides.
    Suspend,
}

/// Settles a call in doubt by its class.
///
/// * Safe and idempotent calls are sent again.
/// * A keyed call is sent again with the key that it was started with, as long as the server surely remembers it: less than the
///   window has passed since `started_at`. Where the clock went backwards in between, nobody can say, and the window counts as
///   passed. After the window the call is unsafe, and `unkeyed` says what that means.
/// * For an unsafe call the manifest says.
///
/// `class` is how the operation is configured now; `started` is what was recorded. A call that was recorded without a key is
/// never sent again as a keyed one: the server has not seen the key.
pub fn settle(class: &CallClass, started: &Started, started_at: Timestamp, now: Timestamp, unkeyed: InDoubt) -> Settlement {
    let policy = match class {
        CallClass::Safe | CallClass::Idempotent => return Settlement::SendAgain { key: started.key.clone() },
        CallClass::Keyed(header) => {
            let remembered = header
                .window_seconds
                .is_none_or(|window| now.since(started_at).is_some_and(|elapsed| elapsed < Duration::from_secs(window)));
            if let (Some(key), true) = (&started.key, remembered) {
                return Settlement::SendAgain { key: Some(key.clone()) };
            }
            unkeyed
        }
        CallClass::Unsafe(policy) => *policy,
    };
    match policy {
        InDoubt::OutcomeUnknown => Settlement::OutcomeUnknown,
        InDoubt::Retry => Settlement::SendAgain { key: started.key.clone() },
        InDoubt::Suspend => Settlement::Suspend,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

    use witwire_ir::{KeyFormat, KeyHeader};

    use super::super::digest::{Digest, IrDigest, RequestDigest};
    use super::super::entry::{Class, FunctionName, Recorded};
    use super::*;

    const START: u64 = 1_000_000;

    fn started(class: &CallClass, key: Option<&str>) -> Started {
        Started {
            function: FunctionName::of("a:b/c", "f"),
            ir: IrDigest(Digest::of(b"ir")),
            digest: RequestDigest(Digest::of(b"request")),
            request: Recorded::Digest,
            class: Class::from(class),
            key: key.map(|k| IdempotencyKey::new(k).unwrap()),
        }
    }

    fn keyed(window_seconds: Option<u64>) -> CallClass {
        CallClass::Keyed(KeyHeader { name: "idempotency-key".into(), format: KeyFormat::Raw, window_seconds })
    }

    #[test]
    fn calls_in_doubt_are_settled_by_their_class() {
        let again = |key: Option<&str>| Settlement::SendAgain { key: key.map(|k| IdempotencyKey::new(k).unwrap()) };
        let (unknown, suspend) = (Settlement::OutcomeUnknown, Settlement::Suspend);
        let k = Some("k");
        // class, key recorded, milliseconds since the start, what an expired key means, settlement
        let rows = [
            (CallClass::Safe, None, 5, InDoubt::Suspend, again(None)),
            (CallClass::Idempotent, None, 5, InDoubt::Suspend, again(None)),
            (CallClass::Unsafe(InDoubt::OutcomeUnknown), None, 5, InDoubt::Retry, unknown.clone()),
            (CallClass::Unsafe(InDoubt::Retry), None, 5, InDoubt::OutcomeUnknown, again(None)),
            (CallClass::Unsafe(InDoubt::Suspend), None, 5, InDoubt::OutcomeUnknown, suspend.clone()),
            (keyed(None), k, i64::MAX, InDoubt::OutcomeUnknown, again(k)),
            (keyed(None), k, -1, InDoubt::OutcomeUnknown, again(k)),
            (keyed(Some(10)), k, 0, InDoubt::OutcomeUnknown, again(k)),
            (keyed(Some(10)), k, 9_999, InDoubt::OutcomeUnknown, again(k)),
            (keyed(Some(10)), k, 10_000, InDoubt::OutcomeUnknown, unknown.clone()),
            (keyed(Some(10)), k, 10_000, InDoubt::Suspend, suspend),
            (keyed(Some(10)), k, 10_000, InDoubt::Retry, again(k)),
            (keyed(Some(10)), k, -1, InDoubt::OutcomeUnknown, unknown.clone()),
            (keyed(Some(0)), k, 0, InDoubt::OutcomeUnknown, unknown.clone()),
            (keyed(None), None, 5, InDoubt::OutcomeUnknown, unknown),
        ];
        for (class, key, elapsed, unkeyed, expected) in rows {
            let now = Timestamp::from_millis(START.saturating_add_signed(elapsed));
            let settlement = settle(&class, &started(&class, key), Timestamp::from_millis(START), now, unkeyed);
            assert_eq!(settlement, expected, "{class:?}, key {key:?}, after {elapsed} ms, else {unkeyed:?}");
        }
    }
}
