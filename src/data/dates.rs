//! Columns of dates. As categories, dates say nothing about any other day: those in ISO form become the days since 1970, the season,
//! the day of the week and the time of day; those in other forms are recognised, to be refused.

use std::f64::consts::TAU;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Different dates in a column that are too many for categories: more than the days of a month.
const MANY: usize = 31;

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Days of a year, on average.
pub(crate) const YEAR: f64 = 365.2425;
/// The days of the week, as inputs are called by them.
const WEEK: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// 1970 began on a Thursday: so many days after a Monday.
pub(crate) const THURSDAY: f64 = 3.0;

/// What a column of dates becomes beside the scaled days since 1970: the sine and cosine of its place in the year, an input for each day
/// of the week, and perhaps the sine and cosine of the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calendar {
    /// Whether there were times of day in training; if not, those of other rows are left out.
    pub time_of_day: bool,
}

impl Calendar {
    /// Number of inputs.
    pub(crate) fn width(self) -> usize {
        2 + WEEK.len() + if self.time_of_day { 2 } else { 0 }
    }

    /// What the inputs are called, behind the column's name.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let of_day = ["sine of the day", "cosine of the day"].into_iter().filter(move |_| self.time_of_day);
        ["sine of the year", "cosine of the year"].into_iter().chain(WEEK).chain(of_day)
    }

    /// The inputs of a date, in days since 1970.
    pub(crate) fn parts(self, days: f64) -> impl Iterator<Item = f64> {
        let circle = |share: f64| [(TAU * (share - share.floor())).sin(), (TAU * (share - share.floor())).cos()];
        let weekday = (days.floor() + THURSDAY).rem_euclid(7.0) as usize;
        let week = (0..WEEK.len()).map(move |day| f64::from(u8::from(day == weekday)));
        let of_day = circle(days).into_iter().filter(move |_| self.time_of_day);
        circle(days / YEAR).into_iter().chain(week).chain(of_day)
    }

    /// A date without the time of day, where none is looked at.
    pub(crate) fn reduced(self, days: f64) -> f64 {
        if self.time_of_day { days } else { days.floor() }
    }
}

/// The days since 1970, in UTC, that a date in ISO form means: `2024-01-31` or `2024/01/31`, perhaps with a time behind `T` or a space
/// (`12:30`, `12:30:59.5`), and that with a zone (`Z`, `+02:00`). None if it is no such date.
pub(crate) fn days(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let number = |place: std::ops::Range<usize>| {
        let digits = bytes.get(place)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0_u32, |sum, digit| 10 * sum + u32::from(digit - b'0')))
    };
    let sign = *bytes.get(4).filter(|sign| b"-/".contains(sign))?;
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day).filter(|_| bytes[7] == sign)?;
    let days = f64::from(date.to_epoch_days());
    let Some(time) = text.get(10..).filter(|time| !time.is_empty()) else { return Some(days) };
    Some(days + seconds(time.strip_prefix(['T', 't', ' '])?)? / DAY)
}

/// Seconds since midnight in UTC, of a time and its zone.
fn seconds(text: &str) -> Option<f64> {
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text);
    let (time, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(place) => (text[..place].trim_end(), &text[place..]),
        None => (text, "Z"),
    };
    let number = |text: &str, most: u32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|&number| is_number && number <= most).map(f64::from)
    };
    let parts: Vec<&str> = time.split(':').collect();
    let (hours, minutes) = (number(parts.first()?, 23)?, number(parts.get(1)?, 59)?);
    let seconds = match parts[2..] {
        [] => 0.0,
        [seconds] => {
            let (whole, rest) = seconds.split_once(['.', ',']).unwrap_or((seconds, "0"));
            let is_rest = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
            number(whole, 59)? + format!("0.{rest}").parse::<f64>().ok().filter(|_| is_rest)?
        }
        _ => return None,
    };
    let offset = match zone.split_at(1) {
        ("Z" | "z", "") => 0.0,
        (sign @ ("+" | "-"), zone) => {
            let (hours, minutes) = zone.split_once(':').or_else(|| zone.split_at_checked(2)).filter(|_| zone.is_ascii())?;
            let minutes = if minutes.is_empty() && !zone.ends_with(':') { 0.0 } else { number(minutes, 59)? };
            let offset = 60.0 * (60.0 * number(hours, 23)? + minutes);
            if sign == "-" { -offset } else { offset }
        }
        _ => return None,
    };
    Some(60.0 * (60.0 * hours + minutes) + seconds - offset)
}

