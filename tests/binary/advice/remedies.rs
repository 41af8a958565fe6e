//! Remedies that messages name, followed one by one; and that no message with a flag is left out.

use std::fmt::Write;

use super::*;

/// What a command is refused for, or told, and what its message says to do.
struct Remedy {
    command: &'static str,
    told: &'static str,
    /// Commands as the message has them: they come to something else.
    followed: &'static [&'static str],
}

const fn remedy(command: &'static str, told: &'static str, followed: &'static [&'static str]) -> Remedy {
    Remedy { command, told, followed }
}

const REMEDIES: &[Remedy] = &[
    // Columns.
    remedy("train c.csv --target yy", "did you mean 'y'?", &["train c.csv --target y"]),
    remedy("data c.csv --ignore yy", "did you mean 'y'?", &["data c.csv --ignore y"]),
    remedy("train c.csv --weight-column aa", "did you mean 'a'?", &["train c.csv --weight-column a"]),
    remedy("train c.csv --target a --weight-column a", "this is the target", &["train c.csv --target a"]),
    remedy(
        "data c.csv --ignore y --target y",
        "both --target and --ignore",
        &["data c.csv --target y", "data c.csv --ignore y"],
    ),
    remedy("data c.csv --target y,y", "is --target twice", &["data c.csv --target y"]),
    remedy(
        "train kinds.csv --target a,b --task classification",
        "name one --target, or say --task regression",
        &["train kinds.csv --target a --task classification", "train kinds.csv --target a,b --task regression"],
    ),
    remedy("train who.csv", "looks like an id", &["train who.csv --ignore who", "train who.csv --categorical who"]),
    remedy(
        "train days.csv",
        "wgrad reads dates in ISO form alone",
        &["train days.csv --ignore day", "train days.csv --categorical day"],
    ),
    remedy("data days.csv", "dates that are not in ISO form", &["train days.csv --ignore day"]),
    remedy(
        "train marked.csv",
        "say --missing-values 0000-00-00",
        &["train marked.csv --missing-values 0000-00-00", "train marked.csv --ignore day"],
    ),
    remedy("train names.csv", "name another --target", &["train names.csv --target y"]),
    remedy("train dash.csv", "looks like an id", &["train dash.csv --ignore=-who", "train dash.csv --categorical=-who"]),
    remedy("train void.csv --missing mean", "say --ignore b", &["train void.csv --missing mean --ignore b"]),
    remedy("train inf.csv", "train without the column (--ignore)", &["train inf.csv --ignore b"]),
    remedy("data inf.csv", "train without the column (--ignore)", &["data inf.csv --ignore b"]),
    remedy("predict c inf.csv", "train without the column (--ignore)", &["train inf.csv --ignore b"]),
    remedy(
        "train gaps.csv --missing error",
        "train with --missing drop, mean, median or mode, or with --ignore b",
        &["train gaps.csv --missing drop", "train gaps.csv --missing mode", "train gaps.csv --ignore b"],
    ),
    remedy("predict strict gaps.csv", "train with --missing drop", &["train gaps.csv --missing median"]),
    remedy(
        "train gaps.csv",
        "(--missing median, mean or mode; drop leaves such rows out, and error refuses them)",
        &["train gaps.csv --missing median", "train gaps.csv --missing mean", "train gaps.csv --missing mode"],
    ),
    remedy("train n.csv --bins 4 --scale none", "goes with --scale standard", &["train n.csv --bins 4 --scale standard"]),
    remedy("train numbered.csv", "--ignore n leaves it out", &["train numbered.csv --ignore n"]),
    remedy("train holes.csv", "leaves such rows out with --missing drop", &["train holes.csv --missing drop"]),
    remedy("evaluate c holes.csv", "leaves such rows out with --missing drop", &["train holes.csv --missing drop"]),
    remedy(
        "train all-gaps.csv --missing drop",
        "--missing drop leaves no row",
        &["train all-gaps.csv --missing mean", "train all-gaps.csv --missing drop --ignore b"],
    ),
    remedy(
        "evaluate c c.csv --min log-loss=0.9",
        "lower is better: say --max log-loss=0.9",
        &["evaluate c c.csv --max log-loss=9"],
    ),
    remedy("evaluate c --delimiter tab", "leave out how a file is read, or --rows", &["evaluate c c.csv --delimiter ,"]),
    remedy(
        "train n.csv --split 0.5/0/0.5 --epochs 2 --learning-rate 0 --ensemble 1 --seed 5",
        "--learning-rate 0 learns nothing",
        &["train n.csv --split 0.5/0/0.5 --epochs 60 --learning-rate 0.01"],
    ),
    remedy("evaluate c new-class.csv", "name it with --target", &["train new-class.csv --target y"]),
    remedy(
        "train n.csv --split 0.5/0/0.5 --hidden 8,8,8 --activation sigmoid --optimizer sgd --epochs 20",
        "no better than always saying the mean; it has learnt nothing of the training rows: try another --learning-rate than",
        &["train n.csv --split 0.5/0/0.5 --hidden 8,8,8 --activation relu --optimizer adam --epochs 100"],
    ),
    remedy(
        "train n.csv --split 0.5/0/0.5 --learning-rate 100",
        "no better than always saying the mean; try a lower --learning-rate than 100",
        &["train n.csv --split 0.5/0/0.5 --learning-rate 0.01 --epochs 40"],
    ),
    remedy(
        "train n.csv",
        "scores of 6 test rows say little: --folds 5 tests with every row in turn",
        &["train n.csv --folds 5"],
    ),
    remedy("train many.csv --task classification", "say --task regression", &["train many.csv --task regression"]),
    remedy("train same.csv --target b", "name another --target", &["train same.csv --target y"]),
    remedy("train counts.csv", "say --task regression", &["train counts.csv --task regression"]),
    remedy("train same.csv", "(--ignore leaves columns out)", &["train same.csv --ignore b"]),
    remedy(
        "train rare.csv --split 0.8/0.1/0.1 --stratify=false",
        "(--stratify deals every class out alike)",
        &["train rare.csv --split 0.8/0.1/0.1 --stratify"],
    ),
    remedy(
        "train c.csv --threshold f1 --split 0.9/0/0.1",
        "set some apart (--split 0.8/0.1/0.1), or name a file of them (--validation FILE)",
        &["train c.csv --threshold f1 --split 0.8/0.1/0.1", "train c.csv --threshold f1 --validation c.csv"],
    ),
    remedy(
        "train seldom.csv --threshold f1 --seed 8 --stratify=false",
        "take more of them, as with --split 0.6/0.2/0.2",
        &[
            "train seldom.csv --threshold f1 --seed 8 --stratify",
            "train seldom.csv --threshold f1 --seed 8 --split 0.6/0.2/0.2",
        ],
    ),
    remedy("evaluate c no.csv --threshold f1", "name rows of both classes", &["evaluate c c.csv --threshold 0.5"]),
    remedy(
        "evaluate c c.csv --threshold f1",
        "on the very rows that it is judged by",
        &["evaluate c c.csv --threshold 0.5"],
    ),
    remedy("data counts.csv", "if its numbers are amounts: --task regression", &["data counts.csv --task regression"]),
    remedy("data few.csv", "if its numbers are classes: --task classification", &["data few.csv --task classification"]),
    remedy("data kinds.csv", "not for amounts: --categorical a", &["data kinds.csv --categorical a"]),
    remedy("data last-id.csv", "name another with --target", &["data last-id.csv --target b"]),
    remedy("data wide.csv", "--json lists them all", &["data wide.csv --json"]),
    remedy("train over.csv", "use --ignore", &["train over.csv --config over.toml"]),
    // Text files.
    remedy("data semicolon.csv", "say --delimiter ';'", &["data semicolon.csv --delimiter ';'"]),
    remedy("data tabs.csv", "say --delimiter '\\t'", &["data tabs.csv --delimiter '\\t'", "data tabs.csv --delimiter tab"]),
    remedy("data head.csv", "--no-header if its first line is a row", &["data head.csv --no-header"]),
    remedy("data spaces.txt", "if it is one column of text, say --delimiter ,", &["data spaces.txt --delimiter ,"]),
    remedy("data twice.csv", "if it is no header, say --no-header", &["data twice.csv --no-header"]),
    remedy(
        "data headless.csv",
        "are like the cells below them; if it is a row, say --no-header",
        &["data headless.csv --no-header"],
    ),
    remedy(
        "data half-a-header.csv",
        "names a column '0.5'; if it is a row, say --no-header",
        &["data half-a-header.csv --no-header"],
    ),
    remedy(
        "data comma.csv --delimiter ';'",
        "(--decimal . keeps them as text)",
        &["data comma.csv --delimiter ';' --decimal ."],
    ),
    remedy(
        "predict n one.csv",
        "say --decimal , or --thousands ,",
        &["predict n one.csv --decimal ,", "predict n one.csv --thousands ,"],
    ),
    remedy("data way1.csv --delimiter ';' --decimal .", "say --decimal ,", &["data way1.csv --delimiter ';' --decimal ,"]),
    remedy(
        "data comma.csv --delimiter ';' --decimal , --thousands ,",
        "group the digits of a number (--thousands) and stand before its decimals (--decimal)",
        &["data comma.csv --delimiter ';' --decimal ,", "data comma.csv --delimiter ';' --thousands ,"],
    ),
    remedy(
        "data prices.csv",
        "say --units '$' --decimal , or --units '$' --thousands ,",
        &["data prices.csv --units '$' --decimal ,", "data prices.csv --units '$' --thousands ,"],
    ),
    remedy("data prices.csv --units 5", "such as $ or kg", &["data prices.csv --units '$'"]),
    remedy("data way2.csv --decimal .", "say --thousands ,", &["data way2.csv --decimal . --thousands ,"]),
    remedy("data way3.csv --delimiter ';'", "say --thousands .", &["data way3.csv --delimiter ';' --thousands ."]),
    remedy("data way4.csv", "say --thousands space", &["data way4.csv --thousands space"]),
    remedy(
        "data way5.csv --delimiter ';' --decimal .",
        "say --decimal , --thousands space",
        &["data way5.csv --delimiter ';' --decimal , --thousands space"],
    ),
    remedy("data way6.csv", "say --thousands \"'\"", &["data way6.csv --thousands \"'\""]),
    remedy(
        "data way7.csv --delimiter ';' --decimal .",
        "say --decimal , --thousands \"'\"",
        &["data way7.csv --delimiter ';' --decimal , --thousands \"'\""],
    ),
    remedy("train c.csv --labels c.csv", "a table holds its target (--target COLUMN)", &["train c.csv --target y"]),
    remedy("train parts --labels c.csv", "they hold their target (--target COLUMN)", &["train parts --target y"]),
    remedy(
        "train pixels.npy --labels c.csv",
        "--labels takes an IDX or npy file",
        &["train pixels.npy --labels labels.npy"],
    ),
    remedy(
        "train pixels.npy",
        "images need their labels",
        &["train pixels.npy --labels labels.npy", "train pixels.npy --target 0"],
    ),
    remedy("train labelled.npz --labels labels.npy", "leave --labels out", &["train labelled.npz"]),
    remedy("train c.csv --validation-labels labels.npy", "goes with a file of images", &["train c.csv"]),
    remedy("data far.npy", "train without the column (--ignore 1)", &["data far.npy --ignore 1"]),
    // Shares.
    remedy("train n.csv --split 0.001/0.999/0", "change --split", &["train n.csv --split 1/0/0"]),
    remedy("train c.csv --folds 100", "a smaller number (--folds)", &["train c.csv --folds 3"]),
    remedy(
        "train two.csv --folds 2 --fold 1 --split 0.1/0.9/0",
        "change --split",
        &["train two.csv --folds 2 --fold 1 --split 1/0/0"],
    ),
    remedy(
        "train lone.csv --folds 2 --fold 1",
        "--stratify=false deals all rows out",
        &["train lone.csv --folds 2 --fold 1 --stratify=false"],
    ),
    remedy("train c.csv --fold 1", "of how many (--folds NUMBER)?", &["train c.csv --fold 1 --folds 3"]),
    remedy(
        "train c.csv --folds 3 --test c.csv",
        "leave one of the two out",
        &["train c.csv --folds 3", "train c.csv --test c.csv"],
    ),
    remedy("train c.csv --folds 1", "two at least", &["train c.csv --folds 2"]),
    remedy("train c.csv --folds 3 --fold 9", "there are the folds 1 to 3", &["train c.csv --folds 3 --fold 3"]),
    remedy(
        "train c.csv --folds 3 --split 0.8/0.1/0.1",
        "make its last share 0",
        &["train c.csv --folds 3 --split 0.9/0.1/0"],
    ),
    remedy(
        "train c.csv --test c.csv --split 0.8/0.1/0.1",
        "make that share 0",
        &["train c.csv --test c.csv --split 0.9/0.1/0", "train c.csv --test c.csv", "train c.csv --split 0.8/0.1/0.1"],
    ),
    remedy("train - --folds 3", "name a file", &["train c.csv --folds 3"]),
    remedy("train c.csv --memory 1MiB --labels labels.npy", "a table holds its target", &["train c.csv --memory 1MiB"]),
    remedy("train iris --memory 1MiB", "whatever --memory says", &["train c.csv --memory 1MiB"]),
    // The network, and how it is trained.
    remedy(
        "train c.csv --hidden 4,4 --activation relu,relu,relu",
        "name one for all",
        &["train c.csv --hidden 4,4 --activation relu"],
    ),
    remedy(
        "train c.csv --activation softmax",
        "(--output-activation softmax)",
        &["train c.csv --output-activation softmax"],
    ),
    remedy(
        "train n.csv --loss cross-entropy",
        "leave it out, or say --task classification",
        &["train n.csv", "train n.csv --loss cross-entropy --task classification"],
    ),
    remedy(
        "train c.csv --output-activation softmax --loss squared-error",
        "goes with --loss cross-entropy",
        &["train c.csv --output-activation softmax --loss cross-entropy"],
    ),
    remedy(
        "train c.csv --output-activation softmax --loss binary-cross-entropy",
        "needs --output-activation sigmoid",
        &["train c.csv --output-activation sigmoid --loss binary-cross-entropy"],
    ),
    remedy(
        "train n.csv --output-activation sigmoid --scale standard",
        "(--scale minmax), or take --output-activation identity",
        &[
            "train n.csv --output-activation sigmoid --scale minmax",
            "train n.csv --output-activation identity --scale standard",
        ],
    ),
    remedy("train c.csv --set patience=0", "at least 1", &["train c.csv --set patience=1"]),
    remedy("train c.csv --min-delta 0.1", "goes with --patience", &["train c.csv --min-delta 0.1 --patience 3"]),
    remedy("train c.csv --set keep-checkpoints=5000", "at most 100", &["train c.csv --set keep-checkpoints=100"]),
    remedy("train c.csv --loss-scale 2", "goes with --precision mixed", &["train c.csv --loss-scale 2 --precision mixed"]),
    remedy(
        "train c.csv --loss-scale 3 --precision mixed",
        "a power of two",
        &["train c.csv --loss-scale 4 --precision mixed"],
    ),
    remedy("train c.csv --set accumulate=0", "at least 1", &["train c.csv --set accumulate=1"]),
    remedy(
        "train c.csv --batch-size 4 --accumulate 9",
        "a micro-batch at least one",
        &["train c.csv --batch-size 4 --accumulate 4"],
    ),
    remedy(
        "train c.csv --clip-norm 1 --clip-value 1",
        "clipped in one way",
        &["train c.csv --clip-norm 1", "train c.csv --clip-value 1"],
    ),
    remedy("train c.csv --freeze 9", "the network has the layers 1 to 2", &["train c.csv --freeze 1"]),
    remedy("train c.csv --freeze 1,2", "no layer is left", &["train c.csv --freeze 1"]),
    remedy("train c.csv --layer-rates 1,1,1", "name one for each", &["train c.csv --layer-rates 1,1"]),
    remedy("train c.csv --layer-rates 1e39,1", "beyond what single precision holds", &["train c.csv --layer-rates 2,1"]),
    remedy("train c.csv --hidden none --dropout 0.5", "there are none", &["train c.csv --dropout 0.5"]),
    remedy(
        "train c.csv --hidden 4,4 --dropout 0.1,0.1,0.1",
        "name one for all",
        &["train c.csv --hidden 4,4 --dropout 0.1"],
    ),
    remedy("train n.csv --huber-delta 2", "goes with --loss huber", &["train n.csv --huber-delta 2 --loss huber"]),
    remedy("train n.csv --loss huber --huber-delta 0", "a number above 0", &["train n.csv --loss huber --huber-delta 2"]),
    remedy("train n.csv --label-smoothing 0.1", "goes with cross-entropy", &["train c.csv --label-smoothing 0.1"]),
    remedy(
        "train c.csv --momentum 0.5",
        "goes with --optimizer momentum or nesterov",
        &["train c.csv --momentum 0.5 --optimizer momentum"],
    ),
    remedy(
        "train c.csv --optimizer sgd --beta1 0.5",
        "goes with --optimizer adam or adamw",
        &["train c.csv --beta1 0.5 --optimizer adam"],
    ),
    remedy(
        "train c.csv --optimizer momentum --beta2 0.5",
        "goes with --optimizer adam, adamw or rmsprop",
        &["train c.csv --beta2 0.5 --optimizer rmsprop"],
    ),
    remedy("train c.csv --step-every 3", "goes with --schedule step", &["train c.csv --step-every 3 --schedule step"]),
    remedy(
        "train c.csv --step-factor 0.3",
        "goes with --schedule step or plateau",
        &["train c.csv --step-factor 0.3 --schedule plateau"],
    ),
    remedy(
        "train c.csv --plateau-patience 3",
        "goes with --schedule plateau",
        &["train c.csv --plateau-patience 3 --schedule plateau"],
    ),
    remedy(
        "train n.csv --class-weights balanced",
        "--class-weights is for classification",
        &["train c.csv --class-weights balanced"],
    ),
    remedy("train c.csv --class-weights yess=2", "did you mean 'yes'?", &["train c.csv --class-weights yes=2"]),
    remedy("train q.csv --class-weights 1=2,1.0=2", "twice; name it once", &["train q.csv --class-weights 1=2"]),
    remedy("train c.csv --set epochs", "write KEY=VALUE", &["train c.csv --set epochs=2"]),
    remedy("train c.csv --set epoch=2", "did you mean 'epochs'?", &["train c.csv --set epochs=2"]),
    remedy(
        "train c.csv --precision f64 --device gpu",
        "for --device cpu only",
        &["train c.csv --precision f64 --device cpu"],
    ),
    remedy(
        "train n.csv --optimizer sgd --learning-rate 1e30",
        "try a lower --learning-rate",
        &["train n.csv --optimizer sgd --learning-rate 0.01"],
    ),
    remedy(
        "train big.csv --scale none --activation sigmoid",
        "try --scale standard",
        &["train big.csv --scale standard --activation sigmoid"],
    ),
    remedy(
        "train c.csv --activation sigmoid --hidden 8,8,8,8,8,8,8,8,8,8,8,8,8",
        "try --activation relu",
        &["train c.csv --activation relu --hidden 8,8,8"],
    ),
    remedy(
        "train c.csv --epochs 1000000 --max-time 0.2s -o long",
        "ended by --max-time",
        &["train --resume long --max-time 60s --patience 1"],
    ),
    // Going on.
    remedy("train c.csv --new-output", "goes with --finetune MODEL", &["train c.csv --new-output --finetune c"]),
    remedy(
        "train c.csv --finetune c --target y",
        "--new-output draws the last layer anew",
        &["train c.csv --finetune c --target y --new-output"],
    ),
    remedy(
        "train c.csv --finetune c --missing mean",
        "drop leaves such rows out",
        &["train c.csv --finetune c --missing drop"],
    ),
    remedy("train c.csv --finetune c --hidden 4", "--init MODEL takes weights alone", &["train c.csv --init c --hidden 4"]),
    remedy("train c.csv --finetune c --weight-column a", "is an input of the model", &["train c.csv --finetune c"]),
    remedy(
        "train c.csv --finetune c --new-output --target a",
        "is an input of the model",
        &["train c.csv --finetune c --new-output --target y"],
    ),
    remedy(
        "train c.csv --init bare.safetensors --hidden 8",
        "--hidden 4 would fit",
        &["train c.csv --init bare.safetensors --hidden 4"],
    ),
    remedy(
        "train c.csv --init bare.safetensors --hidden 4 --no-bias",
        "leave --no-bias out",
        &["train c.csv --init bare.safetensors --hidden 4"],
    ),
    remedy(
        "train c.csv --init unbiased.safetensors --hidden 4",
        "give --no-bias",
        &["train c.csv --init unbiased.safetensors --hidden 4 --no-bias"],
    ),
    remedy(
        "train c.csv --finetune c --ensemble 2",
        "starts from 8 networks; leave --ensemble out",
        &["train c.csv --finetune c"],
    ),
    remedy(
        "train c.csv --ensemble 1000 --hidden 6000,6000 --epochs 1",
        "there is no memory for 1000 networks of 36030001000 parameters in all; take a smaller --ensemble",
        &["train c.csv --ensemble 2 --hidden 10,10 --epochs 1"],
    ),
    remedy("train c.csv --ensemble 5000 --epochs 1", "or a smaller --ensemble", &["train c.csv --ensemble 50 --epochs 1"]),
    remedy("train --resume far", "all 2 epochs are done; ", &["train --resume far --epochs 4"]),
    remedy("train --resume idle", "ended after 1 epoch without a better loss; ", &["train --resume idle --patience 2"]),
    remedy("train --resume c --epochs 1", "has done 2 already", &["train --resume c --epochs 3"]),
    remedy("train --resume c --seed 9", "start a new one (without --resume)", &["train c.csv --seed 9"]),
    remedy("train --resume lost", "train again (without --resume)", &["train c.csv"]),
    remedy("train --resume folds/fold-2 --folds 2", "name its folder", &["train --resume folds/fold-2 --epochs 3"]),
    remedy("evaluate unfinished c.csv", "wgrad train --resume unfinished goes on", &["train --resume unfinished"]),
    // What other programs call it.
    remedy("train c.csv --random-state 3", "wgrad calls it --seed", &["train c.csv --seed 3"]),
    remedy("train c.csv --test-size 0.2", "wgrad calls it --split 0.8/0/0.2", &["train c.csv --split 0.8/0/0.2"]),
    // Comparing.
    remedy("runs . --metric aux", "did you mean 'auc'?", &["runs . --metric auc"]),
    // Applying, exporting, importing.
    remedy("evaluate c c.csv --precision mixed", "is for training", &["evaluate c c.csv --precision f32"]),
    remedy(
        "predict n n.csv --probabilities",
        "is for classification",
        &["predict n n.csv", "predict c c.csv --probabilities"],
    ),
    remedy("export c --format npz --plain -o x.npz", "are for --format onnx", &["export c --format onnx --plain -o x.onnx"]),
    remedy(
        "export c --format json -o - --json",
        "both write to stdout",
        &["export c --format json -o x.json --json", "export c --format json -o -"],
    ),
    remedy(
        "export far --format onnx -o far.onnx",
        "--input-type double keeps them",
        &["export far --format onnx -o far.onnx --input-type double"],
    ),
    remedy(
        "export wide-codes --format onnx -o w.onnx",
        "use --input-type double",
        &["export wide-codes --format onnx -o w.onnx --input-type double"],
    ),
    remedy(
        "import full.onnx -o m.safetensors",
        "wgrad export --format onnx --plain",
        &["export c --format onnx --plain -o full.onnx"],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors",
        "say --activation",
        &["import bare.safetensors -o m.safetensors --activation relu"],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors --activation relu",
        "say --output-activation",
        &["import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid"],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors --activation relu,relu --output-activation sigmoid",
        "--activation names 2",
        &["import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid"],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors --activation relu --output-activation softmax",
        "is --output-activation sigmoid meant?",
        &["import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid"],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid --task regression --classes p,q",
        "goes with --task classification",
        &[
            "import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid --task classification --classes p,q",
        ],
    ),
    remedy(
        "import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid --columns y,z --target y",
        "--columns, --target and --classes name them otherwise",
        &["import bare.safetensors -o m.safetensors --activation relu --output-activation sigmoid --columns p,q --target y"],
    ),
    remedy(
        "import plain.onnx -o m.safetensors --activation relu",
        "an ONNX file says its own",
        &["import plain.onnx -o m.safetensors"],
    ),
    remedy(
        "import three.safetensors -o m.safetensors --activation relu --output-activation sigmoid",
        "if each says yes or no by itself, say --task regression",
        &["import three.safetensors -o m.safetensors --activation relu --output-activation sigmoid --task regression"],
    ),
    remedy(
        "evaluate bare.safetensors c.csv",
        "wgrad train DATA --init bare.safetensors",
        &["train c.csv --init bare.safetensors --hidden 4"],
    ),
    remedy(
        "evaluate damaged.safetensors c.csv",
        "train again with a smaller --learning-rate",
        &["train c.csv --learning-rate 0.0001"],
    ),
    // Lessons.
    remedy("lesson --seeds 3", "go with a lesson's name", &["lesson trask --seeds 3"]),
    remedy("lesson trask --seeds 3", "--seeds is for the lesson", &["lesson trask"]),
    remedy("lesson trask --data c.csv", "has its own data", &["lesson trask"]),
    remedy("lesson trask --precision mixed", "compute in f32 or f64", &["lesson trask --precision f64"]),
    remedy("lesson admissions", "wgrad lesson admissions --data FILE", &["lesson admissions --data c.csv"]),
    remedy("lesson udacity-step --compare", "has no alternatives to --compare", &["lesson trask --compare"]),
    remedy("lesson loy --compare --seeds 2", "are two questions", &["lesson loy --compare", "lesson loy --seeds 2"]),
    remedy("lesson loy --seeds 0", "from 1 on", &["lesson loy --seeds 1"]),
    // One row, explained.
    remedy("explain c c.csv --row 61", "--row 61: there are the rows 1 to 60 in c.csv", &["explain c c.csv --row 60"]),
    remedy("explain small c.csv --epoch 7", "its first weights (--epoch 0)", &["explain small c.csv --epoch 0"]),
    remedy("explain small c.csv --weight 3,1,1", "--weight: there is no layer 3", &["explain small c.csv --weight 2,1,1"]),
    remedy(
        "explain c/model.safetensors c.csv --units 12 --html e.html",
        "say --units 11 or fewer for a page",
        &["explain c/model.safetensors c.csv --units 11 --html e.html"],
    ),
    remedy(
        "explain c c.csv --units 12 --play e.html",
        "say --units 11 or fewer",
        &["explain c c.csv --units 11 --play e.html"],
    ),
    remedy("explain trask --epoch 10001", "takes 10000 steps", &["explain trask --epoch 10000"]),
    remedy("explain c c.csv --html -", "a page goes into a file", &["explain c c.csv --html page.html"]),
    remedy(
        "explain c c.csv --html e.html --play e.html",
        "cannot be both pages",
        &["explain c c.csv --html e.html --play f.html"],
    ),
    remedy("lesson vanishing --play e.html", "has no page to --play with", &["lesson trask --play e.html"]),
    remedy(
        "train c.csv --folds 3 --fold 1 --split 0.8/0.1/0.1",
        "make the middle share 0",
        &["train c.csv --folds 3 --fold 1 --split 0.9/0/0.1"],
    ),
    remedy(
        "sweep iris --hidden 4 --epochs 2 --vary optimizer=adam",
        "there is one point to try",
        &["sweep iris --hidden 4 --epochs 2 --vary optimizer=adam/sgd"],
    ),
    remedy(
        "sweep iris --hidden 4 --epochs 2 --vary l1=0..0.1 --search grid",
        "write l1=0..0.1:5 for five",
        &["sweep iris --hidden 4 --epochs 2 --vary l1=0..0.1:5 --search grid"],
    ),
    remedy(
        "sweep iris --hidden 4 --epochs 2 --vary l1=0.1..0",
        "did you mean 0..0.1?",
        &["sweep iris --hidden 4 --epochs 2 --vary l1=0..0.1"],
    ),
    remedy(
        "sweep iris --hidden 4 --epochs 2 --vary l1=0..0.1 --trials 8 --search halving --shard 1/2",
        "take --search random or grid",
        &["sweep iris --hidden 4 --epochs 2 --vary l1=0..0.1 --trials 8 --search random --shard 1/2"],
    ),
    remedy("explain trask --row 5", "has the rows 1 to 4", &["explain trask --row 4"]),
    // Several networks.
    remedy("explain small c.csv --member 2", "--member 2: the model has one network", &["explain small c.csv --member 1"]),
    remedy("explain trask --member 2", "--member: a lesson trains one network", &["explain trask"]),
    remedy("predict small c.csv --spread", "train several (train --ensemble 8)", &["train c.csv --ensemble 8"]),
];

