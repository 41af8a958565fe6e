//! The page of a sweep, made of its files alone.

use std::path::Path;

use super::ranked::{Ranked, soft};
use super::record::{Best, Importance, SweepAccount, TrialEnding, TrialRecord, Varied};
use super::values::said;
use crate::error::{Result, counted, printable, shown, typed};
use crate::files::{Place, run};
use crate::page::{Bar, bars, digits, document, escaped, named, table};
use crate::report::page::{cards, commands, remarks};

/// A sweep as its files tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPage {
    /// What it is called: its folder's name.
    pub name: String,
    /// Its `sweep.json`.
    pub account: SweepAccount,
    /// Its `trials.jsonl`.
    pub trials: Vec<TrialRecord>,
}

impl SweepPage {
    /// Reads the files of a sweep's folder.
    ///
    /// # Errors
    /// Data, if they cannot be read; model, naming the file that is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let (account, trials) = (
            SweepAccount::read(&folder.join(run::SWEEP))?,
            TrialRecord::together(&TrialRecord::read_all(&folder.join(run::TRIALS))?),
        );
        let path = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, account, trials })
    }

    /// Saves the page as a file.
    ///
    /// # Errors
    /// Internal or usage, if it cannot be written.
    pub fn save(&self, place: &Place) -> Result<()> {
        place.save_without_waiting(self.html().as_bytes())
    }

    /// The page, whole.
    pub fn html(&self) -> String {
        let ranked = Ranked::new(&self.name, &self.account, &self.trials);
        let parts = [
            ranked.head(),
            remarks(&self.account.remarks),
            ranked.importance(),
            ranked.scatter(),
            ranked.curves(),
            ranked.parallel(),
            ranked.table(),
            ranked.going_on(),
        ];
        document(&format!("wgrad: {}", self.name), &parts.concat())
    }
}

