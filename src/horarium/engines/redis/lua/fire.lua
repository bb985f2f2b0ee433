-- Enqueue firings, each exactly once.
-- Parameters: KEYS[1] the namespace; ARGV now, token of this call, number; of each: name, kind (auto or manual),
--   version, expected next_fire, nominal (or ''), next_fire (or ''), missed, number of messages; then all the messages
--   as parts/put.lua wants them
-- Result: for each 1 (won) or 0 (lost)
-- State: not fired -> fired, its messages put, the schedule moved on
-- Safe: a script runs alone: compare-and-set on version and next_fire, and a unique firing. Sent twice, the second finds
--   the firing under its own token, and so has won
local K, now, token, count, FIELDS = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), 8
--#include calls lines put schedules
local told, at_message, here = {}, 4 + count * FIELDS, {}
local function fire(at)
  local name, kind, nominal = ARGV[at], ARGV[at + 1], ARGV[at + 4]
  local state = read_state(name)
  if not state then return 0 end
  local firing = state.id .. '|' .. nominal .. '|' .. kind
  local fired = nominal ~= '' and redis.call('HGET', K .. 'fired', firing)
  if fired == token and not here[firing] then return 1 end
  if kind == 'auto' then
    if state.version ~= ARGV[at + 2] or state.next ~= ARGV[at + 3] then return 0 end
    state.next, state.missed = ARGV[at + 5], state.missed + ARGV[at + 6]
    if nominal ~= '' and not fired then state.last, state.total = nominal, state.total + 1 end
    write_state(name, state)
  end
  if nominal == '' then return 1 end
  if fired then return 0 end
  here[firing] = true
  redis.call('HSET', K .. 'fired', firing, token)
  redis.call('ZADD', K .. 'fires', nominal, firing)
  put(at_message, tonumber(ARGV[at + 7]), now)
  return 1
end
for i = 1, count do
  local at = 4 + (i - 1) * FIELDS
  told[i] = fire(at)
  at_message = at_message + tonumber(ARGV[at + 7]) * STRIDE
end
return told
