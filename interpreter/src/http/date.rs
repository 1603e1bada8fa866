//! HTTP dates (RFC 9110 section 5.6.7).

/// Seconds since 1970-01-01T00:00:00Z; all three forms that a recipient must read.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some((_, rest)) = text.split_once(", ") {
        return imf(rest).or_else(|| rfc850(rest));
    }
    asctime(text)
}

/// `06 Nov 1994 08:49:37 GMT`
fn imf(text: &str) -> Option<i64> {
    let [day, month, year, time, "GMT"] = words(text)? else { return None };
    seconds(year.parse().ok()?, month, day, time)
}

/// `06-Nov-94 08:49:37 GMT`. Two digits from 70 are of the last century.
fn rfc850(text: &str) -> Option<i64> {
    let [date, time, "GMT"] = words(text)? else { return None };
    let mut parts = date.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?.parse::<i64>().ok()?);
    seconds(if year >= 70 { 1900 + year } else { 2000 + year }, month, day, time)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<i64> {
    let [_, month, day, time, year] = words::<5>(text)?;
    seconds(year.parse().ok()?, month, day, time)
}

fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split_ascii_whitespace().collect::<Vec<_>>().try_into().ok()
}

fn seconds(year: i64, month: &str, day: &str, time: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let day: i64 = day.parse().ok()?;
    let [hour, minute, second] = time.split(':').map(|n| n.parse().ok()).collect::<Option<Vec<i64>>>()?.try_into().ok()?;
    let in_range = (0..=9999).contains(&year)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    in_range.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years start in March here, so that the leap day is a year's last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
