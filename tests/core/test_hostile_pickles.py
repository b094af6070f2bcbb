"""Hostile pickles: none of them runs anything, each is refused with what it wanted named, quickly."""

from __future__ import annotations

import collections
import copyreg
import io
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creps_core.checkpoint import (
    Checkpoint,
    CheckpointError,
    CorruptCheckpointError,
    TruncatedCheckpointError,
    UnknownGlobalError,
    UnsafeCheckpointError,
    read_checkpoint,
)
from creps_core.pickle_stand_ins import ALLOWED
from tests.core.published_files import (
    LOAD,
    ORDERED_DICT,
    PARAMETER,
    REBUILD,
    TINY,
    Build,
    Call,
    Name,
    New,
    Raw,
    checkpoint,
    network,
    persistent,
    pickled,
    published,
    storage_bytes,
    tensor,
    weights,
)

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
ONES = torch.ones(3)


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """A file that exists once any payload has run."""
    return tmp_path / "ran"


def read(tmp_path: Path, data: bytes) -> Checkpoint:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(data)
    return read_checkpoint(path)


def refused(tmp_path: Path, data: bytes, kind: type[CheckpointError] = UnsafeCheckpointError) -> str:
    """The message for a file that must be refused, at once and on one line."""
    start = time.perf_counter()
    with pytest.raises(kind) as caught:
        read(tmp_path, data)
    assert time.perf_counter() - start < 10
    message = str(caught.value)
    assert message.startswith("hostile.pkl: ")
    assert "\n" not in message
    return message


def touch(sentinel: Path) -> str:
    return f"touch {sentinel}"


def calls(sentinel: Path) -> dict[str, object]:
    """Objects that run something as soon as a real unpickler meets them; by what they name."""
    code = f"open({str(sentinel)!r}, 'w').close()"
    get_attribute = Name("builtins", "getattr")
    system = Call(get_attribute, (Call(Name("importlib", "import_module"), ("os",)), "system"))
    return {
        "os.system": Call(Name("os", "system"), (touch(sentinel),)),
        "posix.system": Call(Name("posix", "system"), (touch(sentinel),)),
        "builtins.eval": Call(Name("builtins", "eval"), (code,)),
        "builtins.exec": Call(Name("builtins", "exec"), (code,)),
        "subprocess.Popen": Call(Name("subprocess", "Popen"), (["touch", str(sentinel)],)),
        "builtins.open": Call(Name("builtins", "open"), (str(sentinel), "w")),
        "importlib.import_module": Call(system, (touch(sentinel),)),
        "builtins.getattr": Call(system, (touch(sentinel),)),
        "functools.partial": Call(
            Call(Name("functools", "partial"), (Name("os", "system"), touch(sentinel))), ()
        ),
        "collections.OrderedDict.__init__.__globals__": Call(
            Call(Name("operator", "itemgetter"), ("sys",)),
            (Name("collections", "OrderedDict.__init__.__globals__"),),
        ),
        "torch._utils._rebuild_tensor_v2.__globals__": Name("torch", "_utils._rebuild_tensor_v2.__globals__"),
        "torch.load": Call(Name("torch", "load"), ("/dev/zero",)),
        "torch.hub.load": Call(Name("torch.hub", "load"), ("x/y", "z")),
        "pickle.loads": Call(Name("pickle", "loads"), (b"cos\nsystem\n.",)),
        "numpy.core.multiarray._reconstruct": Name("numpy.core.multiarray", "_reconstruct"),
        "copyreg._reconstructor": Call(Name("copyreg", "_reconstructor"), (Name("os", "system"),)),
    }


CALLS = sorted(calls(Path("x")))
REAL = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.exec",
    "importlib.import_module",
    "functools.partial",
]


@pytest.mark.parametrize("name", REAL)
def test_the_payloads_are_real(name: str, sentinel: Path) -> None:
    """Python's own unpickler runs them: the tests below could fail."""
    pickle.loads(pickled(calls(sentinel)[name]))
    assert sentinel.exists()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "place", ["alone", "beside", "discriminator", "state", "weight", "hooks", "key", "popped"]
)
def test_calls_are_refused_by_name_wherever_they_stand(
    name: str, place: str, sentinel: Path, tmp_path: Path
) -> None:
    evil = calls(sentinel)[name]
    good = network(weights())
    top: object = {
        "alone": evil,
        "beside": checkpoint(good, training_set_kwargs={"path": evil}),
        "discriminator": checkpoint(good, D=persistent("Discriminator", {"_modules": {"b4": evil}})),
        "state": checkpoint(persistent("Generator", {"_parameters": {}, "_modules": {}, "extra": [evil]})),
        "weight": checkpoint(network({**weights(), "mapping.w_avg": evil})),
        "hooks": checkpoint(good, D=Call(PARAMETER, (tensor(ONES), True, evil))),
        "key": [evil, checkpoint(good)],
        "popped": [Raw(pickled(evil)[2:-1] + b"0N"), checkpoint(good)],
    }[place]
    message = refused(tmp_path, pickled(top), UnknownGlobalError)
    assert name in message
    assert not sentinel.exists()


