"""Make small dense networks with onnx.helper, and what onnxruntime computes with each, for wgrad to import:

    python make_onnx.py FOLDER [sklearn]

Writes NAME.onnx, NAME.csv (rows to predict, columns 0, 1, 2 or the graph's inputs) and NAME.expected.csv (outputs). With
`sklearn` it lays the networks out as skl2onnx 1.20 does for MLPClassifier and MLPRegressor, alone and behind scalers, and
writes graphs not-NAME.onnx that differ from such ones in one place.
"""

import csv

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(3)
FLOAT = TensorProto.FLOAT


def tensor(name, *shape, dtype=np.float32, packed=True):
    """Random numbers, as raw bytes or as a list of numbers."""
    values = random.normal(size=shape).astype(dtype)
    if packed:
        return numpy_helper.from_array(values, name)
    kind = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
    return helper.make_tensor(name, kind, shape, values.flatten().tolist())


def scalar(name, value):
    return numpy_helper.from_array(np.array(value, dtype=np.float32), name)


def save(folder, name, nodes, constants, inputs=("x",), kind=FLOAT, opset=13):
    widths = [3] if len(inputs) == 1 else [1] * len(inputs)
    values = [helper.make_tensor_value_info(input, kind, ["N", width]) for input, width in zip(inputs, widths)]
    output = helper.make_tensor_value_info("y", kind, ["N", None])
    graph = helper.make_graph(nodes, name, values, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path = str(folder / f"{name}.onnx")
    onnx.save(model, path)
    rows = random.normal(size=(20, 3)).astype(np.float32)
    dtype = np.float32 if kind == FLOAT else np.float64
    feed = {"x": rows.astype(dtype)} if len(inputs) == 1 else {
        input: rows[:, [place]].astype(dtype) for place, input in enumerate(inputs)}
    [outputs] = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feed)
    header = ",".join(["0", "1", "2"] if len(inputs) == 1 else inputs)
    np.savetxt(folder / f"{name}.csv", rows.astype(float), delimiter=",", header=header, comments="", fmt="%.17g")
    np.savetxt(folder / f"{name}.expected.csv", outputs.astype(float), delimiter=",", fmt="%.17g")


def main(folder):
    folder = pathlib.Path(folder)
    node = helper.make_node
    save(folder, "matmul", [
        node("MatMul", ["x", "W1"], ["p"]), node("Add", ["p", "b1"], ["z"]), node("Relu", ["z"], ["a"]),
        node("MatMul", ["a", "W2"], ["q"]), node("Add", ["b2", "q"], ["u"]), node("Sigmoid", ["u"], ["y"]),
    ], [tensor("W1", 3, 5), tensor("b1", 5, packed=False), tensor("W2", 5, 1, packed=False), tensor("b2", 1, 1)])
    save(folder, "gemm", [
        node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "W1", "b1"], ["z"], transB=1, alpha=0.5, beta=2.0),
        node("Tanh", ["z"], ["a"]), node("Dropout", ["a"], ["d"]), node("Identity", ["d"], ["i"]),
        node("Gemm", ["i", "W2"], ["u"], name="last"), node("Softmax", ["u"], ["y"]),
    ], [tensor("W1", 4, 3), tensor("b1", 1, 4), tensor("W2", 4, 3)])
    save(folder, "double", [
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Relu", ["z"], ["a"]), node("MatMul", ["a", "W2"], ["y"]),
    ], [tensor("W1", 3, 4, dtype=np.float64), tensor("b1", 4, dtype=np.float64, packed=False),
        tensor("W2", 4, 2, dtype=np.float64)], kind=TensorProto.DOUBLE)
    save(folder, "gelu", [
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Mul", ["z", "half"], ["h"]), node("Mul", ["z", "root"], ["s"]),
        node("Erf", ["s"], ["e"]), node("Add", ["one", "e"], ["o"]), node("Mul", ["h", "o"], ["a"]),
        node("Gemm", ["a", "W2", "b2"], ["u"]), node("LeakyRelu", ["u"], ["y"]),
    ], [tensor("W1", 3, 4), tensor("b1", 4), tensor("W2", 4, 1), tensor("b2"), scalar("half", 0.5),
        scalar("root", 0.70710678), scalar("one", 1)])
    save(folder, "columns", [
        node("Constant", [], ["b1"], value=tensor("", 2)), node("Concat", ["height", "weight", "age"], ["x"], axis=1),
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Gelu", ["z"], ["a"]), node("Gemm", ["a", "W2", "b2"], ["y"]),
    ], [tensor("W1", 3, 2), tensor("W2", 2, 1), tensor("b2", 1)], inputs=["height", "weight", "age"], opset=20)
    # As PyTorch writes SiLU, and as ONNX itself does since opset 24.
    save(folder, "silu", [
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Sigmoid", ["z"], ["s"]), node("Mul", ["z", "s"], ["a"]),
        node("Gemm", ["a", "W2", "b2"], ["u"]), node("Sigmoid", ["u"], ["t"]), node("Mul", ["t", "u"], ["y"]),
    ], [tensor("W1", 3, 4), tensor("b1", 4), tensor("W2", 4, 1), tensor("b2", 1)])
    save(folder, "swish", [
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Swish", ["z"], ["a"]), node("Gemm", ["a", "W2", "b2"], ["y"]),
    ], [tensor("W1", 3, 4), tensor("b1", 4), tensor("W2", 4, 1), tensor("b2", 1)], opset=24)
    # As PyTorch writes softplus: with its beta and its threshold, or bare.
    save(folder, "softplus", [
        node("Gemm", ["x", "W1", "b1"], ["z"]), node("Mul", ["z", "one"], ["m"]), node("Greater", ["m", "twenty"], ["g"]),
        node("Softplus", ["m"], ["s"]), node("Div", ["s", "one"], ["d"]), node("Where", ["g", "z", "d"], ["a"]),
        node("Gemm", ["a", "W2", "b2"], ["u"]), node("Softplus", ["u"], ["y"]),
    ], [tensor("W1", 3, 4), tensor("b1", 4), tensor("W2", 4, 1), tensor("b2", 1), scalar("one", 1), scalar("twenty", 20)])


