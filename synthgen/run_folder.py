"""The folder of a run: which shards it will hold, which are done, which are quarantined, whose config it is.

All of it follows from the config and the files present; there is no other state, so that any run can be
broken off at any moment and started again by the same command.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from synthgen import config as configs
from synthgen import storage
from synthgen.config import ConfigError
from synthgen.shards.records import ImageFormat
from synthgen.shards.shard import CONFIG_NAME, FAILED_SUFFIX, Shard, ShardReport, load_report

NUM_SAMPLES = "num_samples"  # the one key of the record that may grow
READERS = 32  # reports read at once; stores and shared file systems answer late, but many at a time


def recorded_config(path: str) -> Mapping[str, Any]:
    """Return the resolved config of the run in a folder; empty where there is none."""
    url = storage.join(path, CONFIG_NAME)
    return configs.parse(storage.read_bytes(url).decode("utf-8"), url).values if storage.exists(url) else {}


@dataclass(frozen=True)
class Failure:
    """Why a shard is in quarantine.

    Attributes:
        shard: its name.
        first_index: of its requests.
        num_requests: how many it covers.
        attempts: how often it was tried.
        error: last error, one line.
        traceback: last error in full, as the worker gave it.
    """

    shard: str
    first_index: int
    num_requests: int
    attempts: int
    error: str
    traceback: str


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes and what it will hold.

    Attributes:
        path: local path or fsspec URL.
        run: name of the run; shards are named after it.
        num_samples: requests of the whole run.
        samples_per_shard: requests of a shard; the last may have fewer.
        config_hash: of the resolved config.
        image_format: "jpg" or "png".
    """

    path: str
    run: str
    num_samples: int
    samples_per_shard: int
    config_hash: str
    image_format: ImageFormat

    def __len__(self) -> int:
        return -(-self.num_samples // self.samples_per_shard)

    def shard(self, index: int) -> Shard:
        """Return what belongs into a shard."""
        first = index * self.samples_per_shard
        count = min(self.samples_per_shard, self.num_samples - first)
        return Shard(self.run, index, first, count, self.config_hash, self.image_format)

    def shards(self) -> Iterator[Shard]:
        """Yield all shards of the run."""
        return (self.shard(index) for index in range(len(self)))

    def open(self, config_text: str, exclude: Collection[str]) -> None:
        """Claim the folder for this config, or see that it is already its own.

        Args:
            config_text: the resolved config as YAML; written first of all files.
            exclude: top-level keys that do not change what is made.

        Raises:
            ConfigError: the folder belongs to a run with another config; the message names the keys.
            StorageError: it cannot be written to.
        """
        storage.make_folder(self.path)
        before, now = recorded_config(self.path), configs.parse(config_text, CONFIG_NAME).values
        if not before:
            self._refuse_strangers()
        else:
            self._compare(before, now, exclude)
        if before.get(NUM_SAMPLES) != now.get(NUM_SAMPLES):
            storage.write_bytes(storage.join(self.path, CONFIG_NAME), config_text.encode())

    def reports(self) -> dict[str, ShardReport]:
        """Return the reports of all shards that are done, by name.

        A shard is done if its report can be read, covers the same requests and tells the size of the tar
        beside it. The folder is listed once and no tar is read. So a tar that is missing, cut short or longer
        than it was is found here; one whose bytes have changed under the same size is not: `pipeline=verify`
        reads everything and names it, and once it is deleted, the next start makes it again.

        Raises:
            ConfigError: a shard was made with another config.
            StorageError: the folder or a report cannot be read.
        """
        sizes = storage.list_sizes(self.path)
        written = [
            shard for shard in self.shards() if {f"{shard.name}.tar", f"{shard.name}.json"} <= sizes.keys()
        ]
        with ThreadPoolExecutor(READERS) as pool:
            found = list(pool.map(self._report_if_whole, written))
        return {
            report.shard: report
            for report in found
            if report is not None and report.size == sizes[f"{report.shard}.tar"]
        }

    def quarantine(self, failure: Failure) -> None:
        """Note that a shard failed for good; the next run will try it again."""
        text = json.dumps(asdict(failure), indent=1)
        storage.write_bytes(self._failed_url(failure.shard), text.encode())

    def release(self, name: str) -> None:
        """Take a shard out of quarantine, once it is done."""
        storage.remove(self._failed_url(name))

    def quarantined(self) -> list[str]:
        """Return the names of the shards in quarantine."""
        names = storage.list_names(self.path)
        return [name.removesuffix(FAILED_SUFFIX) for name in names if name.endswith(FAILED_SUFFIX)]

    def _failed_url(self, name: str) -> str:
        return storage.join(self.path, f"{name}{FAILED_SUFFIX}")

    def _report_if_whole(self, shard: Shard) -> ShardReport | None:
        try:
            report = load_report(self.path, shard.name)
        except ValueError:
            return None
        if report.config_hash != self.config_hash:
            raise ConfigError(
                [f"{self.path}: {shard.name} was made with another config than {CONFIG_NAME} beside it says"]
            )
        is_same = (report.shard, report.num_requests) == (shard.name, shard.num_requests)
        return report if is_same else None

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any], exclude: Collection[str]) -> None:
        differing = configs.differences(before, now, exclude)
        if int(before.get(NUM_SAMPLES, 0)) > self.num_samples:
            differing.append(f"{NUM_SAMPLES}: {before[NUM_SAMPLES]} before, {self.num_samples} now")
        if differing:
            is_empty = not any(name.endswith(".tar") for name in storage.list_names(self.path))
            hint = "; none of its shards is done, so the folder may be deleted as well" if is_empty else ""
            raise ConfigError(
                [
                    f"{self.path} holds a run with another config: choose another run=… or output=…, or set "
                    f"these keys back{hint}",
                    *differing,
                ]
            )

    def _refuse_strangers(self) -> None:
        present = set(storage.list_names(self.path))
        stranger = next((shard.name for shard in self.shards() if f"{shard.name}.json" in present), None)
        if stranger is not None:
            raise ConfigError(
                [
                    f"{self.path} holds shards ({stranger}, …) but no {CONFIG_NAME} that says how they were "
                    "made; choose another run=… or output=…, or put the file back"
                ]
            )