def test_all_names_are_told_not_only_the_first(sentinel: Path, tmp_path: Path) -> None:
    message = refused(tmp_path, pickled(list(calls(sentinel).values())[:6]), UnknownGlobalError)
    for name in list(calls(sentinel))[:6]:
        assert name in message
    assert not sentinel.exists()


def inner_pickles(value: torch.Tensor) -> tuple[list[bytes], bytes]:
    """The five pickles of a nested tensor file, and its numbers."""
    file = io.BytesIO(storage_bytes(value))
    parts = []
    for _ in range(5):
        start = file.tell()
        collections.deque(pickletools.genops(file), maxlen=0)
        parts.append(file.getvalue()[start : file.tell()])
    return parts, file.read()


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("how", ["instead", "before"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_nested_tensor_files_run_nothing(
    which: int, how: str, protocol: int, sentinel: Path, tmp_path: Path
) -> None:
    parts, numbers = inner_pickles(ONES)
    evil = pickled(Call(Name("os", "system"), (touch(sentinel),)), protocol)
    parts[which] = evil if how == "instead" else evil[:-1] + b"0" + parts[which][2:]
    data = b"".join(parts) + numbers
    message = refused(tmp_path, pickled(checkpoint(None, D=tensor(ONES, data))), UnknownGlobalError)
    assert "os.system" in message
    assert not sentinel.exists()


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_nested_tensor_files_may_not_use_the_outer_names(name: str, tmp_path: Path) -> None:
    """The inner allow-list holds storage types only."""
    parts, numbers = inner_pickles(ONES)
    module, _, attribute = name.rpartition(".")
    parts[3] = pickled(Call(Name(module, attribute), ()), 2)
    message = refused(tmp_path, pickled([tensor(ONES, b"".join(parts) + numbers)]), UnknownGlobalError)
    assert name in message


def test_a_nested_archive_is_not_opened(sentinel: Path, tmp_path: Path) -> None:
    """The new zip layout of torch.save holds a pickle of its own."""

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (touch(sentinel),)

    out = io.BytesIO()
    torch.save(Evil(), out)
    refused(tmp_path, pickled([Call(LOAD, (out.getvalue(),))]), CheckpointError)
    assert not sentinel.exists()


def test_embedded_source_is_never_executed(sentinel: Path, tmp_path: Path) -> None:
    """It may say what it likes: the file opens, and the text stays text."""
    source = f"open({str(sentinel)!r}, 'w').close()"
    good = network(weights())
    state = good.args[0]["state"]  # type: ignore[union-attr]
    evil = persistent("Generator", state, source)
    found = read(tmp_path, pickled(checkpoint(evil, D=persistent("Discriminator", {}, source))))
    assert found.config == TINY
    assert not sentinel.exists()


SETTABLE = {
    "function": REBUILD,
    "class": ORDERED_DICT,
    "module class": Name("torch.nn.modules.container", "Sequential"),
    "network class": Name("training.networks_creps", "SynthesisInput"),
    "dtype": Call(Name("numpy", "dtype"), ("f8", False, True)),
    "instance": New(Name("training.networks_creps", "SynthesisInput")),
    "persistent": persistent("Generator", {"_modules": {}}),
    "dictionary": Call(ORDERED_DICT, ()),
    "tensor": tensor(ONES),
    "list": [],
    "text": "text",
}


@pytest.mark.parametrize("target", sorted(SETTABLE))
@pytest.mark.parametrize("state", ["pair", "dict"])
def test_build_sets_no_attribute_on_anything(target: str, state: str, tmp_path: Path) -> None:
    """BUILD with a (None, {name: value}) state is setattr on whatever the reader handed out."""
    attributes = {"__reduce__": "evil", "__call__": "evil", "__module__": "evil", "evil": "evil"}
    thing = Build(SETTABLE[target], (None, attributes) if state == "pair" else attributes)
    if state == "dict" and target in ("instance", "persistent"):
        thing = Build(SETTABLE[target], ({"a": 1}, attributes))  # a plain dict is what these do take
    message = refused(tmp_path, pickled([thing]))
    assert "BUILD" in message
    for real in (torch._utils._rebuild_tensor_v2, collections.OrderedDict, torch.nn.Sequential):
        assert not hasattr(real, "evil")
        assert real.__module__ != "evil"
    # Nothing outlives the load: the next file opens as if nothing had been.
    assert read(tmp_path, published()).config == TINY


def test_build_on_a_function_is_refused_by_its_name(tmp_path: Path) -> None:
    message = refused(tmp_path, pickled([Build(REBUILD, (None, {"a": 1}))]))
    assert "torch._utils._rebuild_tensor_v2" in message


def test_calls_of_what_is_not_a_function_are_refused(tmp_path: Path) -> None:
    for thing in ("text", {}, [], 1, None, tensor(ONES), Call(ORDERED_DICT, ()), New(ORDERED_DICT)):
        assert "calls" in refused(tmp_path, pickled([Call(thing, ("x",))]))
        assert "makes a new" in refused(tmp_path, pickled([New(thing)]))


@pytest.mark.parametrize("code", [0x82, 0x83, 0x84])
def test_the_extension_registry_is_not_consulted(code: int, sentinel: Path, tmp_path: Path) -> None:
    copyreg.add_extension("os", "system", 77)
    try:
        number = {0x82: struct.pack("<B", 77), 0x83: struct.pack("<H", 77), 0x84: struct.pack("<i", 77)}[code]
        data = b"\x80\x04" + bytes([code]) + number + pickle.UNICODE + touch(sentinel).encode() + b"\n\x85R."
        pickle.loads(data)
        assert sentinel.exists()  # a real unpickler runs it
        sentinel.unlink()
        assert "EXT" in refused(tmp_path, data)
        assert not sentinel.exists()
    finally:
        copyreg.remove_extension("os", "system", 77)
        copyreg.clear_extension_cache()


def old_protocols(sentinel: Path) -> dict[str, bytes]:
    command = touch(sentinel).encode()
    return {
        "protocol 0": b"cos\nsystem\n(S'" + command + b"'\ntR.",
        "unicode": b"cos\nsystem\n(V" + command + b"\ntR.",
        "INST": b"(S'" + command + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + command + b"'\no.",
        "memo": b"cos\nsystem\np0\n0g0\n(S'" + command + b"'\ntR.",
    }


@pytest.mark.parametrize("which", sorted(old_protocols(Path("x"))))
@pytest.mark.parametrize("head", [b"", b"\x80\x04"])
def test_old_protocols_are_refused_by_name(which: str, head: bytes, sentinel: Path, tmp_path: Path) -> None:
    data = head + old_protocols(sentinel)[which]
    pickle.loads(data)
    assert sentinel.exists()  # a real unpickler runs it
    sentinel.unlink()
    assert "os.system" in refused(tmp_path, data, UnknownGlobalError)
    assert not sentinel.exists()


def test_memo_tricks(sentinel: Path, tmp_path: Path) -> None:
    """A payload hidden in the memo, fetched later, under a huge index or before it was put there."""
    system = b"\x8c\x02os\x8c\x06system\x93"
    call = b"\x8c" + bytes([len(touch(sentinel))]) + touch(sentinel).encode() + b"\x85R."
    for hide, fetch in (
        (b"\x94", b"h\x00"),
        (b"q\xff", b"h\xff"),
        (b"r\xff\xff\xff\xff", b"j\xff\xff\xff\xff"),
    ):
        assert "os.system" in refused(
            tmp_path, b"\x80\x04" + system + hide + b"0" + fetch + call, UnknownGlobalError
        )
    # An allowed name replaced in the memo by another one.
    swapped = b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93q\x050" + system + b"q\x050h\x05" + call
    assert "os.system" in refused(tmp_path, swapped, UnknownGlobalError)
    assert "memo" in refused(tmp_path, b"\x80\x04h\x07.", CorruptCheckpointError)
    assert not sentinel.exists()


HUGE = struct.pack("<Q", 2**62)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (b"\x8e" + HUGE, TruncatedCheckpointError),  # BINBYTES8
        (b"\x8d" + HUGE, TruncatedCheckpointError),  # BINUNICODE8
        (b"B\xff\xff\xff\xff", TruncatedCheckpointError),  # BINBYTES
        (b"X\xff\xff\xff\xff", TruncatedCheckpointError),  # BINUNICODE
        (b"\x96" + HUGE, TruncatedCheckpointError),  # BYTEARRAY8
        (b"\x95" + HUGE, TruncatedCheckpointError),  # FRAME
        (b"\x8b\xff\xff\xff\x7f", UnsafeCheckpointError),  # LONG4
        (b"\x8b\xff\xff\xff\xff", UnsafeCheckpointError),  # LONG4, negative
        (b"r\xff\xff\xff\xff.", CorruptCheckpointError),  # LONG_BINPUT of nothing
        (b"N0" * 1_500_000 + b".", UnsafeCheckpointError),  # instructions without end
        (b"I" + b"9" * 3000 + b"\n.", UnsafeCheckpointError),  # decimal integers take quadratic time
        (b"I" + b"9" * 1_000_000 + b"\n.", CorruptCheckpointError),
        (b"L" + b"9" * 1_000_000 + b"L\n.", CorruptCheckpointError),
        (b"\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b".", UnsafeCheckpointError),
        (b"P1\n.", UnsafeCheckpointError),
        (b"NQ.", UnsafeCheckpointError),
        (b"\x97.", UnsafeCheckpointError),
        (b"\x97\x98.", UnsafeCheckpointError),
        (b"\xff.", CorruptCheckpointError),
        (b"c" + b"a" * 10_000 + b"\nb\n.", CorruptCheckpointError),
        (b"(" * 100_000 + b".", CorruptCheckpointError),
        (b")" * 3 + b"R.", UnsafeCheckpointError),
    ],
)
def test_instructions_that_waste_memory_or_time(
    code: bytes, kind: type[CheckpointError], tmp_path: Path
) -> None:
    refused(tmp_path, b"\x80\x04" + code, kind)


def test_huge_claims_cost_no_memory(tmp_path: Path) -> None:
    """All of them in one process that may not take 300 MB more than it has."""
    texts = [
        b"\x80\x04\x8e" + HUGE,
        b"\x80\x04\x8d" + HUGE,
        b"\x80\x04\x8b\xff\xff\xff\x7f",
        pickled([tensor(ONES, size=(2**39,), stride=(0,))]),
        pickled(
            checkpoint(network({**weights(), "mapping.w_avg": tensor(ONES, size=(2**39,), stride=(0,))}))
        ),
    ]
    for i, data in enumerate(texts):
        (tmp_path / f"{i}.pkl").write_bytes(data)
    script = (
        "import resource, sys\n"
        "from creps_core.checkpoint import CheckpointError, read_checkpoint\n"
        "pages = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages + 300 * 2**20,) * 2)\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_checkpoint(path)\n"
        "    except CheckpointError:\n"
        "        continue\n"
        "    sys.exit(path)\n"
    )
    files = [str(tmp_path / f"{i}.pkl") for i in range(len(texts))]
    done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


LIES = {
    "stride 0": {"size": (2**30,), "stride": (0,)},
    "two strides 0": {"size": (2**20, 2**20), "stride": (0, 0)},
    "too long": {"size": (4,), "stride": (1,)},
    "stride too long": {"size": (2,), "stride": (3,)},
    "offset": {"offset": 1},
    "huge offset": {"offset": 2**62},
    "negative offset": {"offset": -1},
    "negative size": {"size": (-1,)},
    "negative stride": {"size": (2,), "stride": (-1,)},
    "overflow": {"size": (2**33, 2**33), "stride": (0, 0)},
    "zero times huge": {"size": (2**60, 0), "stride": (1, 1)},
    "many dimensions": {"size": (1,) * 1000, "stride": (1,) * 1000},
    "no strides": {"size": (3,), "stride": ()},
    "size is true": {"size": (True,), "stride": (1,)},
    "size is a float": {"size": (3.0,), "stride": (1,)},
    "size is a list": {"size": [3], "stride": (1,)},
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_tensors_that_claim_what_is_not_there(lie: str, tmp_path: Path) -> None:
    refused(tmp_path, pickled([tensor(ONES, **LIES[lie])]), CorruptCheckpointError)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:-20] + struct.pack("<q", 2**40) + data[-12:],
        lambda data: data[:-20] + struct.pack("<q", -1) + data[-12:],
        lambda data: data.replace(b"K\x03N", b"K\x04N"),
        lambda data: data.replace(b"FloatStorage", b"DoubleStorage"),
        lambda data: data.replace(b"\x88", b"\x89"),
        lambda data: b"",
        lambda data: data[:50],
    ],
)
def test_nested_tensor_files_that_contradict_themselves(change: Any, tmp_path: Path) -> None:
    data = change(storage_bytes(ONES))
    refused(tmp_path, pickled([tensor(ONES, data)]), CorruptCheckpointError)


