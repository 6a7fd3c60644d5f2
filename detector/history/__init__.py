"""History: a folder of Parquet files with a network's samples, read in columns, sampled and searched."""