/// Messages that no file and command line provoke everywhere, by a part of each, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (" --stratify=false", "tests/binary/first.rs"),
    ("--split {} --split-seed", "tests/binary/first.rs"),
    ("the table is too small for some", "tests/binary/two_classes.rs"),
    ("threads cannot be started, only", "of a system that gives no threads: tests/binary/attacks.rs"),
    ("memory ended on the way", "of a system that gives no memory: tests/binary/attacks.rs"),
    ("the validation loss is no longer finite", "tests/binary/attacks.rs"),
    ("matrix units", "a GPU"),
    ("this device's buffers hold", "a GPU"),
    ("--device-memory allows", "a GPU"),
    ("this device allows", "a GPU"),
    ("are allowed: ", "a GPU"),
    ("has no memory left for", "a GPU"),
    ("what --precision mixed holds", "a GPU"),
    ("use --device cpu", "a GPU, or none"),
    ("take fewer networks (--ensemble, or --replicas of bench) or smaller hidden layers", "a GPU"),
    ("do not train on it (--device cpu)", "a GPU that computes wrongly"),
    ("names no GPU, and the CPU is what", "wgrad verify"),
    ("in the time of --quick", "wgrad verify"),
    ("--tune goes with a GPU", "wgrad bench"),
    ("there is no memory for", "memory"),
    ("there is no memory to try how long to train", "memory"),
    ("it holds the weights of", "tests/binary/sweep.rs"),
    ("the model was one of {was} networks", "a model that somebody changed meanwhile"),
    ("(--member N takes another)", "no remedy: what an explanation says"),
    ("ended by a signal in fold", "a signal"),
    ("ended at once; wgrad train --resume", "a second signal: tests/binary/terminal.rs"),
    ("the gradients of the first layer are all 0", "a chance that differs by machine"),
    ("while the training loss falls", "a long training: src/training/run/signs.rs"),
    ("; --patience {patience} keeps the best", "a long training: tests/binary/terminal.rs"),
    ("far above the {} of a network", "src/training/run/signs.rs"),
    ("makes rare classes count as much", "src/training/run/signs.rs"),
    ("fewer --epochs or more rows may help", "src/training/run/signs.rs"),
    ("Run one with: wgrad lesson NAME", "no message: a list"),
    ("what was saved last goes on with", "a failing disk"),
    ("has a factor for each of at most", "hundreds of layers"),
    ("has a share for each of at most", "hundreds of layers"),
    ("which no input of an ONNX graph may have", "no reader gives a column an empty name"),
    ("these rows do not tell it", "no remedy but more rows: tests/binary/attention.rs"),
    ("columns of less importance", "no remedy: where the rest of a list is"),
    ("next: wgrad predict", "no remedy: what may come next"),
    ("(6-2-1, 360 rows", "no message: a list"),
    ("Why the steps are averaged", "its data are not here"),
    ("Why the product X.T times delta", "no remedy: what a program says"),
    ("No seed, so no two runs are alike", "no remedy: what a program says"),
    ("Trask's four rows", "no remedy: what a program says"),
    ("Why nobody noticed", "no remedy: what a program says"),
    ("wgrad lesson trask --compare", "no message: a list"),
    ("wgrad lesson plane --play", "no message: a list, and prose"),
    ("export a smaller model, or another --format", "tests/binary/browser.rs"),
    ("The targets are smoothed as in training", "no message: what was said"),
    ("so wgrad does not know what its training started from", "tests/binary/explain.rs"),
    ("wgrad lesson trask-hidden --compare", "no message: a list"),
    ("wgrad lesson loy --compare", "no message: a list"),
    ("cargo install", "builds without Parquet alone"),
    ("go on where the run began", "tests/binary/meaning.rs moves a run"),
    ("devices --dump-shaders", "no message: a name in JSON"),
    ("train --dry-run", "no message: a name in JSON"),
    ("'wgrad verify' tells more", "a GPU that computes wrongly"),
    ("--set: {}", "what no single option is refused for"),
    ("makes one model of the best ones", "tests/binary/sweep.rs"),
    ("or from one --init FILE", "tests/binary/sweep.rs"),
    ("is a sweep: 'wgrad sweep --resume", "tests/binary/sweep.rs"),
    ("holds a sweep already", "tests/binary/sweep.rs"),
    ("is a sweep that has no best run yet", "tests/binary/sweep.rs"),
    (", ended by --stop-after", "tests/binary/sweep.rs"),
    ("were done, as --stop-after says", "tests/binary/sweep.rs"),
];

