#!/bin/sh
# The topics with their fixed partitions (changing them later would move keys); harmless when they exist.
set -eu
create() {
  topic=$1
  shift
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic "$topic" \
    --partitions 12 --config message.timestamp.type=LogAppendTime "$@"
}
create roadbook.lead.v1 --config cleanup.policy=delete --config retention.ms=-1
create roadbook.sales.v1 --config cleanup.policy=delete --config retention.ms=-1
create roadbook.identity.v1 --config cleanup.policy=delete --config retention.ms=-1
create roadbook.derived.v1 --config cleanup.policy=delete --config retention.ms=-1
create roadbook.personal-data.v1 --config cleanup.policy=compact
