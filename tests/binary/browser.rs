//! Pages that compute in the browser: in headless Chromium on WebGPU, where it is installed (tests/browser.sh), against the command line; and
//! the script that dispatches, without a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Completion, Desk, Failed, Trial};
use serde_json::{Value, json};

/// The largest difference of a probability or an output.
const BOUND: f64 = 1e-5;

pub(crate) fn trials() -> Vec<Trial> {
    let modules = modules().join("node_modules/playwright-core");
    let why = match (modules.is_dir(), chromium()) {
        (true, Some(_)) => "",
        _ => "no Chromium, or no playwright-core: tests/browser.sh --install",
    };
    let in_chromium =
        |name: &str, body: fn() -> Result<Completion, Failed>| Trial::test(name, body).left_out_if(!why.is_empty(), why);
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    vec![
        in_chromium("pages of lessons train in Chromium to the command line's weights", lessons),
        in_chromium("a page of two inputs learns every set that one can choose", plane),
        in_chromium("a page survives choices in the middle of a run, and says that training has diverged", choices),
        in_chromium("a network of one's own trains in Chromium from where it was", own_network),
        in_chromium("an exported classifier says in Chromium what predict says", classifier),
        in_chromium("an exported model of dates, categories, bins and gaps encodes as predict does", mixed_table),
        in_chromium("an exported regression and a pad to draw on predict in Chromium", regression_and_pad),
        in_chromium("a page without WebGPU says so and shows what was recorded", without_webgpu),
        Trial::test("the script dispatches what the plan lists, in its order", dispatches).left_out_if(!has_node, "no node"),
        Trial::test("pages that compute fetch nothing, escape text and are small", pages),
        Trial::test("a page that would be larger than 20 MiB, or wider than a picture, is refused", refusals),
    ]
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-browser")
}

fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("WGRAD_TEST_CHROMIUM").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let known = ["chromium", "chromium-browser", "google-chrome"];
    named.or_else(|| {
        known.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
    })
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// What came of some tasks; or why there is no WebGPU.
fn tried(desk: &Desk, tasks: &Value) -> Result<Result<Vec<Value>, String>, Failed> {
    desk.write("tasks.json", tasks.to_string());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser.mjs");
    let chromium = chromium().ok_or("a Chromium")?;
    let output =
        Command::new("node").arg(script).arg(modules()).arg(chromium).arg(desk.path().join("tasks.json")).output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    check(output.status.success(), || told)?;
    let said: Value = serde_json::from_slice(&output.stdout)?;
    if let Some(why) = said["left_out"].as_str() {
        return Ok(Err(why.to_owned()));
    }
    let found = said["found"].as_array().cloned().ok_or("what was found")?;
    for result in &found {
        check(result["complaints"] == json!([]), || format!("the console says {}", result["complaints"]))?;
        check(result["self_test"] != json!(false), || format!("its self-test fails: {result}"))?;
        check(result["overflow"].as_f64().unwrap_or(0.0) <= 0.0, || format!("wider than a phone: {result}"))?;
    }
    Ok(Ok(found))
}

/// The body of a trial that needs what came of its tasks.
fn with(desk: &Desk, tasks: &Value, look: impl FnOnce(&[Value]) -> Result<(), Failed>) -> Result<Completion, Failed> {
    match tried(desk, tasks)? {
        Ok(found) => look(&found).map(|()| Completion::Completed),
        Err(why) => Ok(Completion::ignored_with(why)),
    }
}

fn place(desk: &Desk, name: &str) -> String {
    desk.path().join(name).to_string_lossy().into_owned()
}

/// Where pictures of pages go, for the eye.
fn picture(name: &str) -> Result<String, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-pages");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(name).to_string_lossy().into_owned())
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

fn farthest(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len(), "as many numbers");
    one.iter()
        .zip(other)
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, |most, far| if far.is_nan() { f64::NAN } else { most.max(far) })
}