/// What the remedies are followed with.
fn prepare(desk: &Desk) -> Outcome {
    let d = drawn;
    let class = |row: usize| if d(row, 0) > 0.5 { "yes" } else { "no" };
    let two = |row: usize| format!("{:.3},{:.3}", d(row, 0), d(row, 1));
    for (name, text) in [
        ("c.csv", rows("a,b,y", 60, |row| format!("{},{}", two(row), class(row)))),
        ("n.csv", rows("a,y", 60, |row| format!("{:.3},{:.3}", d(row, 0), 2.0 * d(row, 0) - 1.0))),
        ("q.csv", rows("a,y", 60, |row| format!("{:.3},{}", d(row, 0), row % 2))),
        (
            "days.csv",
            rows("day,a,y", 150, |row| format!("{}/{}/2024,{:.3},{}", row % 5 + 1, row % 9 + 1, d(row, 0), class(row))),
        ),
        (
            "marked.csv",
            rows("day,a,y", 300, |row| {
                let (month, day) = if row % 50 == 7 { (0, 0) } else { (row % 5 + 1, row % 9 + 1) };
                let year = if day == 0 { 0 } else { 2024 };
                format!("{year:04}-{month:02}-{day:02},{:.3},{}", d(row, 0), class(row))
            }),
        ),
        ("names.csv", rows("a,y,name", 150, |row| format!("{:.3},{},name{row}", d(row, 0), class(row)))),
        ("who.csv", rows("who,a,y", 150, |row| format!("name{row},{:.3},{}", d(row, 0), class(row)))),
        ("dash.csv", rows("-who,a,y", 150, |row| format!("name{row},{:.3},{}", d(row, 0), class(row)))),
        ("void.csv", rows("a,b,y", 60, |row| format!("{:.3},,{}", d(row, 0), class(row)))),
        (
            "inf.csv",
            rows("a,b,y", 60, |row| format!("{:.3},{},{}", d(row, 0), if row == 7 { "inf" } else { "1" }, class(row))),
        ),
        (
            "gaps.csv",
            rows("a,b,y", 60, |row| format!("{:.3},{},{}", d(row, 0), if row % 9 == 0 { "" } else { "1.5" }, class(row))),
        ),
        ("numbered.csv", rows("n,a,y", 60, |row| format!("{},{:.3},{}", 900 + row, d(row, 0), class(row)))),
        ("holes.csv", rows("a,b,y", 60, |row| format!("{},{}", two(row), if row % 9 == 0 { "" } else { class(row) }))),
        (
            "all-gaps.csv",
            rows("a,b,c,y", 60, |row| {
                format!("{:.3},{},{:.3},{}", d(row, 0), if row < 59 { "" } else { "1.5" }, d(row, 3), class(row))
            })
            .replace(&format!("{:.3},1.5", d(59, 0)), ",1.5"),
        ),
        ("new-class.csv", rows("a,b,y", 60, |row| format!("{},{}", two(row), if row == 59 { "maybe" } else { class(row) }))),
        ("many.csv", rows("a,y", 13_000, |row| format!("{:.3},{row}", d(row, 0)))),
        ("same.csv", rows("a,b,y", 60, |row| format!("{:.3},7,{}", d(row, 0), class(row)))),
        ("counts.csv", rows("a,visits", 90, |row| format!("{:.3},{}", d(row, 0), (d(row, 0) * 6.0) as usize))),
        ("few.csv", rows("a,visits", 30, |row| format!("{:.3},{}", d(row, 0), row % 9))),
        ("kinds.csv", rows("a,b,y", 90, |row| format!("{},{:.3},{}", row % 3, d(row, 1), class(row)))),
        ("last-id.csv", rows("a,b,id", 60, |row| format!("{},{row}", two(row)))),
        ("rare.csv", rows("a,b,y", 90, |row| format!("{},{}", two(row), if row % 30 == 1 { "rare" } else { class(row) }))),
        (
            "wide.csv",
            rows(&(0..60).map(|place| format!("c{place}")).collect::<Vec<_>>().join(","), 20, |row| {
                (0..60).map(|column| format!("{:.2}", d(row, column))).collect::<Vec<_>>().join(",")
            }),
        ),
        (
            "over.csv",
            rows(&(0..100_000).map(|place| format!("c{place}")).collect::<Vec<_>>().join(","), 12, |row| {
                (0..100_000).map(|column| ((row + column) % 7).to_string()).collect::<Vec<_>>().join(",")
            }),
        ),
        (
            "over.toml",
            format!("ignore = [{}]\n", (0..99_000).map(|place| format!("\"c{place}\"")).collect::<Vec<_>>().join(", ")),
        ),
        ("two.csv", "a,y\n1,2.5\n2,3.5\n".to_owned()),
        ("semicolon.csv", rows("a;y", 60, |row| format!("{:.3};{}", d(row, 0), class(row)))),
        ("tabs.csv", rows("a\ty", 60, |row| format!("{:.3}\t{}", d(row, 0), class(row)))),
        ("head.csv", "1.5,2.5,a\n".to_owned()),
        ("twice.csv", rows("1,2,1", 60, |row| format!("{},{}", two(row), row % 2))),
        ("headless.csv", rows("0.5,1,A", 60, |row| format!("{:.1},{},{}", d(row, 0), row % 4, ["A", "B"][row % 2]))),
        ("half-a-header.csv", rows("0.5,n,y", 60, |row| format!("{:.1},{},{}", d(row, 0), row % 4, class(row)))),
        ("comma.csv", rows("a;y", 60, |row| format!("{:.2};{}", d(row, 0), class(row)).replace('.', ","))),
        ("no.csv", rows("a,b,y", 5, |row| format!("{},no", two(row)))),
        ("seldom.csv", rows("a,b,y", 100, |row| format!("{},{}", two(row), if row % 10 == 1 { "yes" } else { "no" }))),
        ("one.csv", "a\n\"1,234\"\n".to_owned()),
        ("way1.csv", rows("a;y", 60, |row| format!("{:.2};{}", d(row, 0), class(row)).replace('.', ","))),
        ("way2.csv", rows("a,y", 60, |row| format!("\"1,{:03}.5\",{}", row * 7, class(row)))),
        ("prices.csv", rows("a,y", 60, |row| format!("\"${},{:03}\",{}", 1 + row % 5, row * 7, class(row)))),
        ("way3.csv", rows("a;b", 60, |row| format!("{},5;1.{:03}", row % 9, row * 7))),
        ("way4.csv", rows("a,y", 60, |row| format!("1 {:03},{}", row * 7, class(row)))),
        ("way5.csv", rows("a;y", 60, |row| format!("1 {:03},5;{}", row * 7, class(row)))),
        ("way6.csv", rows("a,y", 60, |row| format!("1'{:03},{}", row * 7, class(row)))),
        ("way7.csv", rows("a;y", 60, |row| format!("1'{:03},5;{}", row * 7, class(row)))),
        ("parts/1.csv", rows("a,y", 30, |row| format!("{:.3},{}", d(row, 0), class(row)))),
        ("parts/2.csv", rows("a,y", 30, |row| format!("{:.3},{}", d(row, 1), class(row)))),
        ("spaces.txt", rows(" a   y", 60, |row| format!(" {:.3}   {}", d(row, 0), class(row)))),
        ("lone.csv", rows("a,y", 4, |row| format!("{:.3},k{row}", d(row, 0)))),
        ("big.csv", rows("a,b,y", 60, |row| format!("{:.1},{:.1},{}", 1e6 * d(row, 0), 1e6 * d(row, 1), class(row)))),
        ("far.csv", rows("a,y", 60, |row| format!("{:.1},{:.3}", 1e9 + d(row, 0), d(row, 0)))),
        (
            "codes.csv",
            rows("id,x,y", 90, |row| {
                format!("{},{:.3},{:.3}", ["16777217", "16777216", "7"][row % 3], d(row, 0), d(row, 1))
            }),
        ),
    ] {
        desk.write(name, text);
    }
    let array = |kind: &str, shape: &str, bytes: &[u8]| {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        header += &" ".repeat(63 - (header.len() + 10) % 64);
        header.push('\n');
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
    };
    let pixels = array("|u1", "(40, 2, 2)", &(0..160).map(|pixel| (drawn(pixel, 0) * 255.0) as u8).collect::<Vec<_>>());
    let labels = array("|u1", "(40,)", &(0..40).map(|row| row % 2).collect::<Vec<u8>>());
    let far: Vec<u8> = (0..80).flat_map(|cell| if cell == 9 { f64::MAX } else { drawn(cell, 0) }.to_le_bytes()).collect();
    desk.write("far.npy", array("<f8", "(20, 4)", &far));
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in [("x.npy", &pixels), ("y.npy", &labels)] {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        std::io::Write::write_all(&mut archive, bytes)?;
    }
    desk.write("labelled.npz", archive.finish()?.into_inner());
    desk.write("pixels.npy", pixels);
    desk.write("labels.npy", labels);
    for command in [
        "train c.csv -o c",
        "train c.csv --missing error -o strict",
        "train n.csv -o n",
        "train c.csv --hidden 4 -o small",
        "train c.csv --hidden 4 --no-bias -o unbiased",
        "train far.csv -o far",
        "train codes.csv --categorical id -o wide-codes",
        "train c.csv --folds 2 -o folds",
        "train c.csv -o lost",
        "train c.csv --epochs 50 --patience 1 --learning-rate 0 -o idle",
        "train c.csv --checkpoint-every 1 -o unfinished",
        "export small --format safetensors -o bare.safetensors",
        "export unbiased --format safetensors -o unbiased.safetensors",
        "export c --format onnx -o full.onnx",
        "train iris --hidden 4 -o three",
        "export three --format safetensors -o three.safetensors",
        "export c --format onnx --plain -o plain.onnx",
    ] {
        done(desk, &whole(command))?;
    }
    let mut damaged = desk.bytes("c/model.safetensors");
    let end = damaged.len() - 4;
    damaged[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    desk.write("damaged.safetensors", damaged);
    desk.shell("rm lost/checkpoint* unfinished/model.safetensors")
}

/// Flags that a command may be followed with although its message names others: where its options are, and what makes it end.
const FREE: [&str; 4] = ["--config", "--epochs", "--hidden", "--patience"];

/// A command as it is run: trainings are short, and leave their folder to the next.
fn whole(command: &str) -> String {
    let mut all = format!("wgrad {command}");
    if command.starts_with("train") {
        all += " -q";
        for (flag, value) in [("--device", "cpu"), ("--epochs", "2"), ("-o", "out")] {
            let is_said = command.split(' ').any(|word| word == flag) || command.contains("--resume") && flag != "--device";
            if !is_said {
                let _ = write!(all, " {flag} {value}");
            }
        }
        all = format!("rm -rf out; {all}");
    }
    all
}

pub(super) fn each_remedy_can_be_followed() -> Outcome {
    let desk = Desk::new();
    prepare(&desk)?;
    let (mut heard, mut wrong) = (Vec::new(), Vec::new());
    for Remedy { command, told, followed } in REMEDIES {
        let refused = match said(&desk, &whole(command)) {
            Ok(refused) => refused,
            Err(failed) => {
                wrong.push(format!("{failed:?}"));
                continue;
            }
        };
        if !refused.text.contains(told) {
            wrong.push(format!("'{command}' does not say '{told}': {}", refused.text));
        }
        for follow in *followed {
            let known: Vec<String> =
                flags_of(command).into_iter().chain(flags_of(&refused.text)).map(|(_, flag)| flag).collect();
            let unsaid =
                flags_of(follow).into_iter().find(|(_, flag)| !known.contains(flag) && !FREE.contains(&flag.as_str()));
            if let (Some((_, flag)), true) = (unsaid, refused.text.contains("--")) {
                wrong.push(format!("'{command}' does not say {flag}: {}", refused.text));
            }
            match said(&desk, &whole(follow)) {
                Ok(after) if after.text.contains(told) => wrong.push(format!("'{follow}' is no remedy: {}", after.text)),
                Ok(after) => heard.push(after.text),
                Err(failed) => wrong.push(format!("{failed:?}")),
            }
        }
        heard.push(refused.text);
    }
    wrong.extend(unheard(&heard.join("\n"))?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// The messages of the source that name a flag and were not printed.
fn unheard(heard: &str) -> Outcome<Vec<String>> {
    let (mut missing, mut left_out) = (Vec::new(), BTreeSet::new());
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // What a sweep says is provoked in tests/binary/sweep.rs.
            if path.is_dir() && !["bench", "kernels", "page", "report", "sweep"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(".rs") && !["tests.rs", "man.rs", "sweep.rs"].contains(&name.as_str()) {
                let text = std::fs::read_to_string(&path)?;
                let code = text.split("mod tests {").next().unwrap_or_default();
                let is_message =
                    |text: &String| !flags_of(text).is_empty() && text.contains(' ') && !text.contains("Example");
                for message in literals(code).into_iter().filter(is_message) {
                    let is_left_out = LEFT_OUT.iter().find(|(part, _)| message.contains(part));
                    left_out.extend(is_left_out.map(|(part, _)| *part));
                    if is_left_out.is_none() && !is_heard(&message, heard) {
                        missing.push(format!("{name}: not provoked: {message}"));
                    }
                }
            }
        }
    }
    let gone = LEFT_OUT.iter().filter(|(part, _)| !left_out.contains(part));
    missing.extend(gone.map(|(part, _)| format!("no message is left out for '{part}'")));
    Ok(missing)
}

/// Whether a format text was printed, with anything in its braces.
fn is_heard(message: &str, heard: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    parts.push(rest);
    heard.lines().any(|line| {
        let mut line = line;
        parts.iter().all(|part| match line.find(part.trim_end_matches('\n')) {
            Some(place) => {
                line = &line[place + part.trim_end_matches('\n').len()..];
                true
            }
            None => false,
        })
    })
}

/// The literals of text in Rust code.
fn literals(code: &str) -> Vec<String> {
    let (mut all, mut characters) = (Vec::new(), code.chars().peekable());
    let mut before = ' ';
    while let Some(character) = characters.next() {
        match character {
            '/' if characters.peek() == Some(&'/') => {
                characters.by_ref().find(|&next| next == '\n');
            }
            // '"' is a character.
            '"' if before != '\'' => {
                let mut text = String::new();
                while let Some(next) = characters.next() {
                    match next {
                        '"' => break,
                        '\\' => match characters.next() {
                            Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                            Some('n') => text.push('\n'),
                            Some(other) => text.push(other),
                            None => break,
                        },
                        other => text.push(other),
                    }
                }
                all.push(text);
            }
            _ => {}
        }
        before = character;
    }
    all
}
