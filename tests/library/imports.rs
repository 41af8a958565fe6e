//! What the files of `src` take from one another: no circles of files or folders, and the directions that ARCHITECTURE.md gives.
//!
//! File A takes from file B if A names an item that B defines: by an import, by a path in the middle of an expression or of a macro's
//! arguments, or through a re-export, which counts for the file that defines the item and not for the one that passes it on. `mod` lines
//! and re-exports by themselves take nothing. Code for tests is left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::common::{Trial, named};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path in code: `["super", "Table"]`.
type Names = Vec<String>;

/// A name that `use` brings into a module.
struct Import {
    /// Under which name; none for all that is there (`*`).
    name: Option<String>,
    path: Names,
    /// Whether it is passed on.
    is_public: bool,
}

/// A module: what it defines, imports and names.
#[derive(Default)]
struct Module {
    file: String,
    /// Its items, and whether there can be names below each.
    items: BTreeMap<String, bool>,
    imports: Vec<Import>,
    mentions: Vec<Names>,
}

/// What a name stands for.
enum Meaning {
    Module,
    /// An item of this file.
    Item(String),
}

/// The modules of a crate, by their paths; the crate's own is empty.
struct Modules(BTreeMap<Names, Module>);

impl Modules {
    /// Those of `lib.rs` in this folder and of all files below it.
    fn of(folder: &Path) -> Self {
        let mut modules = Self(BTreeMap::new());
        let mut files = vec![(Vec::new(), PathBuf::from("lib.rs"))];
        while let Some((path, file)) = files.pop() {
            let text = std::fs::read_to_string(folder.join(&file)).unwrap();
            let below = match file.file_name().and_then(|name| name.to_str()) {
                Some("lib.rs" | "mod.rs") => file.with_file_name(""),
                _ => file.with_extension(""),
            };
            for child in modules.add(&path, &file, text.parse().unwrap()) {
                let flat = below.join(child.last().unwrap()).with_extension("rs");
                let file = if folder.join(&flat).is_file() { flat } else { flat.with_extension("").join("mod.rs") };
                files.push((child, file));
            }
        }
        modules
    }

    /// Adds a module of which this is the content. Returns the modules that have files of their own.
    fn add(&mut self, path: &[String], file: &Path, content: TokenStream) -> Vec<Names> {
        let file = file.to_str().unwrap().replace('\\', "/");
        let mut reader = Reader { module: Module { file, ..Module::default() }, folded: Vec::new(), filed: Vec::new() };
        reader.read(content, true);
        let below = |name: &String| [path, std::slice::from_ref(name)].concat();
        let file = PathBuf::from(&reader.module.file);
        let mut filed: Vec<Names> = reader.filed.iter().map(below).collect();
        self.0.insert(path.to_vec(), reader.module);
        for (name, content) in &reader.folded {
            filed.extend(self.add(&below(name), &file, content.clone()));
        }
        filed
    }

    /// What a path means in a module; nothing if it leads out of the crate, or is no path at all. `followed` are the imports, each by its
    /// module and number, that led here: none leads to itself.
    fn meaning(&self, module: &[String], path: &[String], followed: &mut Vec<(Names, usize)>) -> Option<Meaning> {
        let mut here = module.to_vec();
        let mut rest = path;
        while let Some((name @ ("self" | "super" | "crate"), further)) =
            rest.split_first().map(|(name, rest)| (name.as_str(), rest))
        {
            match name {
                "super" => drop(here.pop()),
                "crate" => here.clear(),
                _ => {}
            }
            rest = further;
        }
        let Some((name, further)) = rest.split_first() else { return Some(Meaning::Module) };
        let module = &self.0[&here];
        let child = [&here[..], std::slice::from_ref(name)].concat();
        let is_module = self.0.contains_key(&child);
        if module.items.get(name).is_some_and(|&has_names| further.is_empty() || has_names) {
            return Some(Meaning::Item(module.file.clone()));
        }
        let mut found: Vec<Meaning> = Vec::new();
        if is_module {
            found.extend(self.meaning(&child, &[&["self".to_owned()], further].concat(), followed));
        }
        for (number, import) in module.imports.iter().enumerate() {
            let step = (here.clone(), number);
            if import.name.as_ref().is_none_or(|own| own == name) && !followed.contains(&step) {
                followed.push(step);
                let end = if import.name.is_some() { further } else { rest };
                found.extend(self.meaning(&here, &[&import.path[..], end].concat(), followed));
                followed.pop();
            }
        }
        // A function may have the name of a module.
        let item = found.iter().position(|meaning| matches!(meaning, Meaning::Item(_)));
        (!found.is_empty()).then(|| found.swap_remove(item.unwrap_or(0)))
    }

