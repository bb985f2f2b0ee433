-- See whether this user may write.
-- Parameters: none
-- Result: none
-- State: unchanged
-- Safe: rights are looked at before rows, and there are none
UPDATE {schema}.messages SET token = token WHERE false
