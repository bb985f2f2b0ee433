-- Read what of the server's configuration the promises rest on.
-- Parameters: none
-- Result: fsync, full_page_writes, synchronous_commit, encoding, is a replica, default_transaction_read_only
-- State: unchanged
-- Safe: one statement
SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
    current_setting('server_encoding'), pg_is_in_recovery(), current_setting('default_transaction_read_only')