fn lessons() -> Result<Completion, Failed> {
    let desk = Desk::new();
    let lessons = [("trask", 1000), ("trask-hidden", 1000), ("loy", 1000), ("backprop-2-2-1", 100), ("udacity-step", 1)];
    let mut tasks = Vec::new();
    for (lesson, steps) in lessons {
        let page = format!("{lesson}.html");
        desk.ends(0, &["lesson", lesson, "--play", &page, "-q"])?;
        let served = lesson == "loy";
        tasks.push(json!({ "page": place(&desk, &page), "served": served, "steps": steps, "picture": picture(lesson)? }));
    }
    with(&desk, &json!(tasks), |found| {
        for ((lesson, steps), result) in lessons.iter().zip(found) {
            let told = desk.run(&["explain", lesson, "--epoch", &steps.to_string(), "--json"]);
            let told: Value = serde_json::from_slice(&told.stdout)?;
            let layers = told["layers"].as_array().ok_or("layers")?;
            let ours: Vec<f64> = layers.iter().flat_map(|layer| numbers(&layer["weights"])).collect();
            // Each step rounds a weight below 16 by half a unit of its last place.
            let bound = f64::from(*steps) * 16.0 * 2.0_f64.powi(-25);
            let far = farthest(&ours, &numbers(&result["weights"]));
            check(far <= bound, || format!("{lesson}: weights are {far} apart after {steps} steps, {bound} is allowed"))?;
            check(result["taken"].as_str().is_some_and(|taken| taken.replace(',', "") == steps.to_string()), || {
                result.to_string()
            })?;
            let first = result["first_frame_ms"].as_f64().unwrap_or(f64::NAN);
            check(first < 10_000.0, || format!("{lesson}: the first frame takes {first} ms"))?;
        }
        Ok(())
    })
}

fn plane() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(0, &["lesson", "plane", "--play", "plane.html", "-q"])?;
    let rows: String =
        (0..30).map(|row| format!("{},{},{}\n", row % 6, row / 6, if row % 6 > 2 { "far" } else { "near" })).collect();
    desk.write("own.csv", format!("along,across,where\n{rows}"));
    desk.ends(0, &["lesson", "plane", "--data", "own.csv", "--play", "own.html", "-q"])?;
    let task = |choose: Value, steps: u32| json!({ "page": place(&desk, "plane.html"), "choose": choose, "steps": steps });
    let tasks = json!([
        task(json!({ "set": "exclusive or", "hidden": "8", "activation": "relu", "batch": "30", "rate": "0.1" }), 200),
        task(json!({ "set": "circle", "activation": "tanh", "start": "seed 2" }), 200),
        task(json!({ "set": "spiral", "hidden": "8-8", "activation": "sigmoid" }), 10),
        task(json!({ "set": "two Gaussians", "hidden": "none" }), 50),
        { "page": place(&desk, "own.html"), "steps": 100, "picture": picture("plane-own")? },
    ]);
    with(&desk, &tasks, |found| {
        let right = |result: &Value| result["right"].as_str().and_then(|text| text.split(' ').next()?.parse::<u32>().ok());
        for (result, least) in found.iter().zip([105, 105, 50, 110, 28]) {
            check(right(result).is_some_and(|right| right >= least), || format!("{} rows: {}", least, result["right"]))?;
        }
        Ok(())
    })
}

fn choices() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(0, &["lesson", "plane", "--play", "plane.html", "-q"])?;
    desk.write(
        "far.csv",
        "a,b,y\n".to_owned() + &(0..20).map(|row| format!("{},{},{}\n", row * 90, row * 70, row * 50)).collect::<String>(),
    );
    let flags = ["--task", "regression", "--scale", "none", "--hidden", "4", "--activation", "identity", "--epochs", "1"];
    desk.ends(0, &[&["train", "far.csv", "--device", "cpu", "-q", "-o", "run"], &flags[..]].concat())?;
    desk.ends(0, &["explain", "run", "far.csv", "--play", "far.html", "-q"])?;
    let tasks = json!([
        { "page": place(&desk, "plane.html"), "hurry": { "hidden": ["8-8", "none", "8"], "set": ["spiral", "circle"], "activation": ["relu"] } },
        { "page": place(&desk, "far.html"), "choose": { "rate": 6 }, "steps": 100, "reset": true },
    ]);
    with(&desk, &tasks, |found| {
        check(found[0]["status"] == json!("") && found[0]["ran"].as_u64().is_some_and(|steps| steps > 0), || {
            found[0].to_string()
        })?;
        let told = found[1]["status"].as_str().unwrap_or_default();
        check(told.starts_with("The training has diverged"), || found[1].to_string())?;
        check(found[1]["after_reset"] == json!(""), || found[1].to_string())
    })
}

