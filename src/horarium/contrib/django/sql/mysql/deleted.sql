-- Note rows that are deleted from a table.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {name}: the name that a row had, or ''
-- Result: none
-- State: no trigger -> each deleted row has a change under its number and name, or one more of it
-- Safe: noted in the transaction of the delete
CREATE TRIGGER {trigger} AFTER DELETE ON {table} FOR EACH ROW
    INSERT INTO horarium_change (kind, row_id, name, number) VALUES ('{kind}', OLD.{row}, {name}, 1)
    ON DUPLICATE KEY UPDATE number = number + 1;
