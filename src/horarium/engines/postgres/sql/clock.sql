-- Read the server's clock.
-- Parameters: none
-- Result: UTC milliseconds, with a fraction
-- State: unchanged
-- Safe: clock_timestamp() is the moment of reading, not the start of a transaction
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision
