//! Cases by the clock. The sides of a case take turns, so that whatever else a machine does meets all of them; only ratios of
//! one run mean something elsewhere.

use std::time::{Duration, Instant};

use crate::{Case, Entry, Side};

/// How long one side did the work of its case once, in nanoseconds, over many samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Half of the samples took less.
    pub median: f64,
    /// A quarter of the samples took less.
    pub low: f64,
    /// A quarter of the samples took more.
    pub high: f64,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How long a sample takes at least.
    pub sample: Duration,
    /// How many samples there are of each side, where they fit into the budget.
    pub samples: u32,
    /// How long a side takes in all, as long as that gives seven samples.
    pub budget: Duration,
}

impl Effort {
    /// For the published page.
    pub const FULL: Self = Self { sample: Duration::from_millis(10), samples: 101, budget: Duration::from_secs(5) };
    /// To see that it works.
    pub const QUICK: Self = Self { sample: Duration::from_millis(1), samples: 7, budget: Duration::from_millis(50) };
}

/// A case that was measured.
#[derive(Debug)]
pub struct Measured {
    /// Which.
    pub entry: &'static Entry,
    /// Its sides, in their order; none where a file was missing.
    pub sides: Vec<MeasuredSide>,
}

/// A side that was measured.
#[derive(Debug, Clone)]
pub struct MeasuredSide {
    /// Its name.
    pub name: &'static str,
    /// By the clock.
    pub times: Times,
    /// How many instructions the work takes once, where they were counted.
    pub instructions: Option<f64>,
}

/// Measures all sides of a case.
pub fn measure(case: &Case, effort: Effort) -> Vec<Times> {
    let plans: Vec<Plan> = case.sides.iter().map(|side| Plan::new(side, effort)).collect();
    let rounds = plans.iter().map(|plan| plan.rounds).min().unwrap_or_default();
    let mut samples = vec![Vec::new(); plans.len()];
    for round in 0..rounds as usize {
        for turn in 0..plans.len() {
            let which = (round + turn) % plans.len();
            let time = plans[which].sample(&case.sides[which]);
            samples[which].push(time / f64::from(case.times));
        }
    }
    samples.into_iter().map(Times::of).collect()
}

/// How one side is sampled.
struct Plan {
    runs: u32,
    rounds: u32,
}

impl Plan {
    /// Runs the side until it is warm and it is known how long a run takes.
    fn new(side: &Side, effort: Effort) -> Self {
        let start = Instant::now();
        let mut count = 0;
        while count == 0 || start.elapsed() < 5 * effort.sample {
            (side.run)();
            count += 1;
        }
        let each = start.elapsed().as_secs_f64() / f64::from(count);
        let runs = (effort.sample.as_secs_f64() / each).ceil().max(1.0);
        let rounds = effort.budget.as_secs_f64() / (runs * each);
        Self { runs: runs as u32, rounds: (rounds as u32).clamp(7, effort.samples.max(7)) }
    }

    /// Nanoseconds per run.
    fn sample(&self, side: &Side) -> f64 {
        let start = Instant::now();
        for _ in 0..self.runs {
            (side.run)();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(self.runs)
    }
}

impl Times {
    /// Of samples, at least one.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |part: usize| samples[(samples.len() - 1) * part / 4];
        Self { median: at(2), low: at(1), high: at(3) }
    }
}