fn own_network() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(0, &["train", "digits", "--hidden", "24,12", "--epochs", "2", "--device", "cpu", "-q", "-o", "run"])?;
    desk.ends(0, &["explain", "run", "digits", "--row", "300", "--units", "6", "--play", "own.html", "-q"])?;
    let tasks = json!([
        { "page": place(&desk, "own.html"), "served": true, "steps": 1, "picture": picture("explain-digits")? },
        { "page": place(&desk, "own.html"), "choose": { "start": "before training", "batch": "10" }, "steps": 200 },
    ]);
    with(&desk, &tasks, |found| {
        check(numbers(&found[0]["weights"]).len() == 64 * 24 + 24 + 24 * 12 + 12 + 12 * 10 + 10, || {
            "all parameters".into()
        })?;
        let right = found[1]["right"].as_str().and_then(|text| text.split(' ').next()?.parse::<u32>().ok());
        check(right.is_some_and(|right| right > 100), || format!("it learns: {}", found[1]["right"]))?;
        let page = String::from_utf8(desk.bytes("own.html"))?;
        check(page.contains("\nLoss (cross-entropy") && page.contains("on 200 rows of digits"), || {
            "what was recorded".into()
        })
    })
}

/// What `wgrad predict` says of a file: for each row its prediction, then the other columns' numbers.
fn predicted(desk: &Desk, run: &str, file: &str, more: &[&str]) -> Result<Vec<(String, Vec<f64>)>, Failed> {
    let output = desk.run(&[&["predict", run, file, "-q"], more].concat());
    check(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    let text = String::from_utf8(output.stdout)?;
    let row = |line: &str| {
        let mut cells = line.split(',');
        (cells.next().unwrap_or_default().to_owned(), cells.filter_map(|cell| cell.parse().ok()).collect())
    };
    Ok(text.lines().skip(1).map(row).collect())
}

/// Rows of a CSV file as the page takes them: the cells of the first columns.
fn cells(text: &str, columns: usize) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|line| line.split(',').take(columns).map(str::to_owned).collect()).collect()
}

/// Holds what a page said of rows against what `predict` said.
fn agree(found: &Value, predicted: &[(String, Vec<f64>)]) -> Result<(), Failed> {
    let said = found["predictions"].as_array().ok_or("predictions")?;
    check(said.len() == predicted.len() && said.len() >= 20, || format!("{} rows", said.len()))?;
    for (said, (class, probabilities)) in said.iter().zip(predicted) {
        let far = farthest(&numbers(&said["probabilities"]), probabilities);
        check(far <= BOUND && said["prediction"] == json!(class), || {
            format!("{said} and {class} {probabilities:?}: {far}")
        })?;
    }
    Ok(())
}

