-- Call what forgets rows that are deleted, after each statement.
-- Parameters: {trigger}: also the function's name; {table}
-- Result: none
-- State: no trigger -> one
-- Safe: waits for whoever writes to the table, and nobody can write to it meanwhile: a moment
CREATE TRIGGER {trigger} AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {trigger}();