    /// From which files each file takes, with a path that it says.
    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (path, module) in &self.0 {
            let taken = edges.entry(module.file.clone()).or_default();
            let imports = module.imports.iter().filter(|import| !import.is_public).map(|import| &import.path);
            for mention in imports.chain(&module.mentions) {
                if let Some(Meaning::Item(file)) = self.meaning(path, mention, &mut Vec::new())
                    && file != module.file
                {
                    taken.entry(file).or_insert_with(|| mention.join("::"));
                }
            }
        }
        edges
    }
}

/// For each file those from which it takes, with a path that it says.
type Edges = BTreeMap<String, BTreeMap<String, String>>;

/// Reads a module's tokens.
struct Reader {
    module: Module,
    /// Modules with their contents.
    folded: Vec<(String, TokenStream)>,
    /// Modules with files of their own.
    filed: Vec<String>,
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<TokenStream> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

/// Whether `::` stands here.
fn is_path_sign(tokens: &[TokenTree], at: usize) -> bool {
    is_sign(tokens.get(at), ':') && is_sign(tokens.get(at + 1), ':')
}

/// Whether what this attribute is said of is compiled for tests only.
fn is_for_tests(attribute: &str) -> bool {
    let attribute: String = attribute.split_whitespace().collect();
    attribute == "cfg(test)" || attribute.starts_with("cfg(all(test,")
}

impl Reader {
    /// Reads tokens of the module, its items' own or those within them.
    fn read(&mut self, tokens: TokenStream, are_items: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.read_at(&tokens, at, are_items);
        }
    }

    /// Reads what begins here; returns where the next begins.
    fn read_at(&mut self, tokens: &[TokenTree], at: usize, are_items: bool) -> usize {
        if let Some(attribute) =
            is_sign(tokens.get(at), '#').then(|| group(tokens.get(at + 1), Delimiter::Bracket)).flatten()
        {
            if is_for_tests(&attribute.to_string()) {
                return end_of_item(tokens, at + 2);
            }
            self.read(attribute, false);
            return at + 2;
        }
        if let TokenTree::Group(group) = &tokens[at] {
            // What a macro is given in braces, where items stand, are items.
            let of_macro = group.delimiter() == Delimiter::Brace && at > 0 && is_sign(tokens.get(at - 1), '!');
            self.read(group.stream(), are_items && of_macro);
            return at + 1;
        }
        let Some(first) = word(tokens.get(at)) else { return at + 1 };
        let next = word(tokens.get(at + 1));
        match (first.as_str(), next) {
            ("use", _) => {
                let end = (at..tokens.len()).find(|&at| is_sign(tokens.get(at), ';')).unwrap_or(tokens.len());
                let is_public = (at.saturating_sub(2)..at).any(|before| word(tokens.get(before)).as_deref() == Some("pub"));
                self.import(&tokens[at + 1..end], Vec::new(), is_public);
                return end;
            }
            ("mod", Some(name)) if are_items => {
                match group(tokens.get(at + 2), Delimiter::Brace) {
                    Some(content) => self.folded.push((name, content)),
                    None => self.filed.push(name),
                }
                return at + 3;
            }
            ("fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static", Some(name)) if name != "fn" => {
                if are_items {
                    let has_names = !["fn", "const", "static"].contains(&first.as_str());
                    *self.module.items.entry(name).or_default() |= has_names;
                }
                return at + 2;
            }
            ("macro_rules", None) if are_items => {
                self.module.items.extend(word(tokens.get(at + 2)).map(|name| (name, false)));
                return at + 3;
            }
            _ => {}
        }
        // Not a field or a method, nor the end of a path that began before.
        let is_first =
            !(is_sign(at.checked_sub(1).and_then(|at| tokens.get(at)), '.') || at >= 2 && is_path_sign(tokens, at - 2));
        let (mut path, mut end) = (vec![first], at + 1);
        while is_path_sign(tokens, end)
            && let Some(name) = word(tokens.get(end + 2))
        {
            path.push(name);
            end += 3;
        }
        let is_type = path[0].starts_with(|letter: char| letter.is_ascii_uppercase());
        let is_called = group(tokens.get(end), Delimiter::Parenthesis).is_some() || is_sign(tokens.get(end), '!');
        if is_first && (path.len() > 1 || is_type || is_called) {
            self.module.mentions.push(path);
        }
        end
    }