class Perceptron:
    """The graph of scikit-learn's multilayer perceptron with 4 inputs and two hidden layers, node for node as in skl2onnx."""

    def __init__(self, name, classes=None, outputs=1, activation="Relu", double=False, zipmap=False, scaling=None, columns=None,
                 integers=False):
        self.name, self.classes, self.double, self.columns = name, classes, double, columns
        self.kind, self.dtype = (TensorProto.DOUBLE, np.float64) if double else (FLOAT, np.float32)
        self.nodes, self.constants, self.integers = [], [], integers
        inputs = [helper.make_tensor_value_info(column, self.kind, [None, 1]) for column in columns or []]
        kind = TensorProto.INT64 if integers else self.kind
        self.inputs = inputs or [helper.make_tensor_value_info("X", kind, [None, 4])]
        value = self.scaled(scaling) if scaling else "X"
        value = self.node("Cast", [value], "cast_input", to=self.kind)
        outputs = len(classes) if classes and len(classes) > 2 else outputs
        last = {None: None, True: "Softmax", False: "Sigmoid"}[classes and len(classes) > 2]
        widths = [4, 5, 3, outputs]
        for layer, (rows, width) in enumerate(zip(widths, widths[1:])):
            self.numbers(f"coefficient{layer}", random.normal(size=(rows, width)))
            self.numbers(f"intercepts{layer}", random.normal(size=(1, width)))
            value = self.node("MatMul", [value, f"coefficient{layer}"], f"mul_result{layer}")
            value = self.node("Add", [value, f"intercepts{layer}"], f"add_result{layer}")
            function = activation if layer < 2 else last
            if function:
                value = self.node(function, [value], "out_activations_result" if layer == 2 else f"next_activations{layer}")
        if classes:
            self.classified(value, zipmap)
        else:
            self.integer_constant("shape_tensor", [-1, 1])
            self.node("Reshape", [value, "shape_tensor"], "variable")
            self.outputs = [helper.make_tensor_value_info("variable", self.kind, [None, 1])]

    def node(self, operator, inputs, output, name=None, **attributes):
        domain = "ai.onnx.ml" if operator in ML else None
        count = sum(node.op_type == operator for node in self.nodes)
        name = name or operator + (str(count) if count else "")
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name, domain=domain, **attributes))
        return output

    def numbers(self, name, values):
        values = np.array(values)
        self.constants.append(helper.make_tensor(name, self.kind, values.shape, values.flatten().tolist()))
        return name

    def integer_constant(self, name, values, kind=TensorProto.INT64):
        self.constants.append(helper.make_tensor(name, kind, [len(values)], values))

    def scaled(self, scaling):
        """StandardScaler makes a Scaler of floats, Sub and Div of doubles; MinMaxScaler makes Mul and Add."""
        value, offsets, deviations = "X", [-1.5, 2, 0.25, 30], [0.5, 2, 1, 12.5]
        if self.columns:
            value = self.node("FeatureVectorizer", self.columns, "concatenated", inputdimensions=[1] * 4)
            if self.double:
                value = self.node("CastLike", [value, self.columns[0]], "concatenated_cast")
        if scaling == "minmax":
            value = self.node("Cast", [value], "Ca_output0", to=self.kind)
            value = self.node("Mul", [value, self.numbers("Mu_Mulcst", [0.5, 0.25, 1.5, 0.05])], "Mu_C0")
            return self.node("Add", [value, self.numbers("Ad_Addcst", [0.5, -2, 0, 1])], "Ad_C0")
        if self.double:
            value = self.node("Sub", [value, self.numbers("Su_Subcst", offsets)], "Su_C0")
            return self.node("Div", [value, self.numbers("Di_Divcst", deviations)], "scaled")
        return self.node("Scaler", [value], "scaled", offset=offsets, scale=[1 / deviation for deviation in deviations])

    def classified(self, value, zipmap):
        """The label and the probabilities."""
        is_text = isinstance(self.classes[0], str)
        if len(self.classes) == 2:
            self.constants.append(helper.make_tensor("unity", self.kind, [], [1.0]))
            negative = self.node("Sub", ["unity", value], "negative_class_proba")
            value = self.node("Concat", [negative, value], "probabilities", axis=1)
        elif not zipmap:
            value = self.node("Identity", [value], "probabilities")
        self.node("ArgMax", [value], "argmax_output", axis=1)
        if zipmap:
            labels = {"classlabels_strings" if is_text else "classlabels_int64s": self.classes}
            self.node("ZipMap", [value], "output_probability", **labels)
        texts = [label.encode() for label in self.classes] if is_text else self.classes
        self.integer_constant("classes", texts, TensorProto.STRING if is_text else TensorProto.INT32)
        self.integer_constant("shape_tensor", [-1])
        label = self.node("ArrayFeatureExtractor", ["classes", "argmax_output"], "array_feature_extractor_result")
        name = "output_label" if zipmap else "label"
        if is_text:
            label = self.node("Reshape", [label, "shape_tensor"], "label")
        else:
            label = self.node("Reshape", [label, "shape_tensor"], "reshaped_result")
            label = self.node("Cast", [label], "label", to=TensorProto.INT64)
        if zipmap:
            self.node("Identity", [label], "output_label")
        kind = TensorProto.STRING if is_text else TensorProto.INT64
        self.outputs = [helper.make_tensor_value_info(name, kind, [None])]
        if zipmap:
            zipped = helper.make_map_type_proto(kind, helper.make_tensor_type_proto(self.kind, []))
            self.outputs.append(helper.make_value_info("output_probability", helper.make_sequence_type_proto(zipped)))
        else:
            self.outputs.append(helper.make_tensor_value_info("probabilities", self.kind, [None, len(self.classes)]))

    def model(self, opset=14):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=7, producer_name="skl2onnx", producer_version="1.20.0")

    def save(self, folder, opset=14):
        path = str(folder / f"{self.name}.onnx")
        onnx.save(self.model(opset), path)
        rows = (random.normal(size=(40, 4)) * [1, 2, 1, 10]).astype(np.float32)
        rows = rows.round() if self.integers else rows
        fed = rows.astype(np.int64 if self.integers else self.dtype)
        feed = {column: fed[:, [place]] for place, column in enumerate(self.columns)} if self.columns else {"X": fed}
        results = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feed)
        header = ",".join(self.columns or map(str, range(4)))
        np.savetxt(folder / f"{self.name}.csv", rows.astype(float), delimiter=",", header=header, comments="", fmt="%.17g")
        if self.classes:
            labels, said = results
            if isinstance(said, list):
                said = [[row[label] for label in self.classes] for row in said]
            expected = [[label, *map(float, row)] for label, row in zip(labels.tolist(), said)]
        else:
            expected = results[0].reshape(len(rows), -1).astype(float).tolist()
        with open(folder / f"{self.name}.expected.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(expected)

    def altered(self, folder, place, operator=None, inputs=None, constant=None, **attributes):
        """Saves the graph with another operator, other inputs, another constant or other attributes of the node that is named."""
        if constant:
            [old] = [old for old in self.constants if old.name == place]
            old.CopyFrom(constant)
        else:
            [node] = [node for node in self.nodes if node.name == place]
            node.op_type = operator or node.op_type
            node.domain = "ai.onnx.ml" if node.op_type in ML else ""
            node.input[:] = inputs or node.input
            kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
            del node.attribute[:]
            node.attribute.extend(kept + [helper.make_attribute(*pair) for pair in attributes.items()])
        onnx.save(self.model(), str(folder / f"not-{self.name}.onnx"))


ML = {"ArrayFeatureExtractor", "FeatureVectorizer", "Normalizer", "Scaler", "ZipMap"}
TEXTS, LEVELS = ["no", "yes"], ["hoch", "kühl", "very low"]


def sklearn(folder):
    folder = pathlib.Path(folder)
    for double in [False, True]:
        end = "-double" if double else ""
        for activation in ["Relu", "Tanh", "Sigmoid", None]:
            name = (activation or "identity").lower() + end
            Perceptron(f"binary-{name}", TEXTS, activation=activation, double=double).save(folder)
            Perceptron(f"three-{name}", [-3, 2, 7], activation=activation, double=double).save(folder)
            Perceptron(f"number-{name}", activation=activation, double=double).save(folder)
        Perceptron(f"integers{end}", [0, 1], double=double).save(folder)
        Perceptron(f"texts{end}", LEVELS, double=double).save(folder)
        Perceptron(f"numbers{end}", outputs=3, double=double).save(folder)
        Perceptron(f"standard{end}", LEVELS, double=double, scaling="standard").save(folder)
        Perceptron(f"minmax{end}", outputs=2, double=double, scaling="minmax").save(folder)
        Perceptron(f"columns{end}", [1, 5], double=double, scaling="standard", columns=["a", "b", "c", "d"]).save(folder, 15)
    # onnxruntime has ZipMap of floats only.
    Perceptron("zip-texts", LEVELS, zipmap=True).save(folder)
    Perceptron("zip-integers", [-3, 2, 7, 8], zipmap=True).save(folder)
    Perceptron("zip-binary", TEXTS, zipmap=True).save(folder)
    Perceptron("whole", LEVELS, integers=True).save(folder)
    Perceptron("opset-9", [-3, 2, 7]).save(folder, 9)

    def text(name, texts):
        return helper.make_tensor(name, TensorProto.STRING, [len(texts)], [text.encode() for text in texts])

    Perceptron("columns-of-argmax", LEVELS).altered(folder, "ArgMax", axis=0)
    Perceptron("last-of-equals", LEVELS).altered(folder, "ArgMax", select_last_index=1)
    Perceptron("smallest", LEVELS).altered(folder, "ArgMax", "ArgMin")
    Perceptron("gathered", LEVELS).altered(folder, "ArrayFeatureExtractor", "Gather")
    Perceptron("four-labels", LEVELS).altered(folder, "classes", constant=text("classes", [*LEVELS, "other"]))
    Perceptron("one-label", TEXTS).altered(folder, "classes", constant=text("classes", ["no"]))
    Perceptron("labels-in-a-column", LEVELS).altered(folder, "classes", constant=helper.make_tensor(
        "classes", TensorProto.STRING, [3, 1], [text.encode() for text in LEVELS]))
    Perceptron("labels-of-inputs", LEVELS).altered(folder, "ArrayFeatureExtractor", inputs=["X", "argmax_output"])
    Perceptron("other-order", LEVELS, zipmap=True).altered(folder, "ZipMap", classlabels_strings=LEVELS[::-1])
    Perceptron("logarithm", LEVELS).altered(folder, "Identity", "Log")
    Perceptron("by-other-numbers", LEVELS).altered(folder, "ArgMax", inputs=["add_result2"])
    Perceptron("sigmoids", LEVELS).altered(folder, "Softmax", "Sigmoid")
    Perceptron("label-columns", LEVELS).altered(folder, "shape_tensor", constant=helper.make_tensor(
        "shape_tensor", TensorProto.INT64, [2], [1, -1]))
    Perceptron("yes-or-no", [0, 1]).altered(folder, "Cast1", to=TensorProto.BOOL)
    Perceptron("tanh", TEXTS).altered(folder, "Sigmoid", "Tanh")
    Perceptron("turned", TEXTS).altered(folder, "Concat", inputs=["out_activations_result", "negative_class_proba"])
    Perceptron("below", TEXTS).altered(folder, "Concat", axis=0)
    Perceptron("two-minus-p", TEXTS).altered(folder, "unity", constant=helper.make_tensor("unity", FLOAT, [], [2.0]))
    Perceptron("sum", TEXTS).altered(folder, "Sub", "Add")
    Perceptron("negative-scale", LEVELS, scaling="standard").altered(folder, "Scaler", scale=[1.0, 1.0, -1.0, 1.0])
    Perceptron("short-scale", LEVELS, scaling="standard").altered(folder, "Scaler", scale=[1.0, 1.0])
    Perceptron("normalizer", LEVELS, scaling="standard").altered(folder, "Scaler", "Normalizer")
    Perceptron("power", outputs=2, scaling="minmax").altered(folder, "Mul", "Pow")
    Perceptron("two-columns", outputs=3).altered(folder, "shape_tensor", constant=helper.make_tensor(
        "shape_tensor", TensorProto.INT64, [2], [-1, 2]))
    transformer = Perceptron("some-columns", LEVELS, scaling="standard")
    transformer.node("Concat", ["scaled", "X"], "transformed_column", axis=1)
    transformer.nodes.insert(1, transformer.nodes.pop())
    transformer.altered(folder, "Cast", inputs=["transformed_column"])
    between = Perceptron("scaled-between", LEVELS)
    between.numbers("half", [0.5])
    between.altered(folder, "Relu1", "Mul", inputs=["add_result1", "half"])


if __name__ == "__main__":
    (sklearn if sys.argv[2:] == ["sklearn"] else main)(sys.argv[1])