fn classifier() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(0, &["train", "iris", "--device", "cpu", "-q", "-o", "run"])?;
    desk.ends(0, &["export", "run", "--format", "html", "-o", "iris.html", "-q"])?;
    let comma = |row: u32| {
        format!("{},{};{} kg;20{:02}-02-28;{}\n", row, row * 7 % 10, row * 3, 10 + row, ["no", "yes"][(row % 2) as usize])
    };
    desk.write("comma.csv", "a;b;when;y\n".to_owned() + &(0..40).map(comma).collect::<String>());
    let flags =
        ["--delimiter", ";", "--decimal", ",", "--units", "kg", "--hidden", "3", "--epochs", "1", "--threshold", "0.9"];
    desk.ends(0, &[&["train", "comma.csv", "--device", "cpu", "-q", "-o", "comma"], &flags[..]].concat())?;
    desk.ends(0, &["export", "comma", "--format", "html", "-o", "comma.html", "-q"])?;
    check(
        String::from_utf8(desk.bytes("comma.html"))?.contains("It says yes where the probability of yes is at least 0.9"),
        || "a threshold".into(),
    )?;
    let row = |row: u32| {
        let part = |times: u32, from: f64, step: f64| from + step * f64::from(row * times % 23);
        format!("{:.2},{:.2},{:.2},{:.2}\n", part(3, 4.3, 0.15), part(7, 2.0, 0.1), part(5, 1.0, 0.25), part(11, 0.1, 0.1))
    };
    let text = "sepal_length,sepal_width,petal_length,petal_width\n".to_owned() + &(0..20).map(row).collect::<String>();
    desk.write("rows.csv", &text);
    let tasks = json!([
        { "page": place(&desk, "iris.html"), "rows": cells(&text, 4), "type": { "2": "1.4", "3": "0.2" }, "picture": picture("export-iris")? },
        { "page": place(&desk, "iris.html"), "served": true, "type": { "2": "one" } },
        { "page": place(&desk, "iris.html"), "type": { "2": "0x10" } },
        { "page": place(&desk, "comma.html"), "rows": [["7,438", "2 kg", "2020-02-30"], ["7,438", "2", "2020-02-29"]] },
    ]);
    with(&desk, &tasks, |found| {
        agree(&found[0], &predicted(&desk, "run", "rows.csv", &["--probabilities"])?)?;
        check(found[0]["shown"] == json!("setosa") && found[0]["status"] == json!(""), || found[0].to_string())?;
        check(found[1]["status"] == json!("petal_length: 'one' is no number"), || found[1]["status"].to_string())?;
        check(found[1]["shown"] == json!("–") && found[2]["shown"] == json!("–"), || {
            "what was said of other cells".into()
        })?;
        let said = &found[3]["predictions"];
        check(said[0]["refused"] == json!("when: '2020-02-30' is no date"), || said.to_string())?;
        check(numbers(&said[1]["probabilities"]).len() == 2, || said.to_string())
    })
}

fn mixed_table() -> Result<Completion, Failed> {
    let desk = Desk::new();
    let cell = |row: usize| {
        let colour = ["red", "green", "<b>blue</b>", ""][row * 7 % 11 % 4];
        let width = if row.is_multiple_of(13) { String::new() } else { format!("{}", (row * 37 % 101) as f64 / 7.0) };
        let day = format!("20{:02}-{:02}-{:02}", 10 + row % 14, 1 + row * 5 % 12, 1 + row * 3 % 28);
        let hour = format!("{:02}:{:02}", row * 5 % 24, row * 11 % 60);
        let class = if (row * 37 % 101 > 50) != (row % 14 > 7) { "yes" } else { "no" };
        format!("{width},{colour},{day}T{hour},{},{class}\n", row * 17 % 29)
    };
    let head = "width,colour,when,count,target\n";
    desk.write("table.csv", head.to_owned() + &(0..1200).map(cell).collect::<String>());
    let rows: String = (3000..3024).map(cell).collect();
    desk.write("rows.csv", head.to_owned() + &rows);
    let flags = ["--hidden", "12", "--epochs", "3", "--bins", "6", "--positive", "yes", "--threshold", "0.4"];
    desk.ends(0, &[&["train", "table.csv", "--device", "cpu", "-q", "-o", "run"], &flags[..]].concat())?;
    desk.ends(0, &["export", "run", "--format", "html", "-o", "page.html", "-q"])?;
    let tasks = json!([{ "page": place(&desk, "page.html"), "rows": cells(&(head.to_owned() + &rows), 4), "picture": picture("export-table")? }]);
    with(&desk, &tasks, |found| agree(&found[0], &predicted(&desk, "run", "rows.csv", &["--probabilities"])?))
}