def test_tensors_that_share_one_storage_cannot_multiply_it(tmp_path: Path) -> None:
    """A file of 300 kB with one storage behind a hundred names would take 26 MB; a larger one, everything."""
    config = replace(TINY, w_dim=256, mapping_layers=100)
    tensors: dict[str, Any] = weights(config)
    shared = tensor(torch.zeros(256, 256))
    tensors |= {f"mapping.fc{i}.weight": shared for i in range(1, 100)}
    message = refused(tmp_path, pickled(checkpoint(network(tensors))), CorruptCheckpointError)
    assert "more numbers than the file holds" in message


def test_billion_laughs(tmp_path: Path) -> None:
    """Tuples and modules that hold the one before twice: 2⁶⁰ leaves in a few hundred bytes."""
    laughs = b")" + b"2\x86" * 60
    refused(tmp_path, b"\x80\x04" + laughs + b".", CheckpointError)
    assert "key" in refused(tmp_path, b"\x80\x04}" + laughs + b"Ns.")
    module: object = persistent("SynthesisBlock", {"_modules": {}})
    for _ in range(24):
        module = persistent("SynthesisBlock", {"_modules": {"a": module, "b": module}})
    message = refused(tmp_path, pickled(checkpoint(module)), CorruptCheckpointError)
    assert "without end" in message


