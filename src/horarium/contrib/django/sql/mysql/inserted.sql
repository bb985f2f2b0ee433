-- Note rows that are inserted into a table.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {counts}: which rows count
-- Result: none
-- State: no trigger -> each new row that counts has a change under its number, or one more of it
-- Safe: noted in the transaction of the insert
CREATE TRIGGER {trigger} AFTER INSERT ON {table} FOR EACH ROW
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', NEW.{row}, '', 1 FROM DUAL WHERE {counts}
    ON DUPLICATE KEY UPDATE number = number + 1;
