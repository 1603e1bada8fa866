//! Numbers and strings within their rules.

use super::{SplitMix64, pattern};
use crate::check::{Check, Format, Number};

/// The longest string or byte list that an example spells out, whatever the rules ask.
const LONGEST: u64 = 4096;

/// An integer of a type's range and within its rules, not 0 where it must be told; where they contradict one another, of the range.
pub(super) fn integer(random: &mut SplitMix64, checks: &[&Check], min: i128, max: i128) -> i128 {
    let (mut low, mut high, mut step) = (min, max, 1i128);
    let mut bounded = (false, false);
    for check in checks {
        match check {
            Check::Minimum(n) => (low, bounded.0) = (low.max(ceil(*n)), true),
            Check::ExclusiveMinimum(n) => (low, bounded.0) = (low.max(floor(*n).saturating_add(1)), true),
            Check::Maximum(n) => (high, bounded.1) = (high.min(floor(*n)), true),
            Check::ExclusiveMaximum(n) => (high, bounded.1) = (high.min(ceil(*n).saturating_sub(1)), true),
            Check::MultipleOf(Number::Int(n)) if *n > 0 => step = *n,
            _ => {}
        }
    }
    // Examples are small where nothing asks for more.
    match bounded {
        (false, false) => (low, high) = (low.max(0), high.min(low.max(0).saturating_add(100))),
        (true, false) => high = high.min(low.max(0).saturating_add(100)),
        // Where 0 will not do, below it.
        (false, true) if high <= 0 && must_be_told(checks) => low = low.max(high.saturating_sub(100)),
        (false, true) => low = low.max(high.min(0)),
        (true, true) => {}
    }
    let low = low.clamp(min, max);
    let high = high.clamp(low, max);
    let first = low.div_euclid(step) * step + if low.rem_euclid(step) == 0 { 0 } else { step };
    if first > high {
        return low;
    }
    let steps = u64::try_from((high - first) / step).unwrap_or(u64::MAX);
    let number = first + i128::from(random.between(0, steps)) * step;
    match number {
        0 if must_be_told(checks) && step <= high => step,
        0 if must_be_told(checks) && -step >= first => -step,
        number => number,
    }
}

fn must_be_told(checks: &[&Check]) -> bool {
    checks.iter().any(|c| matches!(c, Check::Present))
}

fn floor(n: Number) -> i128 {
    match n {
        Number::Int(n) => n,
        Number::Float(f) => f.floor() as i128,
    }
}

fn ceil(n: Number) -> i128 {
    match n {
        Number::Int(n) => n,
        Number::Float(f) => f.ceil() as i128,
    }
}

/// A finite number within its rules, not 0 where it must be told. It is a whole number or a quarter, which every binary format holds exactly.
pub(super) fn number(random: &mut SplitMix64, checks: &[&Check]) -> f64 {
    let value = |n: Number| match n {
        Number::Int(n) => n as f64,
        Number::Float(f) => f,
    };
    let multiple = checks.iter().find_map(|c| if let Check::MultipleOf(n) = c { Some(value(*n)) } else { None });
    let step = multiple.filter(|n| *n > 0.0).unwrap_or(0.25);
    // A bound and whether it is excluded; the tighter of two wins.
    let (mut low, mut high) = (None::<(f64, bool)>, None::<(f64, bool)>);
    for check in checks {
        match check {
            Check::Minimum(n) if low.is_none_or(|(l, _)| value(*n) > l) => low = Some((value(*n), false)),
            Check::ExclusiveMinimum(n) if low.is_none_or(|(l, _)| value(*n) >= l) => low = Some((value(*n), true)),
            Check::Maximum(n) if high.is_none_or(|(h, _)| value(*n) < h) => high = Some((value(*n), false)),
            Check::ExclusiveMaximum(n) if high.is_none_or(|(h, _)| value(*n) <= h) => high = Some((value(*n), true)),
            _ => {}
        }
    }
    let (low, without_low) = low.unwrap_or((high.map_or(0.0, |(h, _)| (h - 100.0 * step).min(0.0)), false));
    let (high, without_high) = high.unwrap_or((low.max(0.0) + 100.0 * step, false));
    let mut first = (low / step).ceil() * step;
    if without_low && first <= low {
        first += step;
    }
    let mut last = (high / step).floor() * step;
    if without_high && last >= high {
        last -= step;
    }
    let steps = ((last - first) / step).round();
    if steps < 0.0 {
        return f64::midpoint(low, high);
    }
    let number = first + random.between(0, steps.min(1000.0) as u64) as f64 * step;
    match number == 0.0 && must_be_told(checks) {
        true if step <= last => step,
        true if -step >= first => -step,
        _ => number,
    }
}