fn regression_and_pad() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(
        0,
        &[
            "train",
            "wine-quality",
            "--task",
            "regression",
            "--hidden",
            "8",
            "--epochs",
            "2",
            "--device",
            "cpu",
            "-q",
            "-o",
            "run",
        ],
    )?;
    desk.ends(0, &["export", "run", "--format", "html", "-o", "quality.html", "-q"])?;
    desk.ends(0, &["train", "digits", "--hidden", "32", "--epochs", "10", "--device", "cpu", "-q", "-o", "digits"])?;
    desk.ends(0, &["export", "digits", "--format", "html", "-o", "digits.html", "-q"])?;
    let row = |row: u32| {
        (0..11).map(|column| format!("{}", f64::from((row * 7 + column * 5) % 19) / 8.0)).collect::<Vec<_>>().join(",")
            + "\n"
    };
    let told = desk.run(&["export", "run", "--format", "json", "-o", "-"]);
    let told: Value = serde_json::from_slice(&told.stdout)?;
    let inputs = told["encoding"]["inputs"].as_array().ok_or("inputs")?;
    let names: Vec<&str> = inputs.iter().filter_map(|input| input["name"].as_str()).collect();
    let text = names.join(",") + "\n" + &(0..20).map(row).collect::<String>();
    desk.write("rows.csv", &text);
    let tasks = json!([
        { "page": place(&desk, "quality.html"), "rows": cells(&text, names.len()) },
        { "page": place(&desk, "digits.html"), "draw": [[0.5, 0.1], [0.5, 0.9]], "picture": picture("export-digits")? },
    ]);
    with(&desk, &tasks, |found| {
        let said = found[0]["predictions"].as_array().ok_or("predictions")?;
        for (said, (prediction, _)) in said.iter().zip(predicted(&desk, "run", "rows.csv", &[])?) {
            let far = (numbers(&said["numbers"][0]["value"])[0] - prediction.parse::<f64>()?).abs();
            let allowed = BOUND * prediction.parse::<f64>()?.abs().max(1.0);
            check(far <= allowed, || format!("{said} is {far} from {prediction}"))?;
        }
        check(said.len() == 20, || format!("{} rows", said.len()))?;
        check(found[1]["shown"] == json!("1"), || format!("a stroke is {}", found[1]["shown"]))
    })
}

fn without_webgpu() -> Result<Completion, Failed> {
    let desk = Desk::new();
    desk.ends(0, &["lesson", "trask", "--play", "trask.html", "-q"])?;
    desk.ends(0, &["train", "iris", "--hidden", "4", "--epochs", "1", "--device", "cpu", "-q", "-o", "run"])?;
    desk.ends(0, &["export", "run", "--format", "html", "-o", "iris.html", "-q"])?;
    let task = |page: &str| json!({ "page": place(&desk, page), "without_webgpu": true });
    with(&desk, &json!([task("trask.html"), task("iris.html")]), |found| {
        for (result, part) in found.iter().zip(["0.00966449", "as usual"]) {
            let text = result["text"].as_str().unwrap_or_default();
            for part in ["This browser has no WebGPU", part] {
                check(text.contains(part), || format!("no '{part}' in:\n{text}"))?;
            }
            check(!text.contains("learning rate"), || format!("what cannot be used is there:\n{text}"))?;
        }
        Ok(())
    })
}

