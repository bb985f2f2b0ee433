"""A small events aggregator: it scrapes what is on in town, on a schedule, and keeps one row per event."""