def test_deep_and_circular_structures(tmp_path: Path) -> None:
    deep = b")" + b"\x85" * 1_000_000
    refused(tmp_path, b"\x80\x04" + deep + b".", CheckpointError)
    assert "key" in refused(tmp_path, b"\x80\x04}" + deep + b"Ns.")
    loop = New(Name("training.networks_creps", "SynthesisInput"))
    loop.state = {"_modules": {"again": loop}}
    message = refused(tmp_path, pickled(checkpoint(loop)), CorruptCheckpointError)
    assert "without end" in message
    wide = persistent("SynthesisBlock", {"_modules": {str(i): loop for i in range(5000)}})
    loop.state = {"_modules": {str(i): wide for i in range(5000)}}
    refused(tmp_path, pickled(checkpoint(loop)), CorruptCheckpointError)


def test_the_command_names_it_on_one_line_and_leaves_with_2(sentinel: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickled(checkpoint(network(weights()), D=calls(sentinel)["os.system"])))
    for module, out in (("info", []), ("convert", [str(tmp_path / "out.safetensors")])):
        done = subprocess.run(
            [sys.executable, "-m", f"creps_core.cli.{module}", str(path), *out],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert done.stderr.startswith(f"creps-{module}: error: hostile.pkl: ")
        assert "os.system" in done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hostile.pkl"]


def test_names_from_the_file_cannot_reach_the_terminal_raw(tmp_path: Path) -> None:
    message = refused(tmp_path, pickled([Name("evil\x1b[2J\n", "name\u202e")]), UnknownGlobalError)
    assert message.isprintable()
    assert message.isascii()


TINY_FILE = published()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_load_or_are_refused(data: st.DataObject, tmp_path: Path) -> None:
    """Whatever bytes are changed, removed or inserted: a checkpoint, or a CheckpointError."""
    damaged = bytearray(TINY_FILE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, len(damaged) - 1), st.integers(0, 1500)))
        what = data.draw(st.sampled_from(["change", "remove", "insert", "opcode"]))
        if what == "change":
            damaged[at] = data.draw(st.integers(0, 255))
        elif what == "remove":
            del damaged[at : at + data.draw(st.integers(1, 20))]
        elif what == "insert":
            damaged[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            damaged[at] = data.draw(
                st.sampled_from(b"\x93R\x81b0(tuse}]NK\x8c\x94hjqC.\x85\x86\x87\x8f\x90\x91Qc")
            )
    _load_or_refuse(tmp_path, bytes(damaged))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400_000), value=st.integers(0, 255))
def test_damaged_golden_files_load_or_are_refused(at: int, value: int, tmp_path: Path) -> None:
    damaged = bytearray((GOLDEN / "creps-32-conditional-clamped.pkl").read_bytes())
    damaged[at] = value
    _load_or_refuse(tmp_path, bytes(damaged))


def _load_or_refuse(tmp_path: Path, data: bytes) -> None:
    try:
        found = read(tmp_path, data)
    except CheckpointError as error:
        assert "\n" not in str(error)
    else:
        assert all(t.isfinite().all() for t in found.tensors.values())
