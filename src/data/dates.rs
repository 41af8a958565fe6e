//! Columns of dates, which are text: as categories they say nothing about any other day.

/// Different dates in a column that are too many for categories: more than the days of a month.
const MANY: usize = 31;

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
