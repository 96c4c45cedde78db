from __future__ import annotations

import os
import platform

import pytest

from qa import machine
from qa.machine import cores, processor


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: ACME X1 @ 2.00GHz\nmodel name\t: ACME X1 @ 2.00GHz\n", "ACME X1 @ 2.00GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", platform.machine()),
        (None, platform.processor() or platform.machine()),
    ],
)
def test_a_processor_has_a_name_whatever_the_system_says(tmp_path, monkeypatch, text, name):
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(machine, "_CPUINFO", path)
    assert processor() == name


def test_cores_are_those_of_this_process():
    assert 1 <= cores() <= (os.cpu_count() or 1)
