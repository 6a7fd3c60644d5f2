"""Teaching: an episode becomes a label, is previewed on the past, and is published; also packs, feedback, retirement.

Module `request` is light; the others read Kafka, Parquet and the bundle.
"""
