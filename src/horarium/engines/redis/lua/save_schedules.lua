-- Create or replace schedules, all or none.
-- Parameters: KEYS[1] the namespace; ARGV token of this call; of each: name, version that was read (0: it is new), id,
--   owner, active (0 or 1), next_fire (or ''), last_fire (or ''), total_runs, missed, record (JSON)
-- Result: {'conflict', name, version that was read, version found} with nothing done, or {'ok', of each its state}
-- State: version n -> version n + 1; what firings count stays
-- Safe: a script runs alone; sent twice, the second finds what was saved under its own token, which is no conflict
local K, token, FIELDS = KEYS[1], ARGV[1], 10
--#include schedules
local told, found, versions = {'ok'}, {}, {}
for at = 2, #ARGV, FIELDS do
  local name, version = ARGV[at], tonumber(ARGV[at + 1])
  local state = found[name] or read_state(name)
  local before = versions[name] or (state and tonumber(state.version) or 0)
  local is_ours = not versions[name] and before == version + 1 and redis.call('HGET', K .. 'schk', name) == token
  if before ~= version and not is_ours then return {'conflict', name, version, before} end
  versions[name] = version + 1
  if state then found[name] = state end
end
for at = 2, #ARGV, FIELDS do
  local name, state = ARGV[at], read_state(ARGV[at])
  if not state then
    state = {last = ARGV[at + 6], total = ARGV[at + 7], missed = ARGV[at + 8]}
    redis.call('ZADD', K .. 'schn', 0, name)
  end
  state.version, state.id, state.owner = ARGV[at + 1] + 1, ARGV[at + 2], ARGV[at + 3]
  state.active, state.next = ARGV[at + 4], ARGV[at + 5]
  redis.call('HSET', K .. 'sch', name, ARGV[at + 9])
  redis.call('HSET', K .. 'schk', name, token)
  if state.owner == 'code' then redis.call('ZADD', K .. 'schc', 0, name) else redis.call('ZREM', K .. 'schc', name) end
  if redis.call('ZCARD', K .. 'schn') == 1 then redis.call('ZADD', K .. 'schc', 0, '') end  -- see index_schedules.lua
  write_state(name, state)
  told[#told + 1] = redis.call('HGET', K .. 'schx', name)
end
return told
