//! What learners ask, and which lesson answers it: all of it is in the tables of this file.

use serde::Serialize;

/// What a lesson answers, and the command that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What to type.
    pub command: &'static str,
    /// What it answers, in a line.
    pub answers: &'static str,
    /// Beginnings of words of a question that ask for it; the rarer one is in this table, the more it says.
    #[serde(skip)]
    keys: &'static str,
}

/// A question that learners ask, and the command that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The question.
    pub question: &'static str,
    /// What to type.
    pub command: &'static str,
}

/// The questions that wgrad began with.
pub const QUESTIONS: [Question; 5] = [
    Question { question: "why is the error multiplied by the derivative of the sigmoid?", command: "wgrad lesson trask" },
    Question { question: "would cubing the error not be better?", command: "wgrad lesson trask --compare" },
    Question { question: "what has the height of the output to do with confidence?", command: "wgrad lesson confidence" },
    Question { question: "where is the missing minus sign?", command: "wgrad lesson trask" },
    Question { question: "why do sigmoids starve the first layers?", command: "wgrad lesson vanishing" },
];

const ANSWERS: [Answer; 12] = [
    Answer {
        command: "wgrad lesson trask",
        answers: "why error × slope, why += and not -=, why x*(1-x) is given the output",
        keys: "derivative slope gradient multipl product times chain sigmoid minus sign missing descent add subtract += -= weight delta dot \
               transpose bias always nonlin deriv error",
    },
    Answer {
        command: "wgrad lesson trask --compare",
        answers: "error × slope against the error alone, the error cubed and cross-entropy",
        keys: "cub power squar exponent cross entropy without alone alternative better instead faster multipl derivative leave \
               omit",
    },
    Answer {
        command: "wgrad lesson trask-hidden",
        answers: "what a hidden layer is for, how it gets an error, why weights start at random",
        keys: "hidden xor exclusive backprop propagat random symmetr zero initial start slow nonlinear",
    },
    Answer {
        command: "wgrad lesson trask-hidden --compare",
        answers: "how many hidden units are needed, ten seeds each",
        keys: "hidden unit neuron node width wide many size number seed",
    },
    Answer {
        command: "wgrad lesson loy",
        answers: "where the 2 and the learning rate are, and how much of success is the seed's luck",
        keys: "seed luck plateau stuck learning rate factor 2 twice run",
    },
    Answer {
        command: "wgrad lesson loy --compare",
        answers: "what a factor 2 and a wrong sign do",
        keys: "negative wrong direction ascent factor 2 twice",
    },
    Answer {
        command: "wgrad lesson backprop-2-2-1",
        answers: "one row followed by hand, and what broadcasting does to a wrong shape",
        keys: "hand shape broadcast numpy check matri dimension transpose example bug",
    },
    Answer {
        command: "wgrad lesson udacity-step",
        answers: "one step, every number of it",
        keys: "step term delta update change hidden udacity example",
    },
    Answer {
        command: "wgrad lesson admissions --data FILE",
        answers: "real columns, the mean over a batch, and a printed loss that is none",
        keys: "batch sum mean average standardi normali scal column data loss accuracy reduction record row",
    },
    Answer {
        command: "wgrad lesson vanishing",
        answers: "why sigmoids starve the first layers, and tanh and relu do not",
        keys: "vanish starve deep depth layer early first explod relu tanh sigmoid gradient 75 93 quarter fall nothing learn",
    },
    Answer {
        command: "wgrad lesson confidence",
        answers: "what the height of an output says, and what being sure does to a step",
        keys: "confiden sure certain height high output probabilit unsure undecided slope cross entropy saturat flat",
    },
    Answer {
        command: "wgrad lesson plane --play plane.html",
        answers: "what hidden layers can separate, on a plane of two inputs, in the browser",
        keys: "plane boundary border surface region separat line circle spiral picture play browser playground two-dimensional 2d visual",
    },
];

/// The most answers to a question.
const MOST: usize = 3;

/// The answers to a question, the best first; none where no word of it is known.
pub fn answers(question: &str) -> Vec<Answer> {
    let question = question.to_lowercase();
    let separates = |character: char| !(character.is_alphanumeric() || "+-=".contains(character));
    let words: Vec<&str> = question.split(separates).flat_map(parts).filter(|word| !word.is_empty()).collect();
    // A long word may have a letter too many, too few or wrong.
    let is_close = |word: &str, key: &str| {
        let beginning: String = word.chars().take(key.chars().count()).collect();
        key.chars().count() > 5 && strsim::osa_distance(&beginning, key) <= 1
    };
    let asks = |key: &str| words.iter().any(|word| word.starts_with(key) || is_close(word, key));
    let has = |answer: &Answer, key: &str| answer.keys.split(' ').any(|known| known == key);
    // A key that many lessons have says little of which is meant.
    let weight = |key: &str| 1.0 / ANSWERS.iter().filter(|answer| has(answer, key)).count() as f64;
    let score = |answer: &Answer| answer.keys.split(' ').filter(|key| asks(key)).map(weight).sum::<f64>();
    let mut scored: Vec<(f64, Answer)> = ANSWERS.iter().map(|answer| (score(answer), *answer)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = scored[0].0;
    scored
        .into_iter()
        .take(MOST)
        .filter(|(score, _)| *score > 0.0 && *score >= 0.5 * best)
        .map(|(_, answer)| answer)
        .collect()
}

/// A word with hyphens as its parts; `+=` and `-=` stay whole.
fn parts(word: &str) -> Vec<&str> {
    if word.chars().any(char::is_alphanumeric) { word.split(['+', '-', '=']).collect() } else { vec![word] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learners_questions_find_their_own_answers_first() {
        for Question { question, command } in QUESTIONS {
            assert_eq!(answers(question)[0].command, command, "{question}");
        }
    }

    #[test]
    fn questions_in_other_words_find_their_lessons() {
        for (question, command) in [
            ("Why do we multiply by the slope", "wgrad lesson trask"),
            ("why += and not -= here", "wgrad lesson trask"),
            ("what does a wrong sign do", "wgrad lesson loy --compare"),
            ("shouldn't it be error cubed?", "wgrad lesson trask --compare"),
            ("is an output of 0.9 more confident", "wgrad lesson confidence"),
            ("how many hidden neurons do I need", "wgrad lesson trask-hidden --compare"),
            ("does the seed matter", "wgrad lesson loy"),
            ("what is a vanishing gradient", "wgrad lesson vanishing"),
            ("sum or mean over the batch", "wgrad lesson admissions --data FILE"),
            ("why can't one layer learn XOR", "wgrad lesson trask-hidden"),
        ] {
            let found = answers(question);
            assert!(found.iter().any(|answer| answer.command == command), "{question}: {found:?}");
            assert!(found.len() <= MOST);
        }
        assert!(answers("how do I cook an egg").is_empty(), "{:?}", answers("how do I cook an egg"));
    }

    #[test]
    fn every_command_names_a_lesson_and_every_lesson_answers_something() {
        let lesson = |command: &str| command.split(' ').nth(2).expect("a lesson").to_owned();
        let named: Vec<String> = ANSWERS.iter().map(|answer| lesson(answer.command)).collect();
        assert!(super::super::names().all(|name| named.iter().any(|known| known == name)));
        assert!(named.iter().all(|name| super::super::summary(name).is_some()), "{named:?}");
        assert!(QUESTIONS.iter().all(|asked| ANSWERS.iter().any(|answer| answer.command == asked.command)));
    }
}
