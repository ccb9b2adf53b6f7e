"""What may happen to a project after it was workshop: one change each, chosen by chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from retouch.policy.edits import ParamEdit
from tests.differential.projects import PARAMS, SETTINGS, Project, Step


@dataclass(frozen=True)
class Edit:
    """One change. `says` is a line to do it by hand."""

    message: str
    apply: Callable[[Path], None] = lambda root: None
    """To the files below a root; edits of params are made by the test, through our own code."""
    params: tuple[ParamEdit, ...] = ()
    afterwards: tuple[str, ...] = ()
    """Stages DVC is made to run alone after it, so that the lock is half done."""


Maker = Callable[[Project, random.Random], Edit | None]


def one_param(project: Project, rng: random.Random) -> Edit | None:
    return _params(project, rng, 1)


def several_params(project: Project, rng: random.Random) -> Edit | None:
    return _params(project, rng, 3)


def param_in_a_command(project: Project, rng: random.Random) -> Edit | None:
    key = rng.choice(["shape.n", "shape.word"])
    before = project.params["shape"][key.rpartition(".")[2]]
    return _edited(ParamEdit(file=PARAMS, key=key, before=before, after=f"{before}9"))


def comments_and_order(project: Project, rng: random.Random) -> Edit:
    """No value changes: comments, the order of keys, flow style, a description."""

    def apply(root: Path) -> None:
        turned = dict(reversed(project.params.items()))
        (root / PARAMS).write_text("# new\n" + yaml.safe_dump(turned, default_flow_style=True))
        path = root / "dvc.yaml"
        stages = yaml.safe_load(path.read_text())["stages"]
        for entry in stages.values():
            entry.get("do", entry)["desc"] = "Says more."
            entry.get("do", entry)["meta"] = {"retouch": {"module": "train"}}
        path.write_text("# new\n" + yaml.safe_dump({"stages": stages}))

    return Edit("write comments, descriptions and another order of keys", apply)


def source_content(project: Project, rng: random.Random) -> Edit:
    path = rng.choice(sorted(project.sources))
    return Edit(f"echo new >> {path}", lambda root: _append(root / path, "new\n"))


def source_without_effect(project: Project, rng: random.Random) -> Edit | None:
    """The same number of lines: what only counts them comes out identical."""
    counted = [path for s in project.steps if s.kind in ("count", "metric") for path in s.deps]
    path = next((path for path in counted if path in project.sources), None)
    if path is None:
        return None
    text = "".join(f"other{i}\n" for i, _ in enumerate(project.sources[path].splitlines()))
    return Edit(f"put {text!r} into {path}", lambda root: _write(root / path, text))


def command(project: Project, rng: random.Random) -> Edit:
    suffix = rng.choice([" && true", " && true # again"])
    step = rng.choice(project.steps)
    return _rewritten(
        project, replace(step, suffix=suffix), f"add {suffix!r} to cmd of {step.name}"
    )


def edited_output(project: Project, rng: random.Random) -> Edit:
    step = rng.choice(project.steps)
    path = rng.choice(step.outputs)
    inside = f"{path}/a" if step.kind == "directory" else path
    return Edit(f"rm {inside}; echo mine > {inside}", lambda root: _write(root / inside, "mine\n"))


def file_added_to_an_output(project: Project, rng: random.Random) -> Edit | None:
    step = next((step for step in project.steps if step.kind == "directory"), None)
    if step is None:
        return None
    path = f"{step.target}/c"
    return Edit(f"echo more > {path}", lambda root: _write(root / path, "more\n"))


def deleted_output(project: Project, rng: random.Random) -> Edit:
    """It is still in the cache, so `dvc repro` gets it back without running anything."""
    path = rng.choice(rng.choice(project.steps).outputs)
    return Edit(f"rm -r {path}", lambda root: _remove(root / path))


def forgotten_in_the_lock(project: Project, rng: random.Random) -> Edit:
    step = rng.choice(project.steps)
    name = f"{step.name}@{step.parts[0]}" if step.parts else step.name

    def apply(root: Path) -> None:
        path = root / step.folder / "dvc.lock"
        lock = yaml.safe_load(path.read_text())
        del lock["stages"][name]
        path.write_text(yaml.safe_dump(lock, sort_keys=False))

    return Edit(f"take {name} out of {step.folder}/dvc.lock", apply)


def new_stage(project: Project, rng: random.Random) -> Edit:
    deps = tuple(rng.sample(sorted(p for step in project.steps for p in step.outputs), 2))
    grown = replace(project, steps=(*project.steps, Step("new", deps, params=("k.k0",))))
    return Edit(f"a new stage reads {deps}", grown.write)


def new_dependency(project: Project, rng: random.Random) -> Edit:
    """The last stage reads one output more, and what makes it is out of date as well."""
    last = project.steps[-1]
    made = [path for step in project.steps[:-1] for path in step.outputs if path not in last.deps]
    more = replace(last, deps=(*last.deps, *made[:1]))
    source = sorted(project.sources)[0]

    def apply(root: Path) -> None:
        project.having(more).write(root, but=frozenset(project.sources))
        _append(root / source, "new\n")

    return Edit(f"{last.name} reads {made[:1]} too; echo new >> {source}", apply)


def dropped_dependency(project: Project, rng: random.Random) -> Edit | None:
    step = next((step for step in reversed(project.steps) if len(step.deps) > 1), None)
    if step is None:
        return None
    fewer = replace(step, deps=step.deps[1:])
    return _rewritten(project, fewer, f"{step.name} no longer reads {step.deps[0]}")


def new_param(project: Project, rng: random.Random) -> Edit | None:
    step = rng.choice([step for step in project.steps if not step.parts])
    free = [key for key in ("k.k0", "k.k1", "k.k2", "k.k3") if key not in step.params]
    more = replace(step, params=(*step.params, free[0]))
    return _rewritten(project, more, f"{step.name} declares {free[0]}")


def frozen(project: Project, rng: random.Random) -> Edit:
    """A stage is frozen, and what comes before it changes."""
    step = rng.choice(project.steps[1:])
    return _flagged(project, replace(step, flags=("frozen",)))


def always_changed(project: Project, rng: random.Random) -> Edit:
    step = rng.choice(project.steps)
    return _flagged(project, replace(step, flags=("always_changed",)))


def stale_lock(project: Project, rng: random.Random) -> Edit | None:
    """A stage was run alone, so its consumers are recorded with what it made before."""
    read = {path for step in project.steps for path in step.deps}
    wanted = (s for s in project.steps[1:] if s.kind == "join" and s.target in read)
    step = next(wanted, None)
    if step is None:
        return None
    other = replace(step, suffix=f" && echo more >> {_from_its_folder(step)}")
    edit = _rewritten(project, other, f"change cmd of {step.name}; dvc repro -s {step.name}")
    name = step.name if step.folder == "." else f"{step.folder}/dvc.yaml:{step.name}"
    return replace(edit, afterwards=(name,))


def stale_lock_and_source(project: Project, rng: random.Random) -> Edit | None:
    """The same, and the first stage runs again for nothing: its consumers must still be seen to."""
    edit, quiet = stale_lock(project, rng), source_without_effect(project, rng)
    return (
        edit
        and quiet
        and replace(edit, message=f"{edit.message}; {quiet.message}", apply=_both(edit, quiet))
    )


def stage_removed(project: Project, rng: random.Random) -> Edit | None:
    """Its output stays where it is, as a file nobody makes any more."""
    last = project.steps[-1]
    if last.folder != "." or last.parts or len(project.steps) < 2:
        return None
    fewer = replace(project, steps=project.steps[:-1])
    return Edit(f"take {last.name} out of dvc.yaml", fewer.write)


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        one_param,
        several_params,
        param_in_a_command,
        comments_and_order,
        source_content,
        source_without_effect,
        command,
        edited_output,
        file_added_to_an_output,
        deleted_output,
        forgotten_in_the_lock,
        new_stage,
        new_dependency,
        dropped_dependency,
        new_param,
        frozen,
        always_changed,
        stale_lock,
        stale_lock_and_source,
        stage_removed,
    )
}


def _params(project: Project, rng: random.Random, count: int) -> Edit | None:
    every = {f"k.k{n}": (PARAMS, n) for n in range(4)}
    every |= {f"parts.{part}.p": (PARAMS, n) for n, part in enumerate("abc")}
    every |= {"deep.j0": (SETTINGS, 1), "deep.j1": (SETTINGS, 2), "j2": (SETTINGS, "text")}
    declared = {key for step in project.steps for key in (*step.params, *step.settings)}
    wanted = [key for key in every if key in declared] or ["k.k0"]
    chosen = rng.sample(wanted, min(count, len(wanted)))
    return _edited(
        *(
            ParamEdit(file=every[key][0], key=key, before=every[key][1], after=f"{every[key][1]}7")
            for key in chosen
        )
    )


def _edited(*edits: ParamEdit) -> Edit:
    message = "; ".join(f"set {edit.key} of {edit.file} to {edit.after!r}" for edit in edits)
    return Edit(message, params=edits)


def _rewritten(project: Project, step: Step, message: str) -> Edit:
    return Edit(message, project.having(step).write)


def _flagged(project: Project, step: Step) -> Edit:
    source = sorted(project.sources)[0]

    def apply(root: Path) -> None:
        project.having(step).write(root)
        _append(root / source, "new\n")

    return Edit(f"{step.flags[0]}: true for {step.name}; echo new >> {source}", apply)


def _both(first: Edit, second: Edit) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        first.apply(root)
        second.apply(root)

    return apply


def _from_its_folder(step: Step) -> str:
    name = step.target.rpartition("/")[2]
    return f"../{name}" if step.wdir else name


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # DVC may have made it read-only
    path.write_text(text)


def _append(path: Path, text: str) -> None:
    _write(path, path.read_text() + text)


def _remove(path: Path) -> None:
    for inside in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
        inside.unlink()
    path.rmdir() if path.is_dir() else path.unlink()
