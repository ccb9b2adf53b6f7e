"""Random DVC projects, as values: what to write, and how their stages hang together.

Every stage's command says its name into `$RAN_LOG`, so that a test can tell a run from a restore.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

SHAPES = ("chain", "diamond", "fan_out", "random", "matrix", "two_files")
PARAMS, SETTINGS = "params.yaml", "settings.json"


@dataclass(frozen=True)
class Step:
    """One stage of dvc.yaml (of a matrix: all its items). Paths are relative to the project."""

    name: str
    deps: tuple[str, ...]
    kind: str = "join"
    """`join` keeps all it reads; `count` only how many lines; `directory` makes a/b; `metric`."""
    params: tuple[str, ...] = ()
    """Keys of params.yaml it declares and reads."""
    settings: tuple[str, ...] = ()
    """The same, of settings.json."""
    templated: str | None = None
    """A key of params.yaml that stands in its command."""
    parts: tuple[str, ...] = ()
    """The items of its matrix."""
    folder: str = "."
    """Where its dvc.yaml is."""
    wdir: str | None = None
    suffix: str = ""
    """The end of its command."""
    flags: tuple[str, ...] = ()
    """`frozen`, `always_changed`."""

    @property
    def target(self) -> str:
        """The path of its output, a template for a matrix."""
        ending = ".d" if self.kind == "directory" else "-${item}" if self.parts else ""
        return f"{self.folder}/out-{self.name}{ending}".removeprefix("./")

    @property
    def outputs(self) -> tuple[str, ...]:
        """All paths it makes, as another stage names them."""
        if self.parts:
            return tuple(self.target.replace("${item}", part) for part in self.parts)
        return (f"{self.target}.json",) if self.kind == "metric" else (self.target,)

    def entry(self) -> dict:
        """Return what stands in dvc.yaml."""
        here = os.path.normpath(f"{self.folder}/{self.wdir or '.'}")

        def seen(path: str) -> str:
            return os.path.relpath(path, here)

        read = [f"{seen(path)}/*" if path.endswith(".d") else seen(path) for path in self.deps]
        reads = [f"cat {' '.join(read)}"] if self.deps else []
        reads += [f"grep '{_leaf(key)}:' {seen(PARAMS)}" for key in self.params]
        reads += [f"grep '\"{_leaf(key)}\":' {seen(SETTINGS)}" for key in self.settings]
        reads += [f"echo ${{{self.templated}}}"] * bool(self.templated)
        reading, target = f"{{ {'; '.join(reads)}; }}", seen(self.target)
        if self.kind == "count":
            do = f"{reading} | wc -l > {target}"
        elif self.kind == "directory":
            do = f"mkdir -p {target} && {reading} > {target}/a && echo same > {target}/b"
        elif self.kind == "metric":
            do = f'echo "{{\\"n\\": $({reading} | wc -l)}}" > {target}.json'
        else:
            do = f"{reading} > {target}"
        label = f"{self.name}@${{item}}" if self.parts else self.name
        body = {"cmd": f'echo {label} >> "$RAN_LOG" && {do}{self.suffix}'}
        if self.wdir:
            body["wdir"] = self.wdir
        if self.deps:
            body["deps"] = [seen(path) for path in self.deps]
        declared = [{seen(PARAMS): list(self.params)}] if self.params else []
        declared += [{seen(SETTINGS): list(self.settings)}] if self.settings else []
        if declared:
            body["params"] = declared
        if self.kind == "metric":
            body["metrics"] = [{f"{target}.json": {"cache": False}}]
        else:
            body["outs"] = [target]
        body |= dict.fromkeys(self.flags, True)
        return {"foreach": list(self.parts), "do": body} if self.parts else body


@dataclass(frozen=True)
class Project:
    """A whole project, ready to be written."""

    seed: int
    shape: str
    steps: tuple[Step, ...]
    sources: dict[str, str]
    """Path -> text."""
    tracked: tuple[str, ...]
    """The sources that a `.dvc` file tracks; git has the others."""
    params: dict
    settings: dict = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """Return every text file of the project but `.dvc` files: path -> text."""
        texts = dict(self.sources)
        for folder in sorted({step.folder for step in self.steps}):
            stages = {step.name: step.entry() for step in self.steps if step.folder == folder}
            path = f"{folder}/dvc.yaml".removeprefix("./")
            texts[path] = yaml.safe_dump({"stages": stages}, sort_keys=False, width=200)
        texts[PARAMS] = "# What the stages are told.\n" + yaml.safe_dump(self.params)
        texts[SETTINGS] = json.dumps(self.settings, indent=2) + "\n"
        # A templated key of the second dvc.yaml is looked up in the params.yaml beside it.
        if any(step.folder != "." and step.templated for step in self.steps):
            texts["more/params.yaml"] = texts[PARAMS]
        return texts

    def write(self, root: Path, *, but: frozenset[str] = frozenset()) -> None:
        """Write the files, but those named."""
        for path, text in self.files().items():
            if path not in but:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        for step in self.steps:
            if step.wdir:
                (root / step.folder / step.wdir).mkdir(parents=True, exist_ok=True)

    def step_named(self, name: str) -> Step:
        """Return one step."""
        return next(step for step in self.steps if step.name == name)

    def having(self, changed: Step) -> Project:
        """Return the project with one step exchanged."""
        steps = tuple(changed if step.name == changed.name else step for step in self.steps)
        return replace(self, steps=steps)

    def script(self) -> str:
        """Return shell lines that make the project by hand."""
        lines = ["git init -q; dvc init -q; export RAN_LOG=/dev/null"]
        for path, text in self.files().items():
            lines += [f"mkdir -p {Path(path).parent}", f"cat > {path} <<'EOF'", text + "EOF"]
        lines += [f"mkdir -p {s.folder}/{s.wdir}" for s in self.steps if s.wdir]
        lines += [f"dvc add {path}" for path in self.tracked]
        return "\n".join([*lines, "dvc repro -P; git add -A; git commit -qm base"])


def random_project(seed: int) -> Project:
    """Return the project of a seed: its shape by turns, everything else by chance."""
    rng = random.Random(seed)
    shape = SHAPES[seed % len(SHAPES)]
    sources = {"data/x.txt": "x1\nx2\n", "data/y.txt": "y1\n", "z.txt": "z1\nz2\nz3\n"}
    steps: list[Step] = []
    for number in range(rng.randint(3, 7)):
        steps.append(_step(f"s{number}", shape, steps, sorted(sources), rng))
    if shape == "matrix":
        parts = ("a", "b", "c")[: rng.randint(2, 3)]
        deps = _some(rng, _readable(steps), 1)
        wide = Step("m", deps, params=("parts.${item}.p",), parts=parts)
        steps += [wide, Step("last", wide.outputs, kind=rng.choice(["join", "count"]))]
    return Project(
        seed=seed,
        shape=shape,
        steps=tuple(steps),
        sources=sources,
        tracked=("data/x.txt",) if rng.random() < 0.7 else (),
        params={"k": {f"k{n}": n for n in range(4)}, "shape": {"n": 2, "word": "w"}}
        | {"parts": {part: {"p": index} for index, part in enumerate("abc")}},
        settings={"deep": {"j0": 1, "j1": 2}, "j2": "text"},
    )


def _step(
    name: str, shape: str, before: list[Step], sources: list[str], rng: random.Random
) -> Step:
    made = _readable(before)
    if not before:
        deps = tuple(sources[:1])
    elif shape == "chain":
        deps = _some(rng, list(before[-1].outputs), 1)
    elif shape == "fan_out":
        deps = before[0].outputs
    elif shape == "diamond" and len(before) >= 3:
        deps = tuple(path for step in before[-2:] for path in step.outputs)
    elif shape == "diamond":
        deps = before[0].outputs
    else:
        deps = _some(rng, [*made, *sources], rng.randint(1, 3))
    deps = tuple(_inside(path, before, rng) for path in deps)
    return Step(
        name,
        deps,
        kind=rng.choice(["join", "join", "count", "directory", "metric"]),
        params=_some(
            rng, [f"k.k{n}" for n in range(4)] + ["k"] * (name == "s1"), rng.randint(0, 2)
        ),
        settings=_some(rng, ["deep.j0", "deep.j1", "j2"], rng.choice([0, 0, 1])),
        templated=rng.choice([None, None, "shape.n", "shape.word"]),
        folder="more" if shape == "two_files" and rng.random() < 0.5 and before else ".",
        wdir="work" if rng.random() < 0.15 else None,
    )


def _readable(steps: list[Step]) -> list[str]:
    return [path for step in steps for path in step.outputs]


def _inside(path: str, steps: list[Step], rng: random.Random) -> str:
    """Return the path, or that of a file in it: DVC can depend on either."""
    maker = next((step for step in steps if path in step.outputs), None)
    if maker is None or maker.kind != "directory":
        return path
    return rng.choice([path, f"{path}/a", f"{path}/b"])


def _some(rng: random.Random, choices: list[str], count: int) -> tuple[str, ...]:
    return tuple(rng.sample(sorted(set(choices)), min(count, len(set(choices)))))


def _leaf(key: str) -> str:
    return key.rpartition(".")[2].replace("${item}", "p")
