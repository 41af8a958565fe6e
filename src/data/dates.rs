//! Columns of dates, which are text: as categories they say nothing about any other day.

/// Different dates in a column that are too many for categories: more than the days of a month.
const MANY: usize = 31;

/// Whether different texts are so many dates, all of them, that as categories they say nothing of other days.
pub(super) fn are_dates<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> bool {
    texts.len() > MANY && { texts }.all(is_date)
}

/// Whether a text is a day, with or without a time: 2024-01-31, 2024/1/31, 31.01.2024, 1/31/2024, 31-1-24.
fn is_date(text: &str) -> bool {
    let text = text.trim();
    let (day, time) = match text.find(['T', 't', ' ']) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, ""),
    };
    let is_time =
        |time: &str| time.contains(':') && time.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Zz ".contains(&byte));
    let sign = day.bytes().find(|byte| !byte.is_ascii_digit());
    let Some(sign) = sign.filter(|sign| b"-/.".contains(sign)) else { return false };
    let parts: Vec<&str> = day.split(char::from(sign)).collect();
    let number = |part: &&str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let numbers: Vec<u32> = parts.iter().filter_map(number).collect();
    let [first, second, third] = numbers[..] else { return false };
    let is_year = |part: &str| part.len() == 4;
    let are_of_day = |month: u32, day: u32| (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_day = if is_year(parts[0]) {
        are_of_day(second, third)
    } else {
        (is_year(parts[2]) || parts[2].len() == 2)
            && third < 10_000
            && (are_of_day(second, first) || are_of_day(first, second))
    };
    parts.len() == 3 && is_day && (time.is_empty() || is_time(time))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_few_dates_may_be_categories_and_one_other_text_is_enough() {
        let days: Vec<String> =
            (1..=31).flat_map(|day| ["01", "03"].map(|month| format!("2024-{month}-{day:02}"))).collect();
        let texts = |count: usize| days[..count].iter().map(String::as_str).collect::<Vec<_>>();
        assert!(!are_dates(texts(31).into_iter()) && are_dates(texts(32).into_iter()) && are_dates(texts(62).into_iter()));
        let mut mixed = texts(40);
        mixed.push("unknown");
        assert!(!are_dates(mixed.into_iter()));
    }
}
