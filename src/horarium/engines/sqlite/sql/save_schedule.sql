-- Create or replace a schedule, once its version has been compared.
-- Parameters: :name, :id, :owner, :active, :version, :next_fire, :last_fire, :total_runs, :missed, :skipped, :succeeded,
--   :failures, :ended, :record (JSON)
-- Result: none
-- State: (unknown) or version n -> version n + 1, not held; what firings and runs count stays as stored, but for failures
-- Safe: inside the write transaction that compared the version, and saw to it that failures are not more than before
INSERT INTO schedules (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, skipped, succeeded,
    failures, ended, record)
VALUES (:name, :id, :owner, :active, :version, :next_fire, :last_fire, :total_runs, :missed, :skipped, :succeeded,
    :failures, :ended, :record)
ON CONFLICT (name) DO UPDATE
SET id = excluded.id, owner = excluded.owner, active = excluded.active, version = excluded.version,
    next_fire = excluded.next_fire, held = 0, failures = excluded.failures, record = excluded.record
