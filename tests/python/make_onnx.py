"""Make small dense networks with onnx.helper, and what onnxruntime computes with each, for wgrad to import:

    python make_onnx.py FOLDER

Writes NAME.onnx, NAME.csv (rows to predict, columns 0, 1, 2 or the graph's inputs) and NAME.expected.csv (outputs).
"""

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


if __name__ == "__main__":
    main(*sys.argv[1:])
