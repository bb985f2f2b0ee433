-- Read the notes whose keys begin so.
-- Parameters: ?1 beginning, ?2 now, ?3 how many at the most, -1: all
-- Result: key, text, expires, changed, the last key first
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT key, text, expires, changed FROM notes
WHERE substr(key, 1, length(?1)) = ?1 AND key >= ?1 AND key < ?1 || char(1114111) AND (expires IS NULL OR expires > ?2)
ORDER BY key DESC LIMIT ?3
