-- List the triggers that there are, and fire.
-- Parameters: none
-- Result: the names of ours, on tables of the schema in use
-- State: unchanged
-- Safe: reads only
SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgname LIKE 'horarium!_%' ESCAPE '!'
  AND pg_table_is_visible(pg_class.oid);
