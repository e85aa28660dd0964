"""Kafka's own producer benchmark, from the jars that the embedded broker runs on."""

import re
import subprocess

from roadbook_cli import java, project


def records_per_second(bootstrap: str, topic: str, count: int, size: int) -> float:
    """`count` records of `size` bytes without headers, idempotent, every replica's acknowledgement."""
    properties = ("acks=all", "enable.idempotence=true", "batch.size=262144", "linger.ms=0")
    done = subprocess.run(
        [str(java.find().program), "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
         "-cp", f"{project.downloads() / 'kafka' / 'libs'}/*", "org.apache.kafka.tools.ProducerPerformance",
         "--topic", topic, "--num-records", str(count), "--record-size", str(size), "--throughput", "-1",
         "--producer-props", f"bootstrap.servers={bootstrap}", *properties],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"([\d.]+) records/sec", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"ProducerPerformance: {(done.stderr or done.stdout)[-500:]}")
    return float(found[-1])
