//! What stands in the way of a training on a table: all of it at once, and the options that take it out of the way.

use super::Options;
use crate::error::{Error, Obstacle, Remedy, Result};

/// The options, by their names in `run.toml`, that take these obstacles out of the way, with the columns that `options` ignore
/// already; none if one of the obstacles asks for more than an option.
pub fn remedies(options: &Options, obstacles: &[Obstacle]) -> Option<Vec<(String, String)>> {
    let said = |obstacle: &Obstacle| match &obstacle.remedy {
        Remedy::Option(key, value) => Some(((*key).to_owned(), value.clone())),
        _ => None,
    };
    Some(together(options, obstacles.iter().map(said).collect::<Option<Vec<_>>>()?))
}

/// Options, by their names in `run.toml`, each once: the columns to ignore add up, after those that `options` ignore already; of any
/// other the first value counts.
pub fn together(options: &Options, said: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    const IGNORE: &str = "ignore";
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in said {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) if key == IGNORE => *values = format!("{values},{value}"),
            Some(_) => {}
            None if key == IGNORE => {
                let before = options.ignore.iter().flatten().map(String::as_str);
                all.push((key, before.chain([value.as_str()]).collect::<Vec<_>>().join(",")));
            }
            None => all.push((key, value)),
        }
    }
    all
}

/// These options over others.
///
/// # Errors
/// Usage, for a value that is none.
pub fn laid_over(options: &Options, said: &[(String, String)]) -> Result<Options> {
    let settings: Vec<String> = said.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Ok(Options::from_settings(&settings)?.and(options))
}

/// What was found first, and what is found behind it when that is out of the way. `again` tries with other options.
pub(super) fn all(mut found: Vec<Obstacle>, options: &Options, again: impl Fn(&Options) -> Result<()>) -> Vec<Obstacle> {
    while let Some(remedies) = remedies(options, &found) {
        match laid_over(options, &remedies).and_then(|options| again(&options)) {
            Ok(()) => break,
            Err(Error::Refused(more)) => {
                let before = found.len();
                found.extend(more.into_iter().filter(|obstacle| !found.contains(obstacle)).collect::<Vec<_>>());
                if found.len() == before {
                    // It stays whatever is said.
                    found.iter_mut().for_each(|obstacle| obstacle.remedy = Remedy::None);
                }
            }
            Err(other) => found.push(Obstacle { text: other.to_string(), remedy: Remedy::None }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(key: &'static str, value: &str) -> Obstacle {
        Obstacle { text: format!("{key} {value}"), remedy: Remedy::Option(key, value.into()) }
    }

    #[test]
    fn columns_to_ignore_add_up_and_what_no_option_mends_has_no_remedy() {
        let options = Options { ignore: Some(vec!["id".into()]), ..Options::default() };
        let found =
            [obstacle("ignore", "a"), obstacle("missing", "drop"), obstacle("ignore", "3"), obstacle("missing", "drop")];
        let expected = [("ignore", "id,a,3"), ("missing", "drop")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(remedies(&options, &found), Some(expected.to_vec()));
        for remedy in [Remedy::None, Remedy::Open("--target COLUMN")] {
            let other = Obstacle { text: String::new(), remedy };
            assert_eq!(remedies(&options, &[found[0].clone(), other]), None);
        }
    }

    #[test]
    fn what_is_behind_an_obstacle_is_found_too() {
        let again = |options: &Options| match options.ignore.as_ref().map_or(0, Vec::len) {
            1 => Err(Error::Refused(vec![obstacle("ignore", "b")])),
            _ => Err(Error::Usage("no input is left".into())),
        };
        let found = all(vec![obstacle("ignore", "a")], &Options::default(), again);
        let texts: Vec<&str> = found.iter().map(|obstacle| obstacle.text.as_str()).collect();
        assert_eq!(texts, ["ignore a", "ignore b", "no input is left"]);
        assert_eq!(remedies(&Options::default(), &found), None);
        // One that stays whatever is said ends it.
        let stays = |_: &Options| Err(Error::Refused(vec![obstacle("ignore", "a")]));
        let found = all(vec![obstacle("ignore", "a")], &Options::default(), stays);
        assert_eq!((found.len(), &found[0].remedy), (1, &Remedy::None));
    }
}