    /// Reads what follows `use`, below a path.
    fn import(&mut self, tokens: &[TokenTree], mut path: Names, is_public: bool) {
        for tree in tokens.split(|token| is_sign(Some(token), ',')) {
            let start = path.len();
            let mut at = if is_path_sign(tree, 0) { 2 } else { 0 };
            while let Some(name) = word(tree.get(at)) {
                path.push(name);
                at += 1;
                if !is_path_sign(tree, at) {
                    break;
                }
                at += 2;
            }
            if let Some(further) = group(tree.get(at), Delimiter::Brace) {
                self.import(&further.into_iter().collect::<Vec<_>>(), path.clone(), is_public);
            } else if is_sign(tree.get(at), '*') {
                self.module.imports.push(Import { name: None, path: path.clone(), is_public });
            } else if path.len() > start {
                if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
                    path.pop();
                }
                let own =
                    if word(tree.get(at)).as_deref() == Some("as") { word(tree.get(at + 1)) } else { path.last().cloned() };
                // `as _` has a sign for a name.
                let name = Some(own.unwrap_or_else(|| "_".into()));
                self.module.imports.push(Import { name, path: path.clone(), is_public });
            }
            path.truncate(start);
        }
    }
}

/// Where what follows the item ends that begins here.
fn end_of_item(tokens: &[TokenTree], begin: usize) -> usize {
    let is_item = |at: usize| {
        let words = ["fn", "struct", "enum", "trait", "type", "const", "static", "impl", "mod", "use"];
        (begin..at).any(|at| word(tokens.get(at)).is_some_and(|word| words.contains(&word.as_str())))
    };
    let is_end = |&at: &usize| {
        let token = tokens.get(at);
        is_sign(token, ';') || group(token, Delimiter::Brace).is_some() || (is_sign(token, ',') && !is_item(at))
    };
    (begin..tokens.len()).find(is_end).map_or(tokens.len(), |end| end + 1)
}

