import logging
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthgen import storage
from synthgen.sample import Sample
from synthgen.shards import Shard, is_done, read_samples, write_shard
from synthgen.storage import StorageError


class Proxy:
    """A TCP relay that cuts connections: the first `cuts` of them after `after` bytes from the client."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.cuts = 0
        self.after = 0
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def break_after(self, size: int, times: int) -> None:
        self.after, self.cuts = size, times

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self.target)
            threading.Thread(target=self._relay, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._relay, args=(server, client, False), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, is_upload: bool) -> None:
        total = 0
        try:
            while data := source.recv(1 << 16):
                total += len(data)
                if is_upload and self.cuts > 0 and total > self.after:
                    self.cuts -= 1
                    source.shutdown(socket.SHUT_RDWR)
                    break
                sink.sendall(data)
        except OSError:
            return  # the other half closed them
        finally:
            source.close()
            sink.close()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[tuple[str, int]]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def proxy(s3_server: tuple[str, int], monkeypatch: Any) -> Iterator[Proxy]:
    """Return a relay in front of a bucket "data"; the S3 client is pointed at the relay."""
    import s3fs

    relay = Proxy(s3_server)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{relay.port}",
        "AWS_MAX_ATTEMPTS": "2",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    filesystem = s3fs.S3FileSystem()
    if not filesystem.exists("data"):
        filesystem.mkdir("data")
    yield relay
    relay.close()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_local_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    url = storage.join(str(tmp_path), "a.bin")
    with storage.atomic_write(url) as file:
        file.write(b"whole")
        assert not storage.exists(url)
        assert [storage.is_leftover(name) for name in storage.list_names(str(tmp_path))] == [True]
    assert storage.list_names(str(tmp_path)) == ["a.bin"]
    assert storage.digest(url) == (file.sha256, file.size) and file.size == 5
    with pytest.raises(RuntimeError), storage.atomic_write(url) as file:
        file.write(b"half")
        raise RuntimeError
    assert storage.list_names(str(tmp_path)) == ["a.bin"]
    assert storage.read_bytes(url) == b"whole"


def test_a_killed_writer_leaves_one_file_that_can_be_recognized(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom synthgen import storage\n"
        "with storage.atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.tar")], check=False)
    leftovers = storage.list_names(str(tmp_path))
    assert len(leftovers) == 1 and storage.is_leftover(leftovers[0])
    assert storage.remove_leftovers(str(tmp_path)) == leftovers
    assert storage.list_names(str(tmp_path)) == []


def test_a_file_that_cannot_grow_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys\nfrom synthgen import storage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    with storage.atomic_write(sys.argv[1]) as file:\n"
        "        [file.write(bytes(10_000)) for _ in range(100)]\n"
        "except storage.StorageError as error:\n    print(error)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    url = str(tmp_path / "a.tar")
    done = subprocess.run([sys.executable, "-c", script, url], check=True, capture_output=True, text=True)
    assert done.stdout == f"{url} cannot be written after 100000 bytes: File too large\n" and not done.stderr
    assert storage.list_names(str(tmp_path)) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    real_open = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode: real_open(Path("/dev/full") if mode == "xb" else self, "wb")
    )
    with (
        pytest.raises(StorageError, match=r"a\.tar cannot be written: No space left on device; free space"),
        storage.atomic_write(str(tmp_path / "a.tar")) as file,
    ):
        file.write(b"x")
    assert storage.list_names(str(tmp_path)) == []


def test_folders_that_cannot_be_made_or_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file/run cannot be made: Not a directory"):
        storage.make_folder(str(tmp_path / "file" / "run"))
    with pytest.raises(StorageError, match="/proc/run cannot be made"):
        storage.make_folder("/proc/run")
    with pytest.raises(StorageError, match="no/a cannot be written: No such file or directory"):
        storage.write_bytes(str(tmp_path / "no" / "a"), b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be written to: Permission denied; choose an output"):
        storage.make_folder(str(tmp_path))
    tmp_path.chmod(0o700)


def test_reading_what_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="none cannot be read: No such file or directory"):
        storage.read_bytes(str(tmp_path / "none"))
    storage.write_bytes(str(tmp_path / "a"), b"12345")
    with pytest.raises(StorageError, match="larger than 4 bytes"):
        storage.read_bytes(str(tmp_path / "a"), limit=4)
    assert storage.list_names(str(tmp_path / "none")) == []
    assert storage.list_sizes(str(tmp_path / "none")) == {}
    storage.remove(str(tmp_path / "a"))
    storage.remove(str(tmp_path / "a"))
    assert not storage.exists(str(tmp_path / "a"))


def test_file_urls_and_splitting(tmp_path: Path) -> None:
    storage.write_bytes(f"file://{tmp_path}/a", b"1")
    assert storage.read_bytes(str(tmp_path / "a")) == b"1"
    assert storage.split("s3://b/run/x.tar") == ("s3://b/run", "x.tar")
    assert storage.split("x.tar") == (".", "x.tar")
    assert storage.split("/x.tar") == ("/", "x.tar")
    assert storage.join("s3://b/run/", "x") == "s3://b/run/x"


def test_any_fsspec_store(tmp_path: Path) -> None:
    folder = "memory://run"
    storage.make_folder(folder)
    assert storage.list_names(folder) == []
    with pytest.raises(RuntimeError), storage.atomic_write(f"{folder}/a") as file:
        file.write(b"half")
        raise RuntimeError
    assert not storage.exists(f"{folder}/a")
    storage.write_bytes(f"{folder}/sub/b", b"1")
    storage.write_bytes(f"{folder}/a", b"12")
    assert storage.list_names(folder) == ["a", "sub/"] and storage.is_folder(folder)
    assert storage.list_sizes(folder) == {"a": 2}
    assert storage.digest(f"{folder}/a")[1] == 2
    storage.remove(f"{folder}/a")
    assert storage.list_names(folder) == ["sub/"]


def test_unknown_stores_and_missing_packages_are_named() -> None:
    with pytest.raises(StorageError, match="nope://x/y: Protocol not known: nope"):
        storage.exists("nope://x/y")
    script = (
        "import sys\nsys.modules['s3fs'] = None\nfrom synthgen import storage\n"
        "try:\n    storage.write_bytes('s3://bucket/a', b'')\n"
        "except storage.StorageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "s3:// needs one more package: pip install 'synthgen[s3]'" in done.stdout and not done.stderr


def test_s3_holds_whole_files_only(proxy: Proxy) -> None:
    folder = "s3://data/run"
    storage.make_folder(folder)
    assert storage.list_names(folder) == []
    with pytest.raises(RuntimeError), storage.atomic_write(f"{folder}/a.tar") as file:
        file.write(b"half")
        raise RuntimeError
    assert storage.list_names(folder) == []
    with storage.atomic_write(f"{folder}/a.tar") as file:
        file.write(bytes(1000))
    assert storage.digest(f"{folder}/a.tar") == (file.sha256, 1000)
    storage.write_bytes(f"{folder}/a.tar", b"new")
    assert storage.read_bytes(f"{folder}/a.tar") == b"new"
    assert storage.list_names(folder) == ["a.tar"]
    assert storage.list_sizes(folder) == {"a.tar": 3}


def test_s3_without_the_bucket_is_an_error_and_makes_none(proxy: Proxy) -> None:
    with pytest.raises(StorageError, match="s3://other/run cannot be written to: .*bucket does not exist"):
        storage.make_folder("s3://other/run")
    assert storage.list_names("s3://other/run") == []


def test_a_shard_on_s3_is_the_same_and_done_only_once_it_is_whole(
    proxy: Proxy, tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    shard = Shard("run", 0, 0, 2, "hash")
    items = [make_sample(0), make_sample(1)]
    expected = write_shard(str(tmp_path), shard, items)
    proxy.break_after(10_000, times=1000)
    with pytest.raises(StorageError, match="run-000000.tar cannot be written"):
        write_shard("s3://data/ski", shard, items)
    proxy.break_after(0, times=0)
    assert storage.list_names("s3://data/ski") == [] and not is_done("s3://data/ski", shard.name)
    assert replace(write_shard("s3://data/ski", shard, items), wall_s=0) == replace(expected, wall_s=0)
    assert is_done("s3://data/ski", shard.name)
    assert len(list(read_samples("s3://data/ski"))) == 2


def test_s3_connection_that_breaks_once_is_tried_again(proxy: Proxy) -> None:
    data = os.urandom(3 << 20)
    proxy.break_after(1 << 20, times=1)
    storage.write_bytes("s3://data/again/a.tar", data)
    assert proxy.cuts == 0
    assert storage.read_bytes("s3://data/again/a.tar") == data


def test_s3_connection_that_stays_broken_is_one_clear_error(proxy: Proxy) -> None:
    storage.write_bytes("s3://data/broken/a.json", b"{}")
    proxy.break_after(1 << 20, times=1000)
    with pytest.raises(StorageError, match=r"broken/a\.tar cannot be written: (Could not connect|.*closed)"):
        storage.write_bytes("s3://data/broken/a.tar", bytes(3 << 20))
    proxy.break_after(0, times=0)
    assert storage.list_names("s3://data/broken") == ["a.json"]