impl Ranked<'_> {
    /// The title, what was tried and what came of it in sentences, and the commands to go on with.
    fn head(&self) -> String {
        let sentences = [self.asked(), self.ended(), self.of_best(), self.of_test(), self.of_ensemble()];
        let sentences: String =
            sentences.iter().filter(|text| !text.is_empty()).map(|text| format!("<p>{}</p>\n", escaped(text))).collect();
        let name = named(self.name);
        format!(
            "<h1>{name}</h1>\n{}{}{sentences}{}{}",
            commands(&self.account.commands),
            cards(&self.cards()),
            self.options_table(),
            self.uses()
        )
    }

    fn cards(&self) -> Vec<(&'static str, String)> {
        let best = self.best.and_then(|best| best.score);
        let test = self.account.best.as_ref().and_then(|best| best.test_score);
        let cards = [
            best.map(|score| ("best validation score", digits(score))),
            test.map(|score| ("its test score", digits(score))),
            Some(("trials", self.count().to_string())),
            Some(("the sweep took", took(self.account.seconds))),
        ];
        cards.into_iter().flatten().collect()
    }

    /// The data, the metric and the search.
    fn asked(&self) -> String {
        let SweepAccount { source, task, search, trials, lower_is_better, rows, .. } = &self.account;
        let better = if *lower_is_better { "lower" } else { "higher" };
        let [training, validation, _] = rows.map(|rows| counted(rows, "row"));
        let task = match task.as_str() {
            "classification" => "a classification".to_owned(),
            "regression" => "a regression".to_owned(),
            other => shown(other),
        };
        let search = match search.as_str() {
            "random" => "random values of".to_owned(),
            "grid" => "a grid of".to_owned(),
            "halving" => "successive halving of random values of".to_owned(),
            other => format!("{} of", shown(other)),
        };
        let options = counted(self.account.varied.len(), "option");
        format!(
            "{} is {task}. The sweep tries {search} {options} in {}: each trains a network with {training}, and is judged by \
             its {} over {validation} that it is not trained with: the {better}, the better.",
            shown(source),
            counted(*trials, "trial"),
            self.metric
        )
    }

    /// What ended how many trials, and how long the sweep took.
    fn ended(&self) -> String {
        let SweepAccount { trials, device, seconds, .. } = &self.account;
        let count = |kind: TrialEnding| self.all().filter(|trial| trial.ended == kind).count();
        let kinds = [
            (TrialEnding::AllEpochs, "after all epochs"),
            (TrialEnding::Halving, "early by halving, since others were better after as many epochs"),
            (TrialEnding::Patience, "early by patience, since the validation loss had not become lower for long"),
            (TrialEnding::Diverged, "early since a loss was no longer finite"),
        ];
        let kinds = kinds.into_iter().map(|(kind, why)| (count(kind), why)).filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds.map(|(count, why)| format!("{count} {why}")).collect();
        let unfinished = count(TrialEnding::Unfinished);
        let ended = self.count() - unfinished;
        let all = match ended {
            0 => "No trial has ended".to_owned(),
            _ if ended == *trials => format!("{} ended: {}", counted(*trials, "trial"), kinds.join("; ")),
            _ => format!("{ended} of {} have ended: {}", counted(*trials, "trial"), kinds.join("; ")),
        };
        let rest = trials.saturating_sub(self.count());
        let under_way = said_of(unfinished, "was under way", "were under way", " when the sweep was ended");
        let to_come = said_of(rest, "is still to come", "are still to come", "");
        format!("{all}.{under_way}{to_come} The sweep took {} on {}.", took(*seconds), shown(device))
    }

    /// The best trial and its validation score.
    fn of_best(&self) -> String {
        let Some((best, score)) = self.best.and_then(|best| Some((best, best.score?))) else {
            return "No trial has a score.".to_owned();
        };
        let epoch = best.best_epoch.map_or(String::new(), |epoch| format!(" after epoch {epoch} of {}", best.epochs));
        let so_far = if self.account.is_whole { "" } else { " so far" };
        format!(
            "The best{so_far} is trial {}: its {} over the validation rows is {}{epoch}.",
            best.trial,
            self.metric,
            digits(score)
        )
    }

    /// The best trial's test score, and what it is worth.
    fn of_test(&self) -> String {
        let (rows, count) = (counted(self.account.rows[2], "test row"), self.scored.len());
        let flatters = match count {
            1 => "by the validation rows its best epoch was chosen".to_owned(),
            _ => format!("the validation score is the best of {count}, and so is probably too optimistic"),
        };
        match &self.account.best {
            Some(Best { test_score: Some(score), test, .. }) => {
                let all = test
                    .as_ref()
                    .map_or(String::new(), |test| format!(" All scores of the test rows: {}.", printable(test)));
                format!(
                    "Over the {rows} its {} is {}. This is the only score here that nothing was chosen by; {flatters}.{all}",
                    self.metric,
                    digits(*score)
                )
            }
            _ if count == 0 => String::new(),
            _ if self.account.rows[2] == 0 => format!("There are no test rows, and {flatters}."),
            _ => format!("The {rows} have not been predicted yet, and {flatters}."),
        }
    }

    /// The options that vary, what the best trial has, and what was tried.
    fn options_table(&self) -> String {
        let best = self.best;
        let row = |option: &Varied| {
            let tried = option.text.split_once('=').map_or(option.text.as_str(), |(_, values)| values);
            let of_best = best.map(|best| shown(&said(best, &option.key)));
            [shown(&option.key)].into_iter().chain(of_best).chain([shown(tried)]).collect()
        };
        let rows: Vec<Vec<String>> = self.account.varied.iter().map(row).collect();
        let of_best = best.map(|best| format!("trial {}, the best", best.trial));
        let headers: Vec<String> = ["option".to_owned()].into_iter().chain(of_best).chain(["tried".into()]).collect();
        table("", &headers, &rows, headers.len())
    }

    /// The sweep's folder, where the sweep began.
    fn folder(&self) -> &str {
        if self.account.folder.is_empty() { self.name } else { &self.account.folder }
    }

    /// The best trials as one model, if they were asked for.
    fn of_ensemble(&self) -> String {
        let Some(together) = &self.account.ensemble else { return String::new() };
        let numbers: Vec<String> = together.trials.iter().map(ToString::to_string).collect();
        let over = |score: Option<f64>, rows: &str| {
            score.map(|score| format!("over the {rows} rows its {} is {}", self.metric, digits(score)))
        };
        let scores = [over(together.score, "validation"), over(together.test_score, "test")];
        let scores = scores.into_iter().flatten().collect::<Vec<_>>().join(", ");
        format!(
            "The ensemble predicts the mean of what {} trials predict ({}): {}.",
            together.trials.len(),
            numbers.join(", "),
            if scores.is_empty() { "there are no rows to judge that by".to_owned() } else { scores }
        )
    }

    /// What to do with the best trial.
    fn uses(&self) -> String {
        let Some(best) = self.best else { return String::new() };
        let folder = self.folder();
        let again = format!("wgrad train --config {}", typed(&format!("{folder}/trial-{}/run.toml", best.trial)));
        let of_best = format!("wgrad predict {} DATA", typed(&format!("{folder}/best")));
        let first = "The first predicts the rows of a file with";
        let (words, commands) = match (&self.account.ensemble, self.account.proposed()) {
            (Some(_), _) => (
                format!(
                    "{first} the ensemble and tells how far its networks differ, the second with the best trial alone, and the third trains that trial again:"
                ),
                vec![format!("wgrad predict {} DATA --spread", typed(folder)), of_best, again],
            ),
            (None, Some(count)) => (
                format!(
                    "{first} the best model, the second trains this trial again, and the third makes one model of up to {count} of the best \
                     trials, without those that lower the validation score:"
                ),
                vec![of_best, again, format!("wgrad sweep --resume {} --ensemble {count}", typed(folder))],
            ),
            (None, None) => {
                (format!("{first} the best model, and the second trains this trial again:"), vec![of_best, again])
            }
        };
        let commands = commands.iter().map(|command| escaped(command)).collect::<Vec<_>>().join("\n");
        format!("<p>Run these commands where you started the sweep. {words}</p>\n<pre class=\"command\">{commands}</pre>\n")
    }

    /// How much each option mattered.
    fn importance(&self) -> String {
        let all = &self.account.importance;
        if all.iter().all(|of| of.share.is_none()) {
            return format!("<h2>What mattered</h2>\n{}", soft("There are too few trials to tell."));
        }
        let row = |of: &Importance| Bar {
            name: of.key.clone(),
            share: of.share.unwrap_or(0.0),
            cells: vec![of.share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share))],
        };
        let rows: Vec<Bar> = all.iter().map(row).collect();
        let method = "The share of the differences between trials that an option explains alone (ω²): trials are ranked by \
                      their scores after equally many epochs, those with neighbouring values of the option form a group, and \
                      the share is what the groups explain of the ranks' variance beyond chance. What options do only \
                      together is in no share.";
        format!("<h2>What mattered</h2>\n{}{}", bars("", &["option", "share"], &rows, "var(--c0)"), soft(method))
    }

    /// How the sweep is gone on with.
    fn going_on(&self) -> String {
        let SweepAccount { trials, is_whole, search, .. } = self.account;
        let resume = format!("wgrad sweep --resume {}", typed(self.folder()));
        let more = format!("{resume} --trials {}", trials.saturating_mul(2));
        let (words, command) = match (is_whole, search.as_str()) {
            (false, _) => ("The sweep was ended before its trials were done. This goes on with it:", Some(resume)),
            (true, "grid") => ("The whole grid was tried; other values are a sweep of their own.", None),
            (true, _) => ("This adds as many trials again; those that are done are not trained again:", Some(more)),
        };
        let command = command.map(|command| format!("<pre class=\"command\">{}</pre>\n", escaped(&command)));
        let (words, command) = (escaped(words), command.unwrap_or_default());
        let wgrad = soft(&format!("wgrad {}", shown(&self.account.wgrad)));
        format!("<h2>How to go on</h2>\n<p>{words}</p>\n{command}{wgrad}")
    }
}

