-- Call what notes that rows of a table are inserted, after each statement.
-- Parameters: {trigger}: also the function's name; {table}
-- Result: none
-- State: no trigger -> one
-- Safe: waits for whoever writes to the table, and nobody can write to it meanwhile: a moment
CREATE TRIGGER {trigger} AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {trigger}();