/// The shortest way from a file back to itself, as files that each take from the next; none if there is none.
fn circle_of<'a>(edges: &'a Edges, file: &'a str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([file]);
    while let Some(here) = next.pop_front() {
        for further in edges[here].keys() {
            if further == file {
                let mut way = vec![file, here];
                while way[way.len() - 1] != file {
                    way.push(before[way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(further.as_str()) {
                before.insert(further, here);
                next.push_back(further);
            }
        }
    }
    None
}

/// The shortest circle of every file that is in one, but for those whose files are all in another's.
fn circles(edges: &Edges) -> Vec<Vec<&str>> {
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for file in edges.keys() {
        let is_new = |circle: &Vec<&str>| !circles.iter().any(|known| circle.iter().all(|file| known.contains(file)));
        circles.extend(circle_of(edges, file).filter(is_new));
    }
    circles
}

/// A circle for a person: what each takes of the next.
fn told(edges: &Edges, circle: &[&str]) -> String {
    let step = |pair: &[&str]| format!("    {} takes {} of {}\n", pair[0], edges[pair[0]][pair[1]], pair[1]);
    circle.windows(2).map(step).collect()
}

/// The part of the house that a file is of: the longest of these names that its path begins with, or else its first folder.
fn part<'a>(file: &'a str, names: &BTreeSet<&'a str>) -> &'a str {
    let file = file.trim_end_matches(".rs");
    let is_in = |name: &&&str| file.strip_prefix(**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    names.iter().filter(is_in).max_by_key(|name| name.len()).copied().unwrap_or(file.split('/').next().unwrap_or(file))
}

/// What parts take from one another.
fn of_parts(edges: &Edges, names: &BTreeSet<&str>) -> Edges {
    let mut parts = Edges::new();
    for (file, taken) in edges {
        let own = part(file, names);
        let of_part = parts.entry(own.to_owned()).or_default();
        for (other, path) in taken.iter().filter(|(other, _)| part(other, names) != own) {
            of_part.entry(part(other, names).to_owned()).or_insert_with(|| format!("{path} (in {file}: {other})"));
        }
    }
    parts
}

/// Which parts stand above which, by a sentence such as `cli → exchange → model, data; bench → page`.
fn above(sentence: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut above: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for chain in sentence.split(';') {
        let steps: Vec<Vec<&str>> = chain.split('→').map(|step| step.split(',').map(str::trim).collect()).collect();
        for pair in steps.windows(2) {
            pair[0].iter().for_each(|&upper| above.entry(upper).or_default().extend(&pair[1]));
        }
    }
    // What is below what is below is below.
    loop {
        let further = |below: &BTreeSet<&str>| below.iter().filter_map(|part| above.get(part)).flatten().copied().collect();
        let more: Vec<(&str, BTreeSet<&str>)> = above.iter().map(|(&part, below)| (part, further(below))).collect();
        let count = |above: &BTreeMap<&str, BTreeSet<&str>>| above.values().map(BTreeSet::len).sum::<usize>();
        let before = count(&above);
        for (part, below) in more {
            above.get_mut(part).expect("it is there").extend(below);
        }
        if count(&above) == before {
            return above;
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_take_from_one_another_in_no_circle() {
    let edges = Modules::of(&root().join("src")).edges();
    assert!(edges.len() > 200, "{} files were read", edges.len());
    let circles: Vec<String> = circles(&edges).iter().map(|circle| told(&edges, circle)).collect();
    assert!(
        circles.is_empty(),
        "circles of files, to be broken by moving what is taken to where it belongs:\n{}",
        circles.join("\n")
    );
}

fn imports_point_the_way_that_the_architecture_says() {
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, rest) = architecture.split_once("Imports point one way: ").expect("the sentence");
    let sentence = rest.split_once('.').expect("its end").0.replace('\n', " ").replace(" and ", " ");
    let above = above(&sentence);
    let names: BTreeSet<&str> = above.iter().flat_map(|(part, below)| below.iter().chain([part])).copied().collect();
    assert!(
        ["cli", "training/run", "training/session", "kernels", "page"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    let modules = Modules::of(&root().join("src"));
    let edges = modules.edges();
    let parts = of_parts(&edges, &names);
    for name in &names {
        assert!(parts.contains_key(*name), "ARCHITECTURE.md names '{name}', of which no file is");
    }
    for (part, taken) in &parts {
        for (other, what) in taken {
            let is_upwards = above.get(other.as_str()).is_some_and(|below| below.contains(part.as_str()));
            assert!(!is_upwards, "{part} stands below {other} and takes {what}");
        }
    }
    let circles: Vec<String> = circles(&parts).iter().map(|circle| told(&parts, circle)).collect();
    assert!(circles.is_empty(), "circles of parts:\n{}", circles.join("\n"));
    for module in modules.0.values().filter(|module| ["kernels", "network"].contains(&part(&module.file, &names))) {
        let sees = |path: &Names| path.first().is_some_and(|name| name == "wgpu");
        let paths = module.imports.iter().map(|import| &import.path).chain(&module.mentions);
        assert_eq!(paths.filter(|path| sees(path)).count(), 0, "{} sees wgpu", module.file);
    }
}

/// A crate of files with these contents, and what they take from one another.
fn edges_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let edges = Modules::of(folder.path()).edges();
    let lines = edges.iter().flat_map(|(file, taken)| taken.keys().map(move |other| format!("{file} {other}")));
    lines.collect()
}

fn every_way_to_name_an_item_is_seen() {
    let below = ("b.rs", "pub struct B; pub fn b() {} pub mod deep { pub const D: u32 = 0; }");
    for a in [
        "use crate::b::B;",
        "use crate::{\n    b::{\n        deep,\n        B as Other,\n    },\n};",
        "use crate::b; fn f() { b::b(); }",
        "use crate::b::{self as other}; fn f(x: Option<other::B>) {}",
        "fn f() -> u32 { super::b::deep::D }",
        "fn f() { println!(\"{}\", 1 + crate::b::deep::D) }",
        "fn f() { use super::b::*; b() }",
        "use crate::B; fn f() {}",
        "use super::{b as deep_down}; const D: u32 = deep_down::deep::D;",
        "#[cfg(not(test))] use crate::b::B;",
        "#[derive(Debug)] #[cfg_attr(test, derive(Clone))] struct A(crate::b::B);",
        "mod within { fn f(x: super::super::b::B) {} }",
        "macro_rules! m { () => { $crate::b::b() } }",
        "declared! { struct A { field: crate::b::B } }",
    ] {
        let edges = edges_of(&[("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", a), below]);
        assert_eq!(edges, ["a.rs b.rs"], "{a}");
    }
}

fn what_takes_nothing_is_not_seen() {
    let below = ("b.rs", "pub struct B; pub fn b() {}");
    for a in [
        "pub use crate::b::B;",
        "use crate::b;",
        "/// See [`crate::b::B`].\nfn f() { let text = \"crate::b::B\"; } // crate::b::B",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] use crate::b::{B};\n#[cfg(all(test, unix))] fn f() -> crate::b::B { crate::b::B }",
        "struct A { #[cfg(test)] b: crate::b::B, c: u32 }",
        "fn f(x: A) { x.b(); } struct A { b: u32 }",
        "fn f() { std::b::b(); ::b::b(); }",
    ] {
        let edges = edges_of(&[("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", a), below]);
        assert_eq!(edges, [""; 0], "{a}");
    }
}

fn a_re_export_counts_for_the_file_that_defines() {
    let parent = "mod inner; pub use inner::{Inner, inner}; pub struct Own;";
    let a = |text| {
        edges_of(&[
            ("lib.rs", "mod a; mod p;"),
            ("p/mod.rs", parent),
            ("a.rs", text),
            ("p/inner.rs", "pub struct Inner; pub fn inner() {}"),
        ])
    };
    assert_eq!(a("use crate::p::Inner;"), ["a.rs p/inner.rs"]);
    assert_eq!(a("fn f() { crate::p::inner() }"), ["a.rs p/inner.rs"]);
    assert_eq!(a("use crate::p::Own;"), ["a.rs p/mod.rs"]);
    let declared =
        edges_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "declared! { pub struct B {} }")]);
    assert_eq!(declared, ["a.rs b.rs"]);
    // A parent that uses what it passes on takes it.
    let used = edges_of(&[
        ("lib.rs", "mod p;"),
        ("p.rs", "mod inner; pub use inner::Inner; fn f(x: Inner) {}"),
        ("p/inner.rs", "pub struct Inner; fn f(x: super::Own) {}"),
    ]);
    assert_eq!(used, ["p.rs p/inner.rs"]);
}

fn circles_are_found_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B(crate::c::C);"),
        ("c.rs", "pub struct C; fn c(x: super::a::A, y: super::d::D) {}"),
        ("d.rs", "pub struct D;"),
    ] {
        std::fs::write(folder.path().join(file), text).expect("a file");
    }
    let edges = Modules::of(folder.path()).edges();
    let circles = circles(&edges);
    assert_eq!(circles, [["a.rs", "b.rs", "c.rs", "a.rs"]]);
    assert!(told(&edges, &circles[0]).contains("c.rs takes super::a::A of a.rs"));
}

fn what_stands_above_follows_from_the_sentence() {
    let above = above("a → b, c → d; e → b");
    assert_eq!(above["a"], BTreeSet::from(["b", "c", "d"]));
    assert_eq!(above["e"], BTreeSet::from(["b", "d"]));
    let names = BTreeSet::from(["a", "a/b"]);
    assert_eq!(["a/b/c.rs", "a/bc.rs", "a.rs", "x/y.rs"].map(|file| part(file, &names)), ["a/b", "a", "a", "x"]);
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        files_take_from_one_another_in_no_circle,
        imports_point_the_way_that_the_architecture_says,
        every_way_to_name_an_item_is_seen,
        what_takes_nothing_is_not_seen,
        a_re_export_counts_for_the_file_that_defines,
        circles_are_found_and_told,
        what_stands_above_follows_from_the_sentence,
    ]
}