fn dispatches() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.ends(0, &["lesson", "trask-hidden", "--play", "page.html", "-q"])?;
    let [script, player] =
        ["tests/player.mjs", "src/browser/player.js"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let output = Command::new("node").arg(script).arg(player).arg(desk.path().join("page.html")).output()?;
    check(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (found, program, workgroups) = (list(&said["dispatches"]), list(&said["program"]), list(&said["workgroups"]));
    let labels: Vec<&str> = program.iter().filter_map(|dispatch| dispatch["label"].as_str()).collect();
    check(labels == ["forward 1", "forward 2, output", "delta 1", "update 2", "update 1"], || format!("{labels:?}"))?;
    check(found.len() == 2 * program.len(), || format!("{} dispatches", found.len()))?;
    for (place, dispatch) in found.iter().enumerate() {
        let (step, of) = (place / program.len(), place % program.len());
        let bindings = list(&program[of]["bindings"]);
        let column = |part: usize| json!(bindings.iter().map(|binding| binding[part].clone()).collect::<Vec<_>>());
        let expected = json!({
            "shader": program[of]["shader"], "buffers": column(0), "writes": column(1), "offset": 256 * step, "workgroups": workgroups[of],
        });
        for (field, expected) in expected.as_object().ok_or("fields")? {
            check(&dispatch[field] == expected, || {
                format!("dispatch {place}: {field} is {}, not {expected}", dispatch[field])
            })?;
        }
        check(dispatch["record"][0] == json!(7 + step), || {
            format!("dispatch {place}: the record of {}", dispatch["record"][0])
        })?;
    }
    Ok(())
}

fn pages() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String =
        (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 5, if row % 2 == 0 { "</script>" } else { "no" })).collect();
    desk.write("hostile.csv", "<script>alert(1)</script>,b&b,c\n".to_owned() + &rows);
    desk.ends(0, &["train", "hostile.csv", "--hidden", "3", "--epochs", "1", "--device", "cpu", "-q", "-o", "run"])?;
    desk.ends(0, &["export", "run", "--format", "html", "-q"])?;
    desk.ends(0, &["explain", "run", "hostile.csv", "--play", "own.html", "-q"])?;
    desk.ends(0, &["lesson", "plane", "--data", "hostile.csv", "--play", "plane-own.html", "-q"])?;
    desk.ends(0, &["lesson", "plane", "--play", "plane.html", "-q"])?;
    desk.ends(0, &["lesson", "trask-hidden", "--play", "lesson.html", "-q"])?;
    for page in ["run/model.html", "own.html", "plane-own.html", "plane.html", "lesson.html"] {
        let text = String::from_utf8(desk.bytes(page))?;
        check(text.len() < 300_000, || format!("{page} has {} bytes", text.len()))?;
        for wrong in ["<script>alert", "alert(1)</script>", "src=", "import ", "fetch(", "http://", "https://"] {
            check(!text.contains(wrong), || format!("'{wrong}' is in {page}"))?;
        }
        check(text.matches("<script").count() == 2 && text.matches("</script>").count() == 2, || {
            format!("{page}: two scripts")
        })?;
        // The plan's own WGSL is there.
        check(text.contains("fn begin(number: u32)") && text.contains("@compute"), || format!("{page}: no shader"))?;
    }
    Ok(())
}

fn refusals() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.ends(0, &["train", "digits", "--hidden", "4000,1000", "--epochs", "0", "--device", "cpu", "-q", "-o", "large"])?;
    let said = desk.ends(6, &["export", "large", "--format", "html"])?;
    check(said.contains("the page would have 21.7 MiB, and a browser is given 20.0 MiB at most"), || said)?;
    check(!desk.path().join("large/model.html").exists(), || "a page was left".into())?;
    desk.ends(0, &["train", "iris", "--hidden", "20", "--epochs", "0", "--device", "cpu", "-q", "-o", "wide"])?;
    let said = desk.ends(2, &["explain", "wide", "iris", "--units", "12", "--play", "page.html"])?;
    check(said.contains("a picture has room for 11 units"), || said)?;
    let said = desk.ends(2, &["lesson", "vanishing", "--play", "page.html"])?;
    check(said.contains("'vanishing' has no page to --play with"), || said)?;
    desk.write("three.csv", "a,b,c,d\n1,2,3,x\n2,3,4,y\n3,4,5,x\n");
    let said = desk.ends(3, &["lesson", "plane", "--data", "three.csv"])?;
    check(said.contains("needs two columns of numbers"), || said)
}
