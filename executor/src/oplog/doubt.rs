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