/// A sentence about so many trials, with the words for one and for several; nothing about none.
fn said_of(count: usize, one: &str, several: &str, rest: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" 1 {one}{rest}."),
        _ => format!(" {count} {several}{rest}."),
    }
}

/// Seconds as a person says them.
fn took(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{} s", digits((seconds * 10.0).round() / 10.0)),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{account, sweep};
    use super::*;

    /// That every element is closed where it must be, in order, and that nothing is fetched.
    fn well_formed(page: &SweepPage) -> String {
        let html = page.html();
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag that ends");
            let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "closed out of order");
            } else if !(["!doctype", "meta"].contains(&name) || tag.ends_with('/')) {
                open.push(name);
            }
            assert!(tag.matches('"').count().is_multiple_of(2), "an attribute that does not end: {tag}");
        }
        assert!(open.is_empty(), "not closed: {open:?}");
        for outside in ["http:", "https:", "url(", "@import", "src=", "href=", ">NaN", ">inf<", "NaN,", ",NaN", "alert('"] {
            assert!(!html.contains(outside), "the page holds '{outside}'");
        }
        assert_eq!(html.matches("<svg").count(), html.matches("role=\"img\" aria-label=\"").count());
        assert_eq!(html, page.html(), "the page is a function of the files");
        html
    }

    /// The cells of the table of trials.
    fn rows(html: &str) -> Vec<Vec<&str>> {
        let (_, table) = html.split_once("aria-label=\"Trials\"").expect("a table");
        let (_, body) = table.split_once("<tbody>\n").expect("a body");
        let (body, _) = body.split_once("</tbody>").expect("its end");
        body.lines()
            .map(|row| row.split("<td>").skip(1).map(|cell| cell.split("</td>").next().unwrap_or_default()).collect())
            .collect()
    }

    #[test]
    fn the_numbers_are_those_of_the_records() {
        let page = sweep(60, false);
        let html = well_formed(&page);
        let best = page.account.best.clone().expect("a best trial");
        let (score, test) = (digits(best.score), digits(best.test_score.expect("a test score")));
        let count = |ending| page.trials.iter().filter(|trial| trial.ended == ending).count();
        for words in [
            format!("The best is trial {}: its accuracy over the validation rows is {score}", best.trial),
            format!("Over the 360 test rows its accuracy is {test}. This is the only score here that nothing was chosen by"),
            format!("60 trials ended: {} after all epochs", count(TrialEnding::AllEpochs)),
            format!("{} early by halving", count(TrialEnding::Halving)),
            format!("{} early since a loss was no longer finite", count(TrialEnding::Diverged)),
            format!("wgrad train --config &#39;digits sweep/trial-{}/run.toml&#39;", best.trial),
            "wgrad predict &#39;digits sweep/best&#39; DATA".into(),
            "wgrad sweep --resume &#39;digits sweep&#39; --trials 120".into(),
            "The sweep took 3 min 12 s on NVIDIA H200".into(),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;".into(),
        ] {
            assert!(html.contains(&words), "'{words}' is missing");
        }
        assert_eq!(html.matches("<script").count(), 1, "the page's own");
        let rows = rows(&html);
        assert_eq!(rows.len(), 60);
        for row in &rows {
            let trial = page.trials.iter().find(|trial| trial.trial.to_string() == row[0]).expect("a trial");
            assert_eq!(row[1], trial.score.map_or("–".into(), digits));
            assert_eq!(row[2], said(trial, "learning-rate"));
            assert_eq!(
                row[9..12],
                [
                    digits(trial.validation_loss.expect("a loss")),
                    trial.best_epoch.expect("an epoch").to_string(),
                    trial.epochs.to_string()
                ]
            );
        }
        let scores: Vec<f64> = rows.iter().map_while(|row| row[1].parse().ok()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b) && scores.len() + count(TrialEnding::Diverged) == 60);
        assert_eq!((rows[0][0], rows[0][12].ends_with("the best")), (&*best.trial.to_string(), true));
    }

    #[test]
    fn of_a_regression_the_lowest_is_the_first() {
        let html = well_formed(&sweep(60, true));
        let scores: Vec<f64> = rows(&html).iter().map_while(|row| row[1].parse().ok()).collect();
        assert!(scores.is_sorted() && scores.len() > 50, "{scores:?}");
        assert!(html.contains("the lower, the better") && html.contains("aria-sort=\"ascending\">rmse"));
    }

    #[test]
    fn many_trials_are_thinned_out_and_the_page_says_so() {
        let html = well_formed(&sweep(1000, false));
        assert!(html.len() < 600_000 && rows(&html).len() == 1000, "{}", html.len());
        let html = well_formed(&sweep(5000, false));
        assert!(html.len() < 650_000, "{}", html.len());
        for words in ["The best 1000 of 5000 trials", "200 of 5000 curves", "300 of 4", "1500 of 4"] {
            assert!(html.contains(words), "'{words}' is missing");
        }
    }

    #[test]
    fn few_trials_make_a_page_all_the_same() {
        for count in [0, 1, 2] {
            for ended in [TrialEnding::AllEpochs, TrialEnding::Diverged] {
                let mut page = sweep(count, false);
                for trial in &mut page.trials {
                    trial.ended = ended;
                    trial.score = trial.score.filter(|_| ended == TrialEnding::AllEpochs);
                }
                page.account = SweepAccount { trials: 9, is_whole: false, ..account(&page.trials, false) };
                let html = well_formed(&page);
                assert!(html.contains("There are too few trials to tell") && html.contains("still to come"), "{count}");
                assert_eq!(html.contains("No trial has a score"), count == 0 || ended == TrialEnding::Diverged);
            }
        }
        let mut page = sweep(1, false);
        page.trials[0].curve = Default::default();
        (page.trials[0].epochs, page.trials[0].score, page.trials[0].best_epoch) = (0, None, None);
        (page.account.best, page.account.varied) = (None, Vec::new());
        well_formed(&page);
    }

    #[test]
    fn a_page_says_how_to_go_on() {
        let mut page = sweep(9, false);
        page.account.search = "grid".into();
        assert!(!well_formed(&page).contains("adds as many trials"), "a grid has no more points");
        page.account.is_whole = false;
        assert!(well_formed(&page).contains(">wgrad sweep --resume &#39;digits sweep&#39;<"));
    }

    #[test]
    fn without_test_rows_no_score_is_beyond_doubt() {
        let mut page = sweep(20, false);
        page.account.rows[2] = 0;
        page.account.best.as_mut().expect("a best trial").test_score = None;
        let html = well_formed(&page);
        assert!(html.contains("There are no test rows") && !html.contains("nothing was chosen by"));
    }

    #[test]
    fn the_page_is_made_of_the_files_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("digits sweep");
        std::fs::create_dir(&path).expect("a folder");
        let page = sweep(30, false);
        let lines = page.trials.iter().map(|trial| serde_json::to_string(trial).expect("JSON") + "\n").collect::<String>();
        std::fs::write(path.join(run::TRIALS), lines + "{\"trial\":31,").expect("written");
        std::fs::write(path.join(run::SWEEP), serde_json::to_vec(&page.account).expect("JSON")).expect("written");
        let read = SweepPage::read(&path).expect("a sweep");
        assert!(read == page && read.html() == page.html());
        std::fs::remove_file(path.join(run::TRIALS)).expect("removed");
        assert_eq!(SweepPage::read(&path).expect("a sweep").trials, []);
        std::fs::write(path.join(run::SWEEP), "{").expect("written");
        assert!(SweepPage::read(&path).expect_err("no sweep").to_string().contains("sweep.json: is damaged"));
    }

    /// For the eye: writes a page to the path in `SWEEP_PAGE`, of as many trials as `SWEEP_TRIALS` says, and with
    /// `SWEEP_REGRESSION` of a regression.
    #[test]
    #[ignore = "writes a page to look at"]
    fn a_page_to_look_at() {
        let path = std::env::var_os("SWEEP_PAGE").expect("SWEEP_PAGE names the page");
        let trials = std::env::var("SWEEP_TRIALS").map_or(60, |count| count.parse().expect("a number"));
        let is_regression = std::env::var_os("SWEEP_REGRESSION").is_some();
        let place = Place::named(Path::new(&path)).expect("a place");
        sweep(trials, is_regression).save(&place).expect("written");
    }
}