/// A day and a time as ISO text, from the days since 1970 and the billionths of a second since midnight, which are left out at midnight.
pub(crate) fn iso(days: i64, nanoseconds: u64) -> String {
    let day = i32::try_from(days).ok().and_then(NaiveDate::from_epoch_days);
    let mut text = day.map_or_else(|| format!("{days} days after 1970"), |day| day.to_string());
    if nanoseconds > 0 {
        let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        text += &format!("T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if rest > 0 {
            text += format!(".{rest:09}").trim_end_matches('0');
        }
    }
    text
}

/// The day of a number of days since 1970.
pub(crate) fn day(days: f64) -> String {
    iso(days.floor() as i64, 0)
}

/// Whether nine in ten of different texts are dates, and so many that as categories they say nothing of other days.
pub(super) fn are_dates<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let (mut dates, mut others) = (0, 0);
    for text in texts {
        *(if is_date(text) { &mut dates } else { &mut others }) += 1;
        // Texts of another kind are told after a few.
        if others > MANY && 9 * others > dates {
            return false;
        }
    }
    dates > MANY && dates >= 9 * others
}

/// Whether a text is a day, with or without a time: 2024-01-31, 2024/1/31, 31.01.2024, 1/31/2024, 31-1-24, 31 Jan 2024, Jan 31, 2024.
fn is_date(text: &str) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = text.trim();
    let (day, time) = match text.find(':') {
        // The hour begins after the last sign that parts it from the day.
        Some(colon) => match text[..colon].rfind(['T', 't', ' ']) {
            Some(place) => (&text[..place], &text[place + 1..]),
            None => return false,
        },
        None => (text, ""),
    };
    let time = time.strip_suffix(" UTC").or_else(|| time.strip_suffix(" GMT")).unwrap_or(time);
    let is_time = time.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Zz APMapm".contains(&byte));
    let parts: Vec<&str> = day.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
    let signs: Vec<char> = day.chars().filter(|sign| "-/.".contains(*sign)).collect();
    let [first, second, third] = parts[..] else { return false };
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_month = |part: &str| part.get(..3).is_some_and(|start| MONTHS.contains(&start.to_ascii_lowercase().as_str()));
    let is_year = |part: &str| matches!(part.len(), 2 | 4) && number(part).is_some();
    let are = |month: &str, day: &str| {
        let [month, day] = [month, day].map(|part| number(part).unwrap_or(0));
        (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    let of_numbers = match first.len() {
        4 => number(first).is_some() && are(second, third),
        _ => is_year(third) && (are(second, first) || are(first, second)),
    };
    // Three numbers are a day where one sign parts them, and no more signs are there.
    let is_parted =
        signs.len() == 2 && signs[0] == signs[1] && day.len() == parts.iter().map(|part| part.len()).sum::<usize>() + 2;
    let with_month = is_year(third) && (is_month(second) && are("1", first) || is_month(first) && are("1", second));
    is_time && (of_numbers && is_parted || with_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_iso_form_are_days_since_1970() {
        // By Python's datetime: (date(y, m, d) - date(1970, 1, 1)).days.
        let known = [
            ("1970-01-01", 0.0),
            ("1969-12-31", -1.0),
            ("2000-02-29", 11_016.0),
            ("2024/03/01", 19_783.0),
            ("2100-03-01", 47_541.0),
            ("0001-01-01", -719_162.0),
            ("0000-03-01", -719_468.0),
            ("9999-12-31", 2_932_896.0),
            ("1970-01-02T12:00", 1.5),
            ("1970-01-02 06:00:00Z", 1.25),
            ("1970-01-02T00:30+02:00", 1.0 - 1.5 / 24.0),
            ("1970-01-01t00:00:43.2-0300", 0.1255),
            ("1970-01-02 06:00:00 +06", 1.0),
            ("1970-01-02 06:00:00 UTC", 1.25),
            ("1970-01-02T06:00 GMT", 1.25),
        ];
        for (text, expected) in known {
            assert!((days(text).expect(text) - expected).abs() < 1e-12, "{text}: {:?}", days(text));
        }
        for other in [
            "",
            "2024",
            "2024-1-31",
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-01/31",
            "24-01-31",
            "31.01.2024",
            "2024-01-31x",
            "2024-01-31T",
            "2024-01-31T24:00",
            "2024-01-31T1:30",
            "2024-01-31T12:60",
            "2024-01-31T12:30:",
            "2024-01-31T12:30:5.",
            "2024-01-31T12:30:59.+5",
            "2024-01-31T12:30+",
            "2024-01-31T12:30+2:00",
            "2024-01-31T12:30+02:",
            "2024-01-31T12:30Zx",
            "2024-01-31T12:30:00:00",
            "２０２４-01-31",
            "2024-01-31\u{e9}",
            "2024-01-31T12:30+0é",
        ] {
            assert_eq!(days(other), None, "{other}");
        }
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        for day in (-719_528..2_932_897_i64).step_by(97).chain([-1, 0, 58, 59, 60, 10_956, 10_957, 11_015, 11_016]) {
            assert_eq!(days(&iso(day, 0)), Some(day as f64), "{day}: {}", iso(day, 0));
        }
        assert_eq!(iso(19_753, 45_059_500_000_000), "2024-01-31T12:30:59.5");
        assert_eq!(iso(19_753, 1), "2024-01-31T00:00:00.000000001");
        assert!(days(&iso(i64::MAX, 0)).is_none() && days(&iso(-800_000, 0)).is_none());
    }

    #[test]
    fn the_parts_of_a_date_are_its_season_weekday_and_time() {
        let calendar = Calendar { time_of_day: true };
        // A Friday, half past noon.
        let parts: Vec<f64> = calendar.parts(days("2024-03-01T12:00").unwrap()).collect();
        assert_eq!((parts.len(), calendar.names().count()), (calendar.width(), calendar.width()));
        assert_eq!(parts[2..9], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert!((parts[9] - 0.0).abs() < 1e-9 && (parts[10] + 1.0).abs() < 1e-9, "{parts:?}");
        assert!((parts[0].powi(2) + parts[1].powi(2) - 1.0).abs() < 1e-12);
        let days_alone = Calendar { time_of_day: false };
        assert_eq!(days_alone.parts(5.0).count(), days_alone.width());
        assert_eq!((days_alone.reduced(5.75), days_alone.reduced(-5.75), calendar.reduced(5.75)), (5.0, -6.0, 5.75));
        // Mondays, before 1970 and after it.
        for monday in ["1969-12-29", "2024-01-29"] {
            assert_eq!(days_alone.parts(days(monday).unwrap()).nth(2), Some(1.0), "{monday}");
        }
        // The same season in other years.
        let [one, other] = ["1990-07-15", "2031-07-15"].map(|day| days_alone.parts(days(day).unwrap()).next().unwrap());
        assert!((one - other).abs() < 0.02, "{one} {other}");
    }

    #[test]
    fn dates_are_told_from_other_texts() {
        for date in [
            "2024-01-31",
            "2024/1/31",
            "31.01.2024",
            "1/31/2024",
            "31-1-24",
            " 2024-01-31 ",
            "2024-01-31T12:30:59.5Z",
            "2024-01-31 12:30",
            "2024-01-31 12:30:00+02:00",
            "31.01.2024 12:30 UTC",
            "1/31/2024 10:00 PM",
            "31 Jan 2024",
            "31-January-24",
            "Sep 10, 2020",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in [
            "",
            "2024",
            "2024-01",
            "2024-13-01",
            "2024-01-32",
            "12:30",
            "1.2.3.4",
            "1-2-3",
            "a-b-c",
            "2024-01-31x",
            "3.1",
            "555-12-3456",
            "2024-01-31 noon",
            "+1-2-2024",
            "１-１-2024",
        ] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn a_few_dates_may_be_categories_and_so_may_other_texts() {
        let days: Vec<String> =
            (1..=31).flat_map(|day| ["01", "03"].map(|month| format!("2024-{month}-{day:02}"))).collect();
        let texts = |count: usize| days[..count].iter().map(String::as_str).collect::<Vec<_>>();
        assert!(!are_dates(texts(31).into_iter()) && are_dates(texts(32).into_iter()) && are_dates(texts(62).into_iter()));
        let mixed = |others: usize| texts(40).into_iter().chain(std::iter::repeat_n("0000-00-00", others));
        assert!(are_dates(mixed(0)) && are_dates(mixed(4)) && !are_dates(mixed(5)));
    }
}