/// The least and the greatest length that rules allow, where `usual` is taken if they do not say.
pub(super) fn lengths(checks: &[&Check], least: u64, usual: u64) -> (u64, u64) {
    let min = checks.iter().filter_map(|c| if let Check::MinLength(n) = c { Some(*n) } else { None }).max();
    let max = checks.iter().filter_map(|c| if let Check::MaxLength(n) = c { Some(*n) } else { None }).min();
    let max = max.unwrap_or_else(|| usual.max(min.unwrap_or(0))).min(LONGEST);
    let min = min.unwrap_or(least).min(max);
    (min, max.min(min.max(usual)))
}

const WORDS: &[&str] = &["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "juniper"];

fn pattern_source(check: &Check) -> Option<&str> {
    match check {
        Check::Pattern(source) | Check::Re2(source) => Some(source),
        _ => None,
    }
}

/// A string within its rules: what a pattern matches, a format's example, else ASCII words.
pub(super) fn text(random: &mut SplitMix64, checks: &[&Check]) -> String {
    let format = checks.iter().find_map(|c| if let Check::Format(f) = c { Some(*f) } else { None });
    let patterns: Vec<&str> = checks.iter().copied().filter_map(pattern_source).collect();
    // One rule is followed where there are several, in turns: the others may hold by themselves.
    let turn = random.below((patterns.len() + usize::from(format.is_some())) as u64) as usize;
    if let Some(pattern) = patterns.get(turn) {
        let (min, _) = lengths(checks, 0, LONGEST);
        let max = checks.iter().filter_map(|c| if let Check::MaxLength(n) = c { Some(*n) } else { None }).min();
        if let Some(text) = pattern::text(random, pattern, min, max.unwrap_or(LONGEST)) {
            return text;
        }
    }
    if let Some(text) = format.and_then(|format| formatted(random, format)) {
        return text;
    }
    let (min, max) = lengths(checks, 1, 12);
    let mut text = String::new();
    while (text.len() as u64) < min || text.is_empty() {
        if !text.is_empty() {
            text.push('-');
        }
        text.push_str(WORDS[random.below(WORDS.len() as u64) as usize]);
    }
    text.truncate(max as usize);
    text
}

fn formatted(random: &mut SplitMix64, format: Format) -> Option<String> {
    let word = |random: &mut SplitMix64| WORDS[random.below(WORDS.len() as u64) as usize];
    let date = |random: &mut SplitMix64| {
        format!("20{:02}-{:02}-{:02}", random.between(10, 39), random.between(1, 12), random.between(1, 28))
    };
    let time = |random: &mut SplitMix64| format!("{:02}:{:02}:{:02}Z", random.below(24), random.below(60), random.below(60));
    Some(match format {
        Format::Date => date(random),
        Format::Time => time(random),
        Format::DateTime => format!("{}T{}", date(random), time(random)),
        Format::Duration => format!("PT{}M{}S", random.between(1, 59), random.below(60)),
        Format::Uuid => {
            // Version 4, variant 1 (RFC 4122, 4.4).
            let (a, b) = (random.next(), random.next());
            format!(
                "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                a >> 32,
                a >> 16 & 0xffff,
                a & 0xfff,
                0x8000 | (b >> 48 & 0x3fff),
                b & 0xffff_ffff_ffff
            )
        }
        Format::Uri => format!("https://example.com/{}", word(random)),
        Format::Email | Format::HtmlEmail => format!("{}@example.com", word(random)),
        // TEST-NET-1 (RFC 5737) and the documentation prefix (RFC 3849).
        Format::Ipv4 | Format::Ip => format!("192.0.2.{}", random.between(1, 254)),
        Format::Ipv6 | Format::ScopedIpv6 => format!("2001:db8::{:x}", random.between(1, 0xffff)),
        Format::Hostname | Format::DnsName | Format::Address => format!("{}.example.com", word(random)),
        Format::ProtoTimestamp | Format::ProtoDuration => return None,
    })
}
