"""Read a dotted key of params.yaml."""

import pathlib

import yaml


def read(key):
    with pathlib.Path("params.yaml").open() as file:
        value = yaml.safe_load(file)
    for part in key.split("."):
        value = value[part]
    return value
