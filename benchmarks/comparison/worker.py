# SPDX-License-Identifier: MIT
"""A baseline as a process of its own: loads a case, keeps it warm, runs it when told to.

    worker.py torch:nchw|torch:channels_last|torch:compile|onnxruntime|openvino:f32|
              openvino:default|ncnn THREADS

Commands are lines on standard input, the answer to each is one line on standard output (what the
libraries write there goes to standard error).  benchmarks/cpu_worker.cpp speaks the same.

    (at the start)                            ready VERSION
    load network|conv2d DILATION FOLDER       loaded FLOP HOW (0 FLOP: it does not count them)
    run SECONDS                               times T T ...: one run that does not count, then at
                                              least one, until SECONDS are over
    output FILE                               written: what the last run computed, `output` in it
    anything that does not work               failed SENTENCE
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python_export"))
from kintsugi_export import safetensors  # noqa: E402


class Torch:
    """Eager, in one of the two orders of memory, or compiled."""

    def __init__(self, threads: int, form: str):
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.torch, self.form, self.version = torch, form, torch.__version__.split("+")[0]

    def load(self, kind, dilation, folder, value) -> str:
        from convert import build

        torch = self.torch
        order = torch.contiguous_format if self.form == "nchw" else torch.channels_last
        self.module = build(kind, dilation, folder).to(memory_format=order)
        self.input = torch.from_numpy(value).contiguous(memory_format=order)
        if self.form == "compile":
            import torch._inductor.config as inductor

            inductor.freezing = True  # weights are constants, and packed beforehand
            self.module = torch.compile(self.module)
        return f"eager {self.form}" if self.form != "compile" else "inductor, frozen, channels_last"

    def run(self) -> None:
        # no_grad for the compiler, whose freezing asks for it.
        with self.torch.no_grad() if self.form == "compile" else self.torch.inference_mode():
            self.result = self.module(self.input)

    def output(self) -> np.ndarray:
        return self.result.contiguous().numpy()


class OnnxRuntime:
    def __init__(self, threads: int, _form: str):
        import onnxruntime

        self.library, self.version = onnxruntime, onnxruntime.__version__
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.options.log_severity_level = 3
        self.options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL

    def load(self, _kind, _dilation, folder, value) -> str:
        self.session = self.library.InferenceSession(
            str(folder / "graph.onnx"), self.options, providers=["CPUExecutionProvider"]
        )
        self.feed = {"input": value}
        return "all graph optimisations"

    def run(self) -> None:
        (self.result,) = self.session.run(None, self.feed)

    def output(self) -> np.ndarray:
        return self.result


class OpenVino:
    """`f32`: arithmetic in f32, as everyone's here; `default`: what it chooses, if that is less."""

    def __init__(self, threads: int, form: str):
        import openvino

        self.core, self.form = openvino.Core(), form
        self.version = openvino.__version__.split("-")[0]
        self.options = {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        }
        if form == "f32":
            self.options["INFERENCE_PRECISION_HINT"] = "f32"

    def load(self, _kind, _dilation, folder, value) -> str:
        compiled = self.core.compile_model(str(folder / "graph.onnx"), "CPU", self.options)
        precision = compiled.get_property("INFERENCE_PRECISION_HINT")
        precision = getattr(precision, "get_type_name", lambda: str(precision))()
        if self.form == "default" and precision == "f32":
            raise RuntimeError("its default is f32 here, as in the other row")
        self.request, self.input = compiled.create_infer_request(), value
        return f"inference precision {precision}"

    def run(self) -> None:
        self.result = self.request.infer([self.input], share_inputs=True, share_outputs=True)

    def output(self) -> np.ndarray:
        return np.array(self.result[0])


class Ncnn:
    def __init__(self, threads: int, _form: str):
        import ncnn

        self.library, self.threads, self.version = ncnn, threads, ncnn.__version__

    def load(self, _kind, _dilation, folder, value) -> str:
        self.net = self.library.Net()
        self.net.opt.num_threads = self.threads
        for name in dir(self.net.opt):  # f32, stored and computed
            if name.startswith(("use_fp16_", "use_bf16_")):
                setattr(self.net.opt, name, False)
        for load, end in (self.net.load_param, "param"), (self.net.load_model, "bin"):
            path = folder / f"net.ncnn.{end}"
            if not path.exists() or load(str(path)) != 0:
                raise RuntimeError("its file of this case could not be made or read")
        self.input = self.library.Mat(value[0]).clone()
        return "f32, without fp16 and bf16"

    def run(self) -> None:
        extractor = self.net.create_extractor()
        extractor.input("in0", self.input)
        status, self.result = extractor.extract("out0")
        if status != 0:
            raise RuntimeError(f"the run failed with status {status}")

    def output(self) -> np.ndarray:
        return np.array(self.result)[np.newaxis]


KINDS = {"torch": Torch, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "ncnn": Ncnn}


def obey(backend, line: str) -> str:
    command, _, rest = line.partition(" ")
    if command == "load":
        kind, dilation, folder = rest.split(" ", 2)
        value = np.array(safetensors.read(Path(folder) / "input.safetensors")[0]["input"])
        how = backend.load(kind, int(dilation), Path(folder), value)
        backend.run()
        return f"loaded 0 {how}"
    if command == "run":
        backend.run()
        times, start = [], time.perf_counter()
        while not times or time.perf_counter() - start < float(rest):
            begin = time.perf_counter()
            backend.run()
            times.append(time.perf_counter() - begin)
        return "times " + " ".join(f"{seconds:.9f}" for seconds in times)
    if command == "output":
        safetensors.write(rest, {"output": np.asarray(backend.output(), np.float32)}, {})
        return "written"
    return f"failed '{command}' is not known"


def main(arguments) -> int:
    name, _, form = arguments[0].partition(":")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(line: str) -> None:
        answers.write(" ".join(line.split()) + "\n")
        answers.flush()

    def failed(error: BaseException) -> str:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"failed {first}"

    try:
        backend = KINDS[name](int(arguments[1]), form)
    except Exception as error:  # whatever a library throws: it is left out
        answer(failed(error))
        return 1
    answer(f"ready {backend.version}")
    for line in sys.stdin:
        try:
            answer(obey(backend, line.rstrip("\n")))
        except Exception as error:
            answer(failed(error))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
