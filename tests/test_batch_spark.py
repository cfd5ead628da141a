"""The same decisions on a local Spark, with a task that fails once and a partition that holds nearly all rows."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from policy_engine import Engine

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed (extra `spark`)")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Java is not installed; Spark needs Java 17 or later", allow_module_level=True)

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "benchmarks/release_policy"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = (
            SparkSession.builder.master("local[2,3]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.memory", "1g")
            .getOrCreate()
        )
        yield made
        made.stop()


def rows(count: int) -> list[dict[str, Any]]:
    classes = ["none", "misdemeanor", "felony", "serious", "violent", None]
    return [
        {
            "id": f"r{number}",
            "judicial_warrant": number % 7 == 0,
            "court_order_hold": [True, False, None][number % 3],
            "hours_past_release": float(number % 97),
            "conviction_class": classes[number % 6] if number % 501 else "no such class",
        }
        for number in range(count)
    ]


WHERE = {"as_of": "2026-01-01T00:00", "jurisdiction": "policy", "agency_kind": "unit"}


def here(data: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    rejects: list[Any] = []
    found = Engine(RULES).evaluate_batch(pa.Table.from_pylist(data), rejects=rejects, **WHERE).to_pylist()
    decided = {row["id"]: (row["hold"], row["hold.candidates"], row["hold.citation"], row["transfer"], None) for row in found}
    return decided | {item.id: (None, None, None, None, f"{item.column}: {item.reason}") for item in rejects}


def told(frame: Any) -> list[tuple[str, tuple[Any, ...]]]:
    return [(row["id"], (row["hold"], row["hold.candidates"], row["hold.citation"], row["transfer"], row["reject"])) for row in frame.collect()]


def test_spark_decides_as_one_process_does(spark: Any) -> None:
    from policy_engine.batch.spark import decide

    data = rows(3000)
    frame = spark.createDataFrame(
        [tuple(row.values()) for row in data], "id string, judicial_warrant boolean, court_order_hold boolean, hours_past_release double, conviction_class string"
    )
    found = told(decide(frame.repartition(4), rules=RULES, **WHERE))
    assert len(found) == len(data)
    assert dict(found) == here(data)


def test_a_failing_task_is_retried_without_loss_or_doubles(spark: Any, tmp_path: Path) -> None:
    from policy_engine.batch.spark import decide

    flag = tmp_path / "failed"

    def fail_once(batches: Any) -> Any:
        yield from batches
        if not flag.exists():
            flag.touch()
            raise RuntimeError("this task fails once")

    data = rows(900)
    frame = spark.createDataFrame([(row["id"], row["judicial_warrant"]) for row in data], "id string, judicial_warrant boolean").repartition(3)
    found = told(decide(frame.mapInArrow(fail_once, frame.schema), rules=RULES, **WHERE))
    assert flag.exists()
    assert sorted(name for name, _ in found) == sorted(row["id"] for row in data)


def test_a_skewed_partition_finishes(spark: Any) -> None:
    from pyspark.sql import functions

    from policy_engine.batch.spark import decide

    frame = spark.range(60_000).select(
        functions.concat(functions.lit("r"), functions.col("id")).alias("id"),
        (functions.col("id") % 2 == 0).alias("judicial_warrant"),
        functions.when(functions.col("id") < 59_900, 0).otherwise(functions.col("id")).alias("part"),
    )
    frame = frame.repartition(4, "part").drop("part")
    found = decide(frame, rules=RULES, actions=["transfer"], **WHERE).groupBy("transfer").count().collect()
    assert sum(row["count"] for row in found) == 60_000
