//! Pauses: exponential, with full jitter.

use std::fmt;
use std::time::Duration;

use super::RetryPolicy;

/// Draws pauses. Injected, so that tests know them.
pub trait Jitter: fmt::Debug + Send + Sync {
    /// A pause between nothing and `ceiling`, each as likely.
    fn up_to(&self, ceiling: Duration) -> Duration;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemJitter;

impl Jitter for SystemJitter {
    fn up_to(&self, ceiling: Duration) -> Duration {
        let mut random = [0; 4];
        if getrandom::fill(&mut random).is_err() {
            // Without randomness the longest pause is the safe one.
            return ceiling;
        }
        ceiling.mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
    }
}

/// The longest pause after so many attempts.
pub(super) fn ceiling(policy: &RetryPolicy, attempt: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    policy.base.saturating_mul(factor).min(policy.cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let ceilings = [1, 2, 3, 8, 9, 32, 33, u32::MAX].map(|attempt| ceiling(&policy, attempt).as_millis());
        assert_eq!(ceilings, [100, 200, 400, 12_800, 20_000, 20_000, 20_000, 20_000]);
    }

    #[test]
    fn pauses_are_within_the_ceiling_and_differ() {
        let ceiling = Duration::from_secs(1);
        let drawn: Vec<_> = (0..64).map(|_| SystemJitter.up_to(ceiling)).collect();
        assert!(drawn.iter().all(|pause| *pause <= ceiling));
        assert!(drawn.iter().any(|pause| *pause != drawn[0]));
    }
}
