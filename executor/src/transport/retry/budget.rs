//! A budget of retries for each destination, so that a server in trouble does not get several times its usual load.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Verdict;

/// A token bucket, as in gRPC's retry throttling (gRFC A6): it starts full, a failure takes one token, a success gives back a part of
/// one, and nothing is repeated while it is half empty or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetConfig {
    tokens: u32,
    /// In thousandths of a token.
    per_success: u32,
}

/// A budget that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a retry budget has 1 to 1000 tokens, and a success gives back more than nothing and at most one token")]
pub struct BudgetError;

impl BudgetConfig {
    /// A bucket of so many tokens (1 to 1000), of which a success gives back so many thousandths (1 to 1000).
    pub const fn new(tokens: u32, per_success: u32) -> Result<Self, BudgetError> {
        if tokens == 0 || tokens > 1000 || per_success == 0 || per_success > 1000 {
            return Err(BudgetError);
        }
        Ok(Self { tokens, per_success })
    }
}

impl Default for BudgetConfig {
    /// 100 tokens, and a tenth of one for each success.
    fn default() -> Self {
        Self { tokens: 100, per_success: 100 }
    }
}

/// One destination's bucket.
#[derive(Debug)]
pub(in crate::transport) struct Budget {
    config: BudgetConfig,
    /// In thousandths of a token.
    left: Mutex<u32>,
}

const TOKEN: u32 = 1000;

impl Budget {
    pub(in crate::transport) fn new(config: BudgetConfig) -> Self {
        Self { config, left: Mutex::new(config.tokens * TOKEN) }
    }

    /// Takes note of an attempt, and says whether a retry may be made.
    pub(super) fn record(&self, verdict: Verdict) -> bool {
        let full = self.config.tokens * TOKEN;
        // The number is right whoever panicked while it was held.
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = match verdict {
            Verdict::Done => (*left + self.config.per_success).min(full),
            // The server answers; that it refuses this call says nothing of its load.
            Verdict::Final => *left,
            Verdict::NoConnection | Verdict::Unprocessed | Verdict::Broken | Verdict::Refused(_) => {
                left.saturating_sub(TOKEN)
            }
        };
        *left > full / 2
    }
}

/// The buckets of all destinations.
#[derive(Debug, Default)]
pub(in crate::transport) struct Budgets {
    config: BudgetConfig,
    buckets: Mutex<HashMap<String, Arc<Budget>>>,
}

impl Budgets {
    pub(in crate::transport) fn new(config: BudgetConfig) -> Self {
        Self { config, buckets: Mutex::default() }
    }

    /// The bucket of a destination. There are as many destinations as routes name.
    pub(in crate::transport) fn of(&self, destination: &str) -> Arc<Budget> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(destination.to_owned()).or_insert_with(|| Arc::new(Budget::new(self.config)));
        bucket.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_repeated_while_the_bucket_is_half_empty() {
        let budget = Budget::new(BudgetConfig::new(10, 500).expect("valid"));
        let failures = (0..6).map(|_| budget.record(Verdict::Broken));
        assert_eq!(failures.collect::<Vec<_>>(), [true, true, true, true, false, false]);
        // Four tokens are left; more than five are needed.
        let successes = (0..3).map(|_| budget.record(Verdict::Done));
        assert_eq!(successes.collect::<Vec<_>>(), [false, false, true]);
        assert!(budget.record(Verdict::Final));
    }

    #[test]
    fn a_bucket_is_neither_overfull_nor_less_than_empty() {
        let budget = Budget::new(BudgetConfig::new(2, 1000).expect("valid"));
        assert!(budget.record(Verdict::Done));
        assert!(!budget.record(Verdict::NoConnection), "half is not enough");
        for _ in 0..10 {
            assert!(!budget.record(Verdict::NoConnection));
        }
        assert!(!budget.record(Verdict::Done));
        assert!(budget.record(Verdict::Done));
    }

    #[test]
    fn destinations_do_not_share() {
        let budgets = Budgets::new(BudgetConfig::new(1, 1).expect("valid"));
        assert!(!budgets.of("a:1").record(Verdict::Broken));
        assert!(!budgets.of("a:1").record(Verdict::Done), "the same bucket");
        assert!(budgets.of("b:1").record(Verdict::Done));
        assert_eq!(BudgetConfig::new(0, 1), Err(BudgetError));
        assert_eq!(BudgetConfig::new(1, 1001), Err(BudgetError));
    }
}
